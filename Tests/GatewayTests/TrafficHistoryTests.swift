import NIOCore
import Telemetry
import Testing

@testable import Gateway

struct TrafficHistoryTests {
    private func totals(_ requests: UInt64, tokensOut: UInt64 = 0) -> TrafficTotals {
        var totals = TrafficTotals()
        totals.requests = requests
        totals.tokensOut = tokensOut
        return totals
    }

    private func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func countingBeginsWithTheFirstSample() {
        var history = TrafficHistory()
        history.sample(totals(1000), at: time(5))
        #expect(history.points.isEmpty)
        history.sample(totals(1025, tokensOut: 50), at: time(15))
        #expect(history.points.map(\.requests) == [2.5])
        #expect(history.points.map(\.tokensOut) == [5])
        #expect(history.points.map(\.firstByteMedian) == [nil])
    }

    @Test func ratesGoByTheTimeThatHasPassed() {
        var history = TrafficHistory()
        history.sample(totals(0), at: time(0))
        history.sample(totals(12), at: time(12))
        #expect(history.points.map(\.requests) == [1])
    }

    @Test func stepsThatNobodyMeasuredHaveNoValues() {
        var history = TrafficHistory()
        history.sample(totals(0), at: time(0))
        history.sample(totals(40), at: time(40))
        #expect(history.points.map(\.requests) == [nil, nil, nil, 1])
        // A clock that stands still or runs back brings nothing.
        history.sample(totals(80), at: time(40))
        history.sample(totals(80), at: time(30))
        #expect(history.points.count == 4)
    }

    @Test func itIsBounded() {
        var history = TrafficHistory()
        for step in 0...Int64(3 * TrafficHistory.capacity) {
            history.sample(totals(UInt64(step)), at: time(10 * step))
        }
        #expect(history.points.count == TrafficHistory.capacity)
        history.sample(totals(0), at: time(1_000_000_000))
        #expect(history.points.count == TrafficHistory.capacity)
        #expect(history.points.dropLast().allSatisfy { $0.requests == nil })
    }

    @Test func medianAndTailComeFromTheStepAlone() {
        var history = TrafficHistory()
        var sum = totals(0)
        sum.firstBytes.record(nanoseconds: 400_000_000_000)
        history.sample(sum, at: time(0))
        for _ in 0..<90 { sum.firstBytes.record(nanoseconds: 7_000_000) }
        for _ in 0..<10 { sum.firstBytes.record(nanoseconds: 2_000_000_000) }
        history.sample(sum, at: time(10))
        let point = history.points.last
        #expect((5...10).contains(point?.firstByteMedian ?? 0))
        #expect((1000...2500).contains(point?.firstByteP95 ?? 0))
    }
}
