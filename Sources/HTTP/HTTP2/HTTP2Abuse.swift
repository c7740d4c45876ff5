import NIOCore

/// Counts what a peer can do for free, and says when it is too much.
///
/// nghttp2 1.52 limits incoming RST_STREAM and CONTINUATION only. Left to the application are the resets that *we*
/// are made to send (CVE-2025-8671), and frames that cost work without moving an exchange on: PING, SETTINGS,
/// PRIORITY, WINDOW_UPDATE, empty DATA, unknown types. Both are token buckets that refill with time; frames that
/// our own DATA provokes (WINDOW_UPDATE) are paid for by it.
struct HTTP2Abuse {
    /// Streams that end by a reset, from either side: 400 at once, 10 a second. Two hundred pressed Stop buttons in
    /// half a minute pass.
    private var resets = TokenBucket(capacity: 400, perSecond: 10)
    /// Frames of no progress: 800 at once, 20 a second.
    private var idleFrames = TokenBucket(capacity: 800, perSecond: 20)

    private(set) var isExceeded = false

    mutating func tick(_ now: NIODeadline) {
        resets.refill(now)
        idleFrames.refill(now)
    }

    mutating func countReset() {
        if !resets.take() { isExceeded = true }
    }

    mutating func countIdleFrame() {
        if !idleFrames.take() { isExceeded = true }
    }

    /// DATA went out or came in with content: its acknowledgements are no abuse.
    mutating func creditProgress() {
        idleFrames.credit(3)
    }
}

/// Tokens that refill at a constant rate up to a capacity.
struct TokenBucket {
    private let capacity: Double
    private let perSecond: Double
    private var tokens: Double
    private var refilled: NIODeadline?

    init(capacity: Double, perSecond: Double) {
        self.capacity = capacity
        self.perSecond = perSecond
        self.tokens = capacity
    }

    mutating func refill(_ now: NIODeadline) {
        if let last = refilled, now > last {
            tokens = min(capacity, tokens + Double((now - last).nanoseconds) * perSecond / 1e9)
        }
        refilled = now
    }

    mutating func credit(_ amount: Double) {
        tokens = min(capacity, tokens + amount)
    }

    /// Takes one token; false when there is none.
    mutating func take() -> Bool {
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
