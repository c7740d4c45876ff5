import NIOCore

/// Counts what a peer can do for free, and says when it is too much.
///
/// nghttp2 1.52 limits incoming RST_STREAM and CONTINUATION only. Left to the application are the resets that *we*
/// are made to send (CVE-2025-8671), and frames that cost work without moving an exchange on: PING, SETTINGS,
/// PRIORITY, WINDOW_UPDATE, empty DATA, unknown types. All of it is paid for out of one bucket, which refills with
/// time: so a mixture of attacks gets no further than each of them does. What our own DATA provokes (WINDOW_UPDATE,
/// PING) is paid for by that.
struct HTTP2Abuse {
    /// What is counted.
    enum Act: Int, CaseIterable {
        /// A stream that the client opened and reset.
        case reset
        /// A stream that a fault of the client's made us reset.
        case forcedReset
        /// A stream opened past the limit.
        case refusedStream
        /// A header section past the limits: a few bytes may stand for it.
        case largeHeaders
        /// A frame of no progress.
        case idleFrame
        /// A WINDOW_UPDATE that no DATA of ours has paid for.
        case windowUpdate
        /// A DATA frame of a few bytes.
        case tinyData

        /// In frames of no progress.
        var cost: Float {
            switch self {
            case .reset, .forcedReset, .refusedStream, .largeHeaders: 2
            case .idleFrame, .windowUpdate: 1
            case .tinyData: 1 / 16
            }
        }

        var fault: ConnectionFault {
            switch self {
            case .reset: ConnectionFault(.rapidReset, "too many streams were reset")
            case .forcedReset: ConnectionFault(.forcedResets, "too many streams had to be reset")
            case .refusedStream: ConnectionFault(.refusedStreams, "too many streams past the limit")
            case .largeHeaders: ConnectionFault(.headerBomb, "too many header sections over the limits")
            case .idleFrame: ConnectionFault(.idleFrames, "too many frames of no progress")
            case .windowUpdate: ConnectionFault(.windowUpdates, "too many WINDOW_UPDATE frames")
            case .tinyData: ConnectionFault(.tinyData, "too many DATA frames of a few bytes")
            }
        }
    }

    /// Frames of no progress: so many at once, and so many a second. Of streams that are reset it is half as many: two
    /// hundred pressed Stop buttons in half a minute take less than half of it.
    static let burst: Float = 800
    static let framesPerSecond = 20.0
    /// WINDOW_UPDATE frames that each DATA frame we send pays for, and how many of those are kept for a peer that falls
    /// behind: after a pause it may acknowledge thousands of DATA frames at once.
    static let windowUpdatesPerData: Float = 2, mostWindowUpdates: Float = 8_000
    /// The same for PING, by which some clients measure the round trip while they receive.
    static let pingsPerData: Float = 1, mostPings: Float = 100
    /// A DATA frame that the peer's window cut to less than this pays for nothing: it is the peer's wish.
    static let crumb = 1024

    /// What a frame of late DATA counts as, at least.
    static let leastLateData = 512

    private var patience = burst
    /// Bytes of DATA that may still come on streams that take no more.
    private var lateData = 0
    private var windowUpdates: Float = 0
    private var pings: Float = 0
    private var refilled: NIODeadline?
    /// What patience was spent on since it was last whole, by the number of the act.
    private var spent = InlineArray<7, Float>(repeating: 0)

    /// What was too much, once it is.
    private(set) var fault: ConnectionFault?
    var isExceeded: Bool { fault != nil }

    /// Refills the bucket for the time that has passed.
    mutating func refill(_ now: NIODeadline) {
        if let last = refilled, now > last, patience < Self.burst {
            let seconds = Double((now - last).nanoseconds) / 1e9
            patience = min(Self.burst, patience + Float(seconds * Self.framesPerSecond))
            if patience == Self.burst { spent = InlineArray(repeating: 0) }
        }
        refilled = now
    }

    mutating func count(_ act: Act) {
        let cost = act.cost
        spent[act.rawValue] += cost
        if patience < cost { exceed() } else { patience -= cost }
    }

    mutating func countWindowUpdate() {
        if windowUpdates >= 1 { windowUpdates -= 1 } else { count(.windowUpdate) }
    }

    mutating func countPing() {
        if pings >= 1 { pings -= 1 } else { count(.idleFrame) }
    }

    /// A stream takes no more before its request has ended.
    ///
    /// - Parameters:
    ///   - window: what its client may have sent in the meantime.
    ///   - most: what may be under way on all streams of the connection.
    mutating func expectLateData(_ window: Int, most: Int) {
        lateData = min(most, lateData + window)
    }

    /// A DATA frame came that is of no use. An honest client sends no more of them than its windows allowed.
    mutating func countLateData(_ bytes: Int) {
        let bytes = max(bytes, Self.leastLateData)
        if lateData >= bytes { lateData -= bytes } else { count(.idleFrame) }
    }

    /// A DATA frame with content goes out.
    ///
    /// - Parameter isCut: the peer's window had room for no more.
    mutating func dataSent(_ bytes: Int, isCut: Bool) {
        if isCut, bytes < Self.crumb { return }
        windowUpdates = min(Self.mostWindowUpdates, windowUpdates + Self.windowUpdatesPerData)
        pings = min(Self.mostPings, pings + Self.pingsPerData)
    }

    /// What most of the patience went on is what the connection ends for.
    private mutating func exceed() {
        guard fault == nil else { return }
        fault = Act.allCases.max { spent[$0.rawValue] < spent[$1.rawValue] }?.fault
    }
}
