import NIOCore
import Testing

@testable import Telemetry

struct TrafficTotalsTests {
    private func record(
        _ outcome: Outcome, status: Int? = 200, firstByte: TimeAmount? = nil, tokens: (Int, Int)? = nil
    ) -> AccessRecord {
        var record = AccessRecord(
            time: WallTime(nanoseconds: 0), requestID: "r", client: "c", method: "POST", path: "/", status: status,
            httpVersion: "HTTP/2", model: "m", upstreamStatus: 200, firstByteTime: firstByte, duration: .seconds(1),
            outcome: outcome)
        record.promptTokens = tokens?.0
        record.completionTokens = tokens?.1
        return record
    }

    @Test func requestsOfTheRoutesThatCountAreAddedUp() {
        var values = MetricValues()
        values.ended(
            record(.completed, firstByte: .milliseconds(3), tokens: (10, 20)), route: "/v1/a", operation: .chat)
        values.ended(record(.clientCancelled), route: "/v1/a", operation: nil)
        values.ended(record(.upstreamTruncated), route: "/v1/b", operation: nil)
        values.ended(record(.rejected, status: 401), route: "none", operation: nil)
        values.ended(record(.completed, firstByte: .seconds(3)), route: "/health", operation: nil)
        let traffic = values.traffic { $0 != "/health" }
        #expect(traffic.requests == 4)
        #expect(traffic.failures == 2)
        #expect(traffic.tokensIn == 10)
        #expect(traffic.tokensOut == 20)
        #expect(traffic.firstBytes.count == 1)
    }

    @Test func theDifferenceIsWhatHappenedBetween() {
        var values = MetricValues()
        values.ended(record(.completed, firstByte: .milliseconds(3)), route: "a", operation: nil)
        let before = values.traffic { _ in true }
        values.ended(record(.rejected, firstByte: .milliseconds(300)), route: "a", operation: nil)
        let between = values.traffic { _ in true }.since(before)
        #expect(between.requests == 1)
        #expect(between.failures == 1)
        #expect(between.firstBytes.count == 1)
        #expect((between.firstBytes.quantile(0.5) ?? 0) > 250e6)
    }

    @Test func quantilesAreSpreadWithinTheirBuckets() {
        var histogram = TimeHistogram(.requests)
        #expect(histogram.quantile(0.5) == nil)
        for _ in 0..<4 { histogram.record(nanoseconds: 7_000_000) }
        // All are between 5 and 10 ms.
        #expect(histogram.quantile(0) == 5e6)
        #expect(histogram.quantile(0.5) == 7.5e6)
        #expect(histogram.quantile(1) == 10e6)
        for _ in 0..<4 { histogram.record(nanoseconds: 500_000) }
        #expect(histogram.quantile(0.5) == 1e6)
    }

    @Test func aboveTheLastBoundItIsTheLastBound() {
        var histogram = TimeHistogram(.requests)
        histogram.record(nanoseconds: 3_600_000_000_000)
        #expect(histogram.quantile(0.5) == 600e9)
    }
}
