/// How long to wait between attempts to get a `FileLock`: 20 attempts, 100 ms after the first, each wait half as long
/// again as the one before, none above 2 s. 29 s in all, as qwen-code waits.
package struct LockBackoff: Sendable, Equatable {
    /// The most attempts.
    package static let attempts = 20
    private static let longestWait: Int64 = 2_000

    private var failures = 0
    private var wait: Int64 = 100

    package init() {}

    /// Records an attempt that failed. Returns the milliseconds to wait before the next, nil if that was the last.
    package mutating func attemptFailed() -> Int64? {
        failures += 1
        guard failures < Self.attempts else { return nil }
        defer { wait = min(wait * 3 / 2, Self.longestWait) }
        return wait
    }
}
