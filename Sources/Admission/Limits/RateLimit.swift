package import Synchronization

/// So many units in each period, and so many at once: the generic cell rate algorithm (ITU-T I.371 §5.4), which is a
/// token bucket that is kept as one instant.
///
/// The instant is the theoretical arrival time: when the bucket will be full again. It moves on by what each unit
/// takes, and may be no further ahead of now than the bucket is deep. So the whole state of a bucket is one word, which
/// any number of threads change by compare and exchange, without a lock. All times are in nanoseconds of the monotonic
/// clock.
package struct RateLimit: Sendable, Equatable {
    /// How many units fit into the bucket: what may be taken at once.
    package let burst: Int
    /// `units` of them come back in each `period`.
    private let units: UInt64
    private let period: UInt64
    /// In how much time one unit comes back, and all of them.
    private let perUnit: UInt64
    private let depth: UInt64

    /// Longer debts than an hour are forgiven: nothing that one request can cost bars a client for the day.
    private static let longestDebt: UInt64 = 3_600_000_000_000

    /// - Parameters:
    ///   - units: at least one.
    ///   - period: in nanoseconds, at least as many as `units`.
    ///   - burst: at least one.
    package init(_ units: UInt64, each period: UInt64, burst: Int) {
        self.units = max(units, 1)
        self.period = period
        self.burst = max(burst, 1)
        // Rounded down, all of them: units that are taken one by one cost no more than those taken together.
        perUnit = Self.scaled(1, by: period, over: self.units)
        depth = Self.scaled(UInt64(self.burst), by: period, over: self.units)
    }

    /// `number * factor / divisor`, rounded down, and a very long time where that is too much for a word.
    private static func scaled(_ number: UInt64, by factor: UInt64, over divisor: UInt64) -> UInt64 {
        let most = UInt64(1) << 62
        let product = number.multipliedFullWidth(by: factor)
        guard product.high < divisor else { return most }
        return min(divisor.dividingFullWidth(product).quotient, most)
    }

    /// In how much time so many units come back.
    private func time(for count: Int) -> UInt64 {
        count == 1 ? perUnit : Self.scaled(UInt64(max(count, 0)), by: period, over: units)
    }

    // MARK: The bucket

    /// How full a bucket is.
    package struct Level: Sendable, Equatable {
        /// Units that could be taken at once.
        package var remaining: Int
        /// Nanoseconds until it is full again.
        package var untilFull: UInt64
        /// Nanoseconds until what was asked for could be taken; zero where it was taken.
        package var wait: UInt64 = 0

        package init(remaining: Int, untilFull: UInt64, wait: UInt64 = 0) {
            self.remaining = remaining
            self.untilFull = untilFull
            self.wait = wait
        }
    }

    /// Takes so many units, all of them or, where there are not as many, none.
    ///
    /// - Parameter arrival: the bucket: zero at first.
    package func take(_ count: Int = 1, from arrival: borrowing Atomic<UInt64>, now: UInt64) -> Level {
        let cost = time(for: count)
        var found = arrival.load(ordering: .relaxed)
        while true {
            let due = max(found, now)
            // Neither overflows: what is ahead is at most an hour and a bucket's depth, which is below 2^62.
            let ahead = due - now + cost
            if ahead > depth { return level(due - now, wait: ahead - depth) }
            let (exchanged, original) = arrival.weakCompareExchange(
                expected: found, desired: now + ahead, ordering: .relaxed)
            if exchanged { return level(ahead) }
            found = original
        }
    }

    /// How full the bucket is; nothing is taken.
    package func look(at arrival: borrowing Atomic<UInt64>, now: UInt64) -> Level {
        let due = arrival.load(ordering: .relaxed)
        return level(due > now ? due - now : 0)
    }

    /// Puts units back, or takes more than there are: a debt, which later ones have to wait for.
    ///
    /// - Parameter count: what is taken; negative to put back.
    package func settle(_ count: Int, with arrival: borrowing Atomic<UInt64>, now: UInt64) {
        guard count != 0 else { return }
        let cost = time(for: Int(clamping: count.magnitude))
        var found = arrival.load(ordering: .relaxed)
        while true {
            let ahead = found > now ? found - now : 0
            let settled =
                count > 0 ? max(ahead, min(ahead + cost, depth + Self.longestDebt)) : ahead - min(ahead, cost)
            let (exchanged, original) = arrival.weakCompareExchange(
                expected: found, desired: now + settled, ordering: .relaxed)
            if exchanged { return }
            found = original
        }
    }

    private func level(_ ahead: UInt64, wait: UInt64 = 0) -> Level {
        let left = depth > ahead ? depth - ahead : 0
        // What rounding has left over is no further unit.
        let count = period == 0 ? UInt64(burst) : Self.scaled(left, by: units, over: period)
        return Level(remaining: min(Int(clamping: count), burst), untilFull: ahead, wait: wait)
    }
}

extension RateLimit {
    /// So many requests a second. Nil turns the limit off, as a rate of zero does.
    package init?(_ rate: RequestRate?, burst: Int?) {
        guard let rate, rate.thousandths > 0 else { return nil }
        self.init(UInt64(rate.thousandths), each: 1_000_000_000_000, burst: burst ?? rate.usualBurst)
    }

    /// So many tokens a minute, all of which may be taken at once. Nil turns the limit off, as zero does.
    package init?(tokensPerMinute tokens: Int?) {
        guard let tokens, tokens > 0 else { return nil }
        self.init(UInt64(tokens), each: 60_000_000_000, burst: tokens)
    }
}
