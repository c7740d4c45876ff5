import NIOCore

/// Says when a stream in which nothing happens needs a sign of life: a comment after each interval of silence, and
/// every fourth time an event, for clients that count events only.
struct StreamKeepAlive {
    enum Sign: Equatable {
        case comment
        case event
    }

    private static let commentsBeforeEvent = 3
    private var lastSign: NIODeadline?
    private var comments = 0

    /// The wait for Qwen's answer begins, anew with each attempt: as long as Qwen refuses, nothing is committed.
    mutating func began(_ now: NIODeadline) {
        lastSign = now
    }

    /// Something was passed on.
    mutating func sent(_ now: NIODeadline) {
        lastSign = now
        comments = 0
    }

    /// What is due now, if anything; it counts as sent.
    ///
    /// - Parameter interval: of silence; nil turns signs off.
    mutating func due(_ now: NIODeadline, interval: TimeAmount?) -> Sign? {
        guard let interval, let lastSign, now - lastSign >= interval else { return nil }
        self.lastSign = now
        comments += 1
        guard comments > Self.commentsBeforeEvent else { return .comment }
        comments = 0
        return .event
    }
}
