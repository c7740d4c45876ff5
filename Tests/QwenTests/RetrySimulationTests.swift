import NIOCore
import Testing

@testable import Qwen

/// What a client sees of a Qwen that refuses calls.
@Suite struct RetrySimulationTests {
    private static func refusing(
        _ share: Double, retryAfter: TimeAmount? = nil, kind: QwenFault.Kind = .throttled(.rate)
    )
        -> (Double, String, Int, Double) -> QwenFault?
    {
        { _, _, _, random in random < share ? QwenFault(kind: kind, retryAfter: retryAfter) : nil }
    }

    @Test(arguments: 1...10) func aThirdOfCallsRefusedReachesNobody(_ seed: UInt64) {
        let outcome = RetrySimulation.run(.init(seed: seed, qwen: Self.refusing(0.3)))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 2000)
        #expect(outcome.longestWait < 20)
        let share = Double(outcome.refusedCalls) / Double(outcome.calls)
        #expect(share > 0.25 && share < 0.35)
        // The pool has not stopped in between: forty requests in a row of 0.8 s each, and their backoff.
        #expect(outcome.end < 90)
    }

    @Test(arguments: 1...10) func norWithRetryAfter(_ seed: UInt64) {
        let outcome = RetrySimulation.run(.init(seed: seed, qwen: Self.refusing(0.3, retryAfter: .seconds(1))))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 2000)
    }

    @Test(arguments: 1...10) func norWithTwoCredentials(_ seed: UInt64) {
        let outcome = RetrySimulation.run(.init(credentials: 2, seed: seed, qwen: Self.refusing(0.3)))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 2000)
    }

    @Test(arguments: [QwenFault.Kind.throttled(.tokens), .throttled(.burst), .unavailable, .throttled(.concurrency)])
    func norWithOtherKinds(_ kind: QwenFault.Kind) {
        let outcome = RetrySimulation.run(.init(seed: 7, qwen: Self.refusing(0.3, kind: kind)))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 2000)
    }

    @Test(arguments: 1...10) func norForOneClientAlone(_ seed: UInt64) {
        let outcome = RetrySimulation.run(
            .init(clients: 1, requestsPerClient: 1000, seed: seed, qwen: Self.refusing(0.3)))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 1000)
    }

    @Test(arguments: 1...5) func norWithLongCalls(_ seed: UInt64) {
        let outcome = RetrySimulation.run(
            .init(requestsPerClient: 5, seed: seed, serviceTime: 5...60, qwen: Self.refusing(0.3)))
        #expect(outcome.refused == 0)
        #expect(outcome.served == 250)
    }

    /// Nothing for half a minute: who can't be served in time is told so, and Qwen is left in peace.
    @Test func closedForAWhile() {
        let outcome = RetrySimulation.run(
            .init(clients: 20, requestsPerClient: 30, patience: .seconds(20), seed: 3) { now, _, _, _ in
                (10..<40).contains(now) ? QwenFault(kind: .throttled(.rate)) : nil
            })
        #expect(outcome.served + outcome.refused == 600)
        #expect(outcome.longestWait <= 21.6)
        #expect(outcome.refusedCalls < 400)
        #expect(outcome.served >= 540)
        #expect(outcome.told.allSatisfy { $0.map { $0 > .zero } ?? false })
    }

    @Test func fiveAtOnce() {
        let outcome = RetrySimulation.run(
            .init(requestsPerClient: 4, seed: 5, serviceTime: 0.5...1.5) { _, _, inFlight, _ in
                inFlight > 5 ? QwenFault(kind: .throttled(.concurrency)) : nil
            })
        #expect(outcome.refused == 0)
        #expect(outcome.served == 200)
        // Nearly all of the five are used all the time.
        #expect(outcome.end < 55)
        #expect(outcome.refusedCalls < 400)
    }

    /// A spent quota of one account is nobody's trouble as long as there is another.
    @Test func theNextCredentialTakesOver() {
        let outcome = RetrySimulation.run(
            .init(clients: 10, credentials: 3, seed: 9) { now, name, _, _ in
                now > Double(name == "0" ? 5 : name == "1" ? 10 : 1e9) ? QwenFault(kind: .quotaExhausted(.day)) : nil
            })
        #expect(outcome.refused == 0)
        #expect(outcome.refusedCalls <= 20)
    }

    @Test func whenAllAreSpentTheWaitIsExact() {
        let outcome = RetrySimulation.run(
            .init(clients: 1, requestsPerClient: 3, credentials: 2) { _, _, _, _ in
                QwenFault(kind: .billing(.arrears))
            })
        #expect(outcome.served == 0)
        #expect(outcome.calls == 2)
        #expect(outcome.refused == 3)
        #expect(outcome.longestWait < 1)
    }
}
