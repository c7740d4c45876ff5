import Synchronization
import Testing

@testable import Admission

struct RateLimitTests {
    /// A bucket as textbooks have it: what is in it, and when that was.
    private struct ReferenceBucket {
        var nanoseconds: UInt64
        let depth: UInt64
        var since: UInt64 = 0

        init(depth: UInt64) {
            nanoseconds = depth
            self.depth = depth
        }

        mutating func take(_ cost: UInt64, now: UInt64) -> Bool {
            nanoseconds = min(depth, nanoseconds + (now - since))
            since = now
            guard cost <= nanoseconds else { return false }
            nanoseconds -= cost
            return true
        }
    }

    @Test(arguments: [(1, 1), (10, 20), (1000, 1), (3, 7), (7, 100), (999_999, 5)])
    func randomSequencesAreDecidedAsATextbookBucketDecidesThem(_ rate: UInt64, _ burst: Int) {
        let second: UInt64 = 1_000_000_000
        let limit = RateLimit(rate, each: second, burst: burst)
        let bucket = Atomic<UInt64>(0)
        var reference = ReferenceBucket(depth: UInt64(burst) * second / rate)
        var random = SystemRandomNumberGenerator()
        var now = second
        reference.since = now
        var (granted, refused) = (0, 0)
        for _ in 0..<20_000 {
            // Mostly closer together than the rate allows, and now and then after a pause.
            now += UInt64.random(in: 0...(2 * second / rate), using: &random)
            if Int.random(in: 0..<500, using: &random) == 0 { now += UInt64(burst) * second / rate }
            let count = Int.random(in: 0..<10, using: &random) == 0 ? Int.random(in: 1...burst, using: &random) : 1
            let level = limit.take(count, from: bucket, now: now)
            let cost = UInt64(count) * second / rate
            let isGranted = reference.take(cost, now: now)
            #expect((level.wait == 0) == isGranted)
            #expect(level.untilFull == reference.depth - reference.nanoseconds)
            #expect(level.remaining == Int(min(UInt64(burst), reference.nanoseconds * rate / second)))
            if level.wait == 0 { granted += 1 } else { refused += 1 }
            if level.wait > 0 { #expect(reference.nanoseconds + level.wait == cost) }
        }
        #expect(granted > 100 && refused > 100)
    }

    @Test func whoWaitsAsLongAsToldIsServed() {
        let limit = RateLimit(3, each: 1_000_000_000, burst: 4)
        let bucket = Atomic<UInt64>(0)
        var now: UInt64 = 5_000_000_000
        for _ in 0..<100 {
            while true {
                let level = limit.take(from: bucket, now: now)
                if level.wait == 0 { continue }
                #expect(limit.take(from: bucket, now: now + level.wait - 1).wait == 1)
                now += level.wait
                break
            }
            #expect(limit.take(from: bucket, now: now).wait == 0)
        }
    }

    @Test func aWholeBurstIsThereAtOnceAndAgainAfterItsTime() {
        let limit = RateLimit(10, each: 1_000_000_000, burst: 20)
        let bucket = Atomic<UInt64>(0)
        for start: UInt64 in [1_000_000_000, 3_000_000_000] {
            for left in (0..<20).reversed() {
                let level = limit.take(from: bucket, now: start)
                #expect(level.wait == 0 && level.remaining == left)
            }
            #expect(
                limit.take(from: bucket, now: start) == .init(remaining: 0, untilFull: 2_000_000_000, wait: 100_000_000)
            )
        }
    }

    @Test func manyThreadsGetOneBurstTogether() async {
        let limit = RateLimit(1, each: 1_000_000_000, burst: 1000)
        let bucket = SharedBucket()
        let granted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<1000).count { _ in limit.take(from: bucket.arrival, now: 7_000_000_000).wait == 0 }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(granted == 1000)
    }

    private final class SharedBucket: Sendable {
        let arrival = Atomic<UInt64>(0)
    }

    @Test func settlementPutsBackAndRunsIntoDebt() {
        let minute: UInt64 = 60_000_000_000
        let limit = RateLimit(600, each: minute, burst: 600)
        let bucket = Atomic<UInt64>(0)
        let now = 10 * minute
        #expect(limit.take(500, from: bucket, now: now).remaining == 100)
        limit.settle(-400, with: bucket, now: now)
        #expect(limit.look(at: bucket, now: now).remaining == 500)
        limit.settle(-10_000, with: bucket, now: now)
        #expect(limit.look(at: bucket, now: now) == .init(remaining: 600, untilFull: 0))
        // A debt of twice the bucket is paid off in twice its time.
        limit.settle(1800, with: bucket, now: now)
        #expect(limit.look(at: bucket, now: now).remaining == 0)
        #expect(limit.take(from: bucket, now: now).wait == 2 * minute + minute / 600)
        #expect(limit.take(from: bucket, now: now + 2 * minute + minute / 600).wait == 0)
        // What was put back long after it was taken overflows.
        limit.settle(-600, with: bucket, now: now + 100 * minute)
        #expect(limit.look(at: bucket, now: now + 100 * minute).remaining == 600)
    }

    @Test func nothingOverflows() {
        let bucket = Atomic<UInt64>(0)
        let limit = RateLimit(1, each: 1_000_000_000_000, burst: .max)
        #expect(limit.take(.max, from: bucket, now: 1).wait == 0)
        #expect(limit.take(.max, from: bucket, now: 1).wait > 0)
        let narrow = RateLimit(1_000_000_000_000, each: 60_000_000_000, burst: 1_000_000_000_000)
        let other = Atomic<UInt64>(0)
        for _ in 0..<3 { narrow.settle(.max, with: other, now: .max / 4) }
        // Debts beyond an hour are forgiven.
        #expect(narrow.look(at: other, now: .max / 4).untilFull == 3_660_000_000_000)
        narrow.settle(.min, with: other, now: .max / 4)
        #expect(narrow.look(at: other, now: .max / 4).untilFull == 0)
    }

    @Test func noRateIsNoLimit() {
        #expect(RateLimit(RequestRate("0"), burst: 20) == nil)
        #expect(RateLimit(nil, burst: 20) == nil)
        #expect(RateLimit(tokensPerMinute: 0) == nil)
        #expect(RateLimit(tokensPerMinute: nil) == nil)
        #expect(RateLimit(RequestRate("0.5"), burst: nil)?.burst == 1)
        #expect(RateLimit(RequestRate("10"), burst: nil)?.burst == 20)
    }
}

struct RequestRateTests {
    @Test(arguments: [("10", 10_000), ("0", 0), ("0.5", 500), ("0.001", 1), ("2.25", 2250), ("1000000", 1_000_000_000)])
    func ratesAreReadAndWritten(_ text: String, _ thousandths: Int) {
        #expect(RequestRate(text)?.thousandths == thousandths)
        #expect(RequestRate(thousandths: thousandths).description == text)
    }

    @Test(arguments: [
        "", "-1", "+1", ".5", "1.", "1.2345", "1e3", "1,5", "1000000.001", "99999999", "1.2.3", " 1", "１",
    ])
    func whatIsNoRateIsRefused(_ text: String) {
        #expect(RequestRate(text) == nil)
    }
}

struct DailyTokensTests {
    @Test func tokensAreCountedByTheDay() {
        let state = ClientState()
        func take(_ tokens: Int, limit: Int, on day: Int) -> Bool { state.today.take(tokens, limit: limit, on: day) }
        func used(on day: Int) -> Int { state.today.used(on: day) }
        #expect(take(100, limit: 150, on: 20_000))
        #expect(!take(51, limit: 150, on: 20_000))
        #expect(take(50, limit: 150, on: 20_000))
        #expect(!take(0, limit: 150, on: 20_000))
        #expect(used(on: 20_000) == 150)
        #expect(used(on: 20_001) == 0)
        #expect(take(150, limit: 150, on: 20_001))
        state.today.add(-1000, on: 20_001)
        #expect(used(on: 20_001) == 0)
        state.today.add(.max, on: 20_001)
        #expect(used(on: 20_001) == 1 << 44 - 1)
        _ = take(1, limit: .max, on: 20_001)
        #expect(used(on: 20_001) == 1 << 44 - 1)
    }

    @Test func daysAreThoseOfUTC() {
        #expect(DailyTokens.day(of: 0) == 0)
        #expect(DailyTokens.day(of: 86_399_999) == 0)
        #expect(DailyTokens.day(of: 86_400_000) == 1)
        #expect(DailyTokens.untilTomorrow(86_399_999) == 1_000_000)
        #expect(DailyTokens.untilTomorrow(86_400_000) == 86_400_000_000_000)
    }
}
