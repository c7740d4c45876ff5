import NIOCore
import Telemetry

/// The traffic of the last half hour, in steps of ten seconds.
struct TrafficHistory: Sendable {
    /// What happened in a step; rates are per second. A step that nobody has measured, because the machine slept, has
    /// no values.
    struct Point: Sendable, Equatable {
        var requests: Double?
        var failures: Double?
        var tokensIn: Double?
        var tokensOut: Double?
        /// The median, and the time that 95 of 100 answers begin within, in milliseconds; nil without an answer.
        var firstByteMedian: Double?
        var firstByteP95: Double?
    }

    static let step = TimeAmount.seconds(10)
    static let capacity = 180

    /// Oldest first.
    private(set) var points: [Point] = []
    private var last: (totals: TrafficTotals, at: NIODeadline)?

    /// Takes in what has been counted so far. The first time is where counting begins.
    mutating func sample(_ totals: TrafficTotals, at now: NIODeadline) {
        defer { last = (totals, now) }
        guard let last, now > last.at else { return }
        let elapsed = now - last.at
        let steps = (elapsed.nanoseconds + Self.step.nanoseconds / 2) / Self.step.nanoseconds
        let missed = min(max(Int(steps) - 1, 0), Self.capacity)
        points.append(contentsOf: repeatElement(Point(), count: missed))
        points.append(Self.point(totals.since(last.totals), seconds: Double(elapsed.nanoseconds) / 1e9))
        points.removeFirst(max(points.count - Self.capacity, 0))
    }

    private static func point(_ totals: TrafficTotals, seconds: Double) -> Point {
        func milliseconds(_ part: Double) -> Double? {
            totals.firstBytes.quantile(part).map { rounded($0 / 1e6) }
        }
        return Point(
            requests: rounded(Double(totals.requests) / seconds), failures: rounded(Double(totals.failures) / seconds),
            tokensIn: rounded(Double(totals.tokensIn) / seconds),
            tokensOut: rounded(Double(totals.tokensOut) / seconds),
            firstByteMedian: milliseconds(0.5), firstByteP95: milliseconds(0.95))
    }

    /// To hundredths: nobody sees more.
    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
