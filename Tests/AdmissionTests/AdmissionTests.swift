import HTTP
import Testing

@testable import Admission

/// What is set aside for calls of Qwen, and settled.
struct ReservationTests {
    private static let minute: UInt64 = 60_000_000_000

    private func time(_ minutes: UInt64 = 10) -> AdmissionTime {
        AdmissionTime(uptime: minutes * Self.minute, wall: 1_795_700_000_000)
    }

    private func admission(_ limits: ClientLimits, models: [String] = []) -> Admission {
        let client = Client(
            id: "id", name: "name", models: ModelPatterns(models), limits: limits, state: ClientState())
        return Admission(client, report: LimitReport())
    }

    private func reason(_ refusal: Refusal?) -> RefusalReason? { refusal?.reason }

    @Test func tokensAreSetAsideAndSettled() {
        var first = admission(ClientLimits(tokensPerMinute: 1000, tokensPerDay: 3000))
        let client = first.client
        #expect(first.reserve(model: "m", at: time()) { TokenEstimate(prompt: 100, answer: 300) } == nil)
        #expect(first.report.tokens == .init(limit: 1000, remaining: 600, reset: 24_000_000_000))
        #expect(client.state.today.used(on: DailyTokens.day(of: time().wall)) == 400)
        first.settle(150, at: time())
        first.settle(999_999, at: time())
        #expect(client.tokens?.look(at: client.state.tokens, now: time().uptime).remaining == 850)
        #expect(client.state.today.used(on: DailyTokens.day(of: time().wall)) == 150)
        // An answer that was longer than anybody said is paid for afterwards.
        var second = Admission(client, report: LimitReport())
        #expect(second.reserve(model: "m", at: time()) { TokenEstimate(prompt: 850, answer: 0) } == nil)
        second.settle(1850, at: time())
        var third = Admission(client, report: LimitReport())
        let refusal = third.reserve(model: "m", at: time()) { TokenEstimate(prompt: 10, answer: 0) }
        #expect(refusal?.reason == .tokensPerMinute && refusal?.wait == 60_600_000_000)
        #expect(refusal?.report.tokens?.remaining == 0)
        // What was refused is set aside nowhere.
        #expect(client.state.today.used(on: DailyTokens.day(of: time().wall)) == 2000)
        #expect(third.isSettled)
    }

    @Test func theDaysTokensEndWithTheDay() {
        let limits = ClientLimits(tokensPerDay: 1000)
        var first = admission(limits)
        let client = first.client
        #expect(first.reserve(model: "m", at: time()) { TokenEstimate(prompt: 900, answer: 0) } == nil)
        first.settle(1000, at: time())
        var second = Admission(client, report: LimitReport())
        let refusal = second.reserve(model: "m", at: time()) { TokenEstimate(prompt: 1, answer: 0) }
        #expect(refusal?.reason == .tokensPerDay && refusal?.most == 1000)
        #expect(refusal?.wait == DailyTokens.untilTomorrow(time().wall))
        #expect(refusal?.report.tokens?.remaining == 0)
        var tomorrow = time()
        tomorrow.wall += 86_400_000
        #expect(second.reserve(model: "m", at: tomorrow) { TokenEstimate(prompt: 1, answer: 0) } == nil)
    }

    @Test func aLongAnswerBarsNothingThatCouldBeAnswered() {
        var greedy = admission(ClientLimits(tokensPerMinute: 1000))
        #expect(greedy.reserve(model: "m", at: time()) { TokenEstimate(prompt: 10, answer: 1_000_000) } == nil)
        #expect(greedy.report.tokens?.remaining == 0)
        var long = admission(ClientLimits(tokensPerMinute: 1000))
        let refusal = long.reserve(model: "m", at: time()) { TokenEstimate(prompt: 1001, answer: 0) }
        #expect(refusal?.reason == .requestTooLarge && refusal?.wait == nil && refusal?.most == 1000)
    }

    @Test func placesAreLimitedAndGivenBack() {
        let limits = ClientLimits(tokensPerMinute: 10, streams: 2)
        var running = [admission(limits)]
        let client = running[0].client
        for _ in 0..<2 { running.append(Admission(client, report: LimitReport())) }
        func begin(_ index: Int, prompt: Int = 0) -> RefusalReason? {
            reason(running[index].reserve(model: "m", at: time()) { TokenEstimate(prompt: prompt, answer: 0) })
        }
        #expect(begin(0) == nil)
        // Who is refused for another reason holds no place.
        #expect(begin(1, prompt: 11) == .requestTooLarge)
        #expect(begin(1) == nil)
        #expect(begin(2) == .concurrentStreams)
        running[0].settle(0, at: time())
        running[0].settle(0, at: time())
        #expect(begin(2) == nil)
        #expect(begin(0) == .concurrentStreams)
    }

    @Test func tokensAreEstimatedOnlyWhereTheyAreLimited() {
        var free = admission(ClientLimits(requestRate: RequestRate("1"), streams: 1))
        var asked = false
        let refusal = free.reserve(model: "m", at: time()) {
            asked = true
            return TokenEstimate(prompt: 1, answer: 1)
        }
        #expect(refusal == nil && !asked)
    }

    @Test func modelsThatAreNotAllowedAreRefusedFirst() {
        var narrow = admission(ClientLimits(streams: 1), models: ["qwen3-*", "text-embedding-v4"])
        for model in ["qwen3-coder-plus", "qwen3-", "text-embedding-v4"] {
            #expect(narrow.reserve(model: model, at: time()) { TokenEstimate(prompt: 0, answer: 0) } == nil, "\(model)")
            narrow.settle(0, at: time())
        }
        for model in ["qwen3", "Qwen3-coder-plus", "text-embedding-v3", "text-embedding-v4-x", "", "xqwen3-coder"] {
            let refusal = narrow.reserve(model: model, at: time()) { TokenEstimate(prompt: 0, answer: 0) }
            #expect(refusal?.reason == .modelNotAllowed, "\(model)")
        }
    }

    @Test func reportsStandInTheFieldsAsOpenAIWritesThem() {
        let report = LimitReport(
            requests: .init(limit: 20, remaining: 19, reset: 100_000_000),
            tokens: .init(limit: 60_000, remaining: 0, reset: 360_000_000_000))
        var fields = HeaderFields()
        report.append(to: &fields)
        #expect(fields.count == LimitReport.fieldCount && fields.byteCount <= LimitReport.byteCount)
        #expect(fields["x-ratelimit-limit"] == "20")
        #expect(fields["x-ratelimit-remaining"] == "19")
        #expect(fields["x-ratelimit-reset"] == "1")
        #expect(fields["x-ratelimit-limit-requests"] == "20")
        #expect(fields["x-ratelimit-remaining-requests"] == "19")
        #expect(fields["x-ratelimit-reset-requests"] == "100ms")
        #expect(fields["x-ratelimit-limit-tokens"] == "60000")
        #expect(fields["x-ratelimit-remaining-tokens"] == "0")
        #expect(fields["x-ratelimit-reset-tokens"] == "6m0s")
        var none = HeaderFields()
        LimitReport().append(to: &none)
        #expect(none.isEmpty)
    }

    @Test func patternsHaveOneStarAtTheirEnd() {
        for text in ["qwen3-max", "qwen3-*", "*", "org/model:x"] { #expect(ModelPatterns.isPattern(text), "\(text)") }
        for text in ["", "a*b", "**", "a b", "a,b", "ä", String(repeating: "a", count: 129)] {
            #expect(!ModelPatterns.isPattern(text), "\(text)")
        }
        #expect(ModelPatterns([]).allowsAll && ModelPatterns(["x", "*"]).allowsAll && !ModelPatterns(["x"]).allowsAll)
    }

    @Test func limitsOfOnesOwnGoBeforeTheDefaults() {
        let defaults = ClientLimits(
            requestRate: RequestRate("10"), burst: 20, tokensPerMinute: 100, tokensPerDay: 1000, streams: 4)
        #expect(ClientLimits.none.filled(from: defaults) == defaults)
        let own = ClientLimits(requestRate: RequestRate("100"), tokensPerDay: 0).filled(from: defaults)
        #expect(own.burst == nil && own.tokensPerDay == 0 && own.tokensPerMinute == 100 && own.streams == 4)
        #expect(RateLimit(own.requestRate, burst: own.burst)?.burst == 200)
    }
}
