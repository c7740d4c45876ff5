internal import Synchronization

/// The tokens that a client has used on the present day, in UTC: one word, the day in its upper bits, so that the count
/// begins anew by itself at midnight.
package struct DailyTokens: ~Copyable, Sendable {
    private let word = Atomic<UInt64>(0)

    private static let countBits: UInt64 = 44
    private static let mostTokens = UInt64(1) << countBits - 1

    /// Days since 1970-01-01.
    ///
    /// - Parameter milliseconds: since then, in UTC.
    package static func day(of milliseconds: Int64) -> Int { Int(max(0, milliseconds) / 86_400_000) }

    /// Nanoseconds until the next day begins.
    package static func untilTomorrow(_ milliseconds: Int64) -> UInt64 {
        UInt64(86_400_000 - max(0, milliseconds) % 86_400_000) * 1_000_000
    }

    private static func pack(_ day: Int, _ tokens: UInt64) -> UInt64 {
        // 2^20 days are more than two thousand years.
        UInt64(truncatingIfNeeded: day) << countBits | min(tokens, mostTokens)
    }

    private static func tokens(in word: UInt64, on day: Int) -> UInt64 {
        word >> countBits == UInt64(truncatingIfNeeded: day) ? word & mostTokens : 0
    }

    package func used(on day: Int) -> Int {
        Int(Self.tokens(in: word.load(ordering: .relaxed), on: day))
    }

    /// Adds tokens, or takes some off again; there are never fewer than none.
    package func add(_ tokens: Int, on day: Int) {
        guard tokens != 0 else { return }
        _ = change(on: day) { used in
            let magnitude = UInt64(tokens.magnitude)
            return tokens > 0 ? used + min(magnitude, Self.mostTokens) : used - min(used, magnitude)
        }
    }

    /// Adds tokens as long as the day's limit is not passed.
    ///
    /// - Returns: whether they were added.
    package func take(_ tokens: Int, limit: Int, on day: Int) -> Bool {
        let (tokens, limit) = (UInt64(max(tokens, 0)), UInt64(max(limit, 0)))
        // With nothing left not even what costs nothing is begun: its answer will cost something.
        return change(on: day) { used in
            used < limit && tokens <= limit - used ? used + tokens : nil
        }
    }

    private func change(on day: Int, _ body: (_ used: UInt64) -> UInt64?) -> Bool {
        var found = word.load(ordering: .relaxed)
        while true {
            guard let changed = body(Self.tokens(in: found, on: day)) else { return false }
            let (exchanged, original) = word.weakCompareExchange(
                expected: found, desired: Self.pack(day, changed), ordering: .relaxed)
            if exchanged { return true }
            found = original
        }
    }
}
