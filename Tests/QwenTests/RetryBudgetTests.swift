import NIOCore
import Testing

@testable import Qwen

@Suite struct RetryBudgetTests {
    private func budget(_ seconds: Int64 = 20) -> RetryBudget {
        RetryBudget(began: at(0), patience: .seconds(seconds))
    }

    private func decide(
        _ budget: inout RetryBudget, _ kind: QwenFault.Kind, _ now: Double = 0, other: Bool = false,
        refreshable: Bool = false, generation: Int = 0, retryAfter: TimeAmount? = nil, random: Double = 0.5
    ) -> RetryDecision {
        budget.decide(
            QwenFault(kind: kind, retryAfter: retryAfter), hasAlternative: other, isRefreshable: refreshable,
            generation: generation, now: at(now), random: random)
    }

    @Test(arguments: QwenFault.Kind.allCases) func whatCannotHelpIsNotTried(_ kind: QwenFault.Kind) {
        var alone = budget()
        var accompanied = budget()
        let decision = decide(&alone, kind)
        let withOther = decide(&accompanied, kind, other: true)
        switch FaultPolicy(kind).again {
        case .never:
            #expect(decision == .giveUp(retryAfter: nil))
            #expect(withOther == .giveUp(retryAfter: nil))
        case .otherHost, .otherCredential:
            #expect(decision == .giveUp(retryAfter: nil))
            #expect(withOther == .switchCredential)
        case .anyCredential:
            #expect(decision == .retry(after: .milliseconds(100)))
            #expect(withOther == (FaultPolicy(kind).rest == .none ? decision : .switchCredential))
        }
    }

    @Test func theTokenIsRefreshedOnce() {
        var budget = budget()
        #expect(decide(&budget, .authentication, refreshable: true) == .refresh)
        #expect(decide(&budget, .authentication, 1, refreshable: true) == .giveUp(retryAfter: nil))
        var accompanied = self.budget()
        #expect(decide(&accompanied, .authentication, other: true, refreshable: true) == .refresh)
        #expect(decide(&accompanied, .authentication, 1, other: true, refreshable: true) == .switchCredential)
        var key = self.budget()
        #expect(decide(&key, .authentication, other: true) == .switchCredential)
    }

    /// The first refresh may have found what another process had put into the store, and that be refused as well.
    @Test func aNewerTokenThatIsRefusedIsRefreshedAgain() {
        var budget = budget()
        #expect(decide(&budget, .authentication, refreshable: true, generation: 4) == .refresh)
        #expect(decide(&budget, .authentication, refreshable: true, generation: 4) == .giveUp(retryAfter: nil))
        #expect(decide(&budget, .authentication, refreshable: true, generation: 5) == .refresh)
        #expect(decide(&budget, .authentication, refreshable: true, generation: 6) == .refresh)
        #expect(decide(&budget, .authentication, refreshable: true, generation: 7) == .giveUp(retryAfter: nil))
    }

    @Test func delaysGrowAndAreBounded() {
        var budget = budget(1000)
        var delays: [TimeAmount] = []
        for _ in 0..<8 {
            if case .retry(let delay) = decide(&budget, .throttled(.rate), random: 0.999999) { delays.append(delay) }
        }
        let milliseconds = delays.map { ($0.nanoseconds + 500_000) / 1_000_000 }
        #expect(milliseconds == [200, 400, 800, 1600, 3000, 3000, 3000, 3000])
        #expect(decide(&budget, .throttled(.rate), random: 0) == .retry(after: .milliseconds(20)))
    }

    @Test func retryAfterIsHonouredWhereItFits() {
        var budget = budget()
        #expect(
            decide(&budget, .throttled(.rate), retryAfter: .seconds(4), random: 0.4)
                == .retry(after: .milliseconds(4100)))
        var short = self.budget(3)
        #expect(
            decide(&short, .throttled(.rate), retryAfter: .seconds(4)) == .giveUp(retryAfter: .seconds(4)))
    }

    /// Who has waited as told and was refused again has other chances left than the length of that wait allows.
    @Test func retryAfterThatDoesNotHelpIsCutShort() {
        var budget = budget()
        var now = 0.0
        var attempts = 1
        while case .retry(let delay) = decide(&budget, .throttled(.rate), now, retryAfter: .seconds(5)) {
            now += Double(delay.nanoseconds) / 1e9
            attempts += 1
            #expect(now <= 20)
        }
        #expect(attempts >= 6)
    }

    @Test func withoutPatienceThereIsOnlyAnotherCredential() {
        var budget = budget(0)
        #expect(decide(&budget, .throttled(.rate)) == .giveUp(retryAfter: .seconds(5)))
        #expect(decide(&budget, .server) == .giveUp(retryAfter: nil))
        #expect(decide(&budget, .quotaExhausted(.day), other: true) == .switchCredential)
    }

    @Test(arguments: [
        (QwenFault.Kind.timeout, 2), (.blocked, 3), (.truncated, 4), (.server, 5), (.throttled(.rate), 32),
    ])
    func attemptsAreBounded(_ kind: QwenFault.Kind, _ most: Int) {
        var budget = budget(100_000)
        var attempts = 1
        while case .retry = decide(&budget, kind, Double(attempts)) { attempts += 1 }
        #expect(attempts == most)
    }

    @Test(arguments: 1...200) func timeIsNeverExceeded(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let patience = Double.random(in: 0...30, using: &random)
        var budget = RetryBudget(began: at(0), patience: .nanoseconds(Int64(patience * 1e9)))
        var now = 0.0
        for attempt in 0..<200 {
            now += Double.random(in: 0...2, using: &random)
            let retryAfter =
                Bool.random(using: &random)
                ? TimeAmount.milliseconds(Int64.random(in: 0...40_000, using: &random)) : nil
            let kind: QwenFault.Kind =
                [.throttled(.rate), .server, .unavailable].randomElement(using: &random) ?? .server
            let decision = decide(
                &budget, kind, now, other: Int.random(in: 0..<4, using: &random) == 0, retryAfter: retryAfter,
                random: Double.random(in: 0..<1, using: &random))
            switch decision {
            case .retry(let delay):
                #expect(delay > .zero)
                #expect(at(now) + delay <= budget.deadline)
                now += Double(delay.nanoseconds) / 1e9
            case .switchCredential: break
            case .refresh: Issue.record("a refresh of what has no token")
            case .giveUp: return
            }
            #expect(attempt < 64)
        }
    }
}
