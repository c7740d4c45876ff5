/// The upper bounds of a histogram's buckets, in nanoseconds and as Prometheus writes them in seconds.
package struct TimeBounds: Sendable {
    let nanoseconds: [Int64]
    /// The values of `le`.
    let texts: [StaticString]

    /// Of whole answers and of what comes before them: a millisecond to ten minutes.
    package static let requests = TimeBounds([
        (1, "0.001"), (5, "0.005"), (10, "0.01"), (25, "0.025"), (50, "0.05"), (100, "0.1"), (250, "0.25"),
        (500, "0.5"), (1000, "1"), (2500, "2.5"), (5000, "5"), (10_000, "10"), (30_000, "30"), (60_000, "60"),
        (120_000, "120"), (300_000, "300"), (600_000, "600"),
    ])

    /// Of the time between two pieces of a stream, and of loops that are late.
    package static let gaps = TimeBounds([
        (1, "0.001"), (2, "0.002"), (5, "0.005"), (10, "0.01"), (20, "0.02"), (50, "0.05"), (100, "0.1"),
        (200, "0.2"), (500, "0.5"), (1000, "1"), (2000, "2"), (5000, "5"), (15_000, "15"), (60_000, "60"),
    ])

    private init(_ bounds: [(milliseconds: Int64, text: StaticString)]) {
        nanoseconds = bounds.map { $0.milliseconds * 1_000_000 }
        texts = bounds.map(\.text)
    }
}

/// How often times fell into each bucket, and their sum.
package struct TimeHistogram: Sendable {
    let bounds: TimeBounds
    /// One for each bound, each without those of the bounds before it, and one for what is above the last.
    private(set) var counts: [UInt64]
    private(set) var sum: Int64 = 0

    package init(_ bounds: TimeBounds) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.nanoseconds.count + 1)
    }

    /// All times that were recorded.
    package var count: UInt64 { counts.reduce(0, &+) }

    /// Counts a time; one below zero counts as zero.
    package mutating func record(nanoseconds: Int64) {
        let time = max(0, nanoseconds)
        var bucket = 0
        while bucket < bounds.nanoseconds.count, bounds.nanoseconds[bucket] < time { bucket += 1 }
        counts[bucket] &+= 1
        sum &+= time
    }

    mutating func add(_ other: TimeHistogram) {
        for index in counts.indices where index < other.counts.count { counts[index] &+= other.counts[index] }
        sum &+= other.sum
    }

    mutating func subtract(_ earlier: TimeHistogram) {
        for index in counts.indices where index < earlier.counts.count { counts[index] &-= earlier.counts[index] }
        sum &-= earlier.sum
    }

    /// The time that this part of all times does not exceed, in nanoseconds: within its bucket as if times were spread
    /// evenly, as Prometheus's `histogram_quantile` has it. Nil where nothing was recorded.
    ///
    /// - Parameter part: 0...1.
    package func quantile(_ part: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let rank = part * Double(total)
        var below: UInt64 = 0
        for (index, inBucket) in counts.enumerated() {
            defer { below &+= inBucket }
            guard inBucket > 0, Double(below &+ inBucket) >= rank else { continue }
            // Above the last bound nothing is known.
            guard index < bounds.nanoseconds.count else { break }
            let lower = index == 0 ? 0 : Double(bounds.nanoseconds[index - 1])
            let upper = Double(bounds.nanoseconds[index])
            return lower + (upper - lower) * (rank - Double(below)) / Double(inBucket)
        }
        return bounds.nanoseconds.last.map(Double.init)
    }
}
