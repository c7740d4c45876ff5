package import NIOCore

/// The slowest that a client may be: it gets a time of grace, and every byte that moves earns it more.
///
/// Inactivity is no measure of a peer that sends or takes a byte now and then; a rate alone is unfair to one that
/// pauses. What is earned is never saved up beyond the grace, so a silence is never longer than that.
package struct MinimumPace: Sendable, Equatable {
    /// Bytes that earn one second. Zero asks for no rate: any byte earns all of the grace.
    package var rate: Int
    package var grace: TimeAmount

    package init(rate: Int, grace: TimeAmount) {
        self.rate = rate
        self.grace = grace
    }

    /// The time that so many bytes earn, up to the grace.
    func earned(_ bytes: Int) -> TimeAmount {
        guard bytes > 0 else { return .zero }
        guard rate > 0 else { return grace }
        let nanoseconds = Double(bytes) / Double(rate) * 1e9
        return nanoseconds < Double(grace.nanoseconds) ? .nanoseconds(Int64(nanoseconds)) : grace
    }
}

/// Watches whether bytes that should move do so fast enough. Looked at about once a second.
struct PaceWatch {
    /// Nil while nothing waits.
    private var deadline: NIODeadline?
    private var pending = 0
    private var progress = 0

    /// Whether the bytes that wait have moved too slowly for too long.
    ///
    /// Time counts only while bytes wait that waited at the last look already: a queue that empties as fast as it is
    /// filled is not slow, however little is put into it.
    ///
    /// - Parameters:
    ///   - pending: bytes that wait now; `Int.max` for a peer that owes bytes, nobody knows how many.
    ///   - progress: bytes that have moved so far, ever.
    mutating func isTooSlow(pending: Int, progress: Int, now: NIODeadline, limit: MinimumPace) -> Bool {
        let moved = progress - self.progress
        let waited = self.pending
        self.pending = pending
        self.progress = progress
        guard pending > 0 else {
            deadline = nil
            return false
        }
        guard let before = deadline, moved < waited else {
            deadline = now + limit.grace
            return false
        }
        let next = min(before + limit.earned(moved), now + limit.grace)
        deadline = next
        return now >= next
    }
}
