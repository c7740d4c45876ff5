import NIOCore

/// Counts what a peer can do for free, and says when it is too much.
///
/// nghttp2 1.52 limits incoming RST_STREAM and CONTINUATION only. Left to the application are the resets that *we*
/// are made to send (CVE-2025-8671), and frames that cost work without moving an exchange on: PING, SETTINGS,
/// PRIORITY, WINDOW_UPDATE, empty DATA, unknown types. Both are token buckets that refill with time; what our own
/// DATA provokes (WINDOW_UPDATE, PING) is paid for by it.
struct HTTP2Abuse {
    /// Exchanges that end by a reset, the client's or one that its fault forces on us: so many at once, and so many a
    /// second. Two hundred pressed Stop buttons in half a minute pass.
    private static let resetBurst = 400.0, resetsPerSecond = 10.0
    /// Frames of no progress.
    private static let idleBurst = 800.0, idleFramesPerSecond = 20.0
    /// Frames of no progress that each DATA frame we send pays for, and how many of those are kept for a peer that
    /// falls behind: after a pause it may acknowledge thousands of DATA frames at once.
    private static let creditPerData = 3.0, mostCredit = 8_000.0

    private var resets = resetBurst
    private var idleFrames = idleBurst
    private var refilled: NIODeadline?

    private(set) var isExceeded = false

    /// Refills both buckets for the time that has passed.
    mutating func refill(_ now: NIODeadline) {
        if let last = refilled, now > last {
            let seconds = Double((now - last).nanoseconds) / 1e9
            resets = min(Self.resetBurst, resets + seconds * Self.resetsPerSecond)
            let refill = min(Self.idleBurst, idleFrames + seconds * Self.idleFramesPerSecond)
            idleFrames = max(idleFrames, refill)
        }
        refilled = now
    }

    mutating func countReset() {
        if resets < 1 { isExceeded = true } else { resets -= 1 }
    }

    mutating func countIdleFrame() {
        if idleFrames < 1 { isExceeded = true } else { idleFrames -= 1 }
    }

    /// DATA with content went out.
    mutating func creditDataSent() {
        idleFrames = min(Self.mostCredit, idleFrames + Self.creditPerData)
    }
}
