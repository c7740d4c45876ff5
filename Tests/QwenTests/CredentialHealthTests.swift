import NIOCore
import Testing

@testable import Qwen

@Suite struct CredentialHealthTests {
    /// 2026-11-25T08:00:00Z: a Wednesday, 16:00 in China.
    static let wednesday: Int64 = 1_795_593_600

    private func health(oauth: Bool = false) -> CredentialHealth {
        CredentialHealth(isRefreshable: oauth, isPortal: oauth)
    }

    @discardableResult
    private func refuse(
        _ health: inout CredentialHealth, _ kind: QwenFault.Kind, began: Double = 0, now: Double = 0, others: Int = 0,
        begun: Int = 0, generation: Int = 0, retryAfter: TimeAmount? = nil
    ) -> QwenFault {
        health.refused(
            QwenFault(kind: kind, retryAfter: retryAfter), .init(began: at(began), generation: generation),
            others: others, begun: begun, now: at(now), unixTime: Self.wednesday)
    }

    private func accept(_ health: inout CredentialHealth, began: Double, now: Double, generation: Int = 0) {
        health.accepted(.init(began: at(began), generation: generation), now: at(now))
    }

    // MARK: Rests

    @Test(arguments: [
        (QwenFault.Kind.quotaExhausted(.free), false, TimeAmount.hours(1)), (.quotaExhausted(.free), true, .hours(8)),
        (.quotaExhausted(.day), false, .hours(8)), (.quotaExhausted(.planHours), false, .minutes(5)),
        (.quotaExhausted(.planWeek), false, .hours(8 + 4 * 24)), (.quotaExhausted(.planMonth), false, .hours(8)),
        (.billing(.arrears), false, .hours(1)), (.billing(.overdue), true, .hours(1)),
        (.billing(.unpurchased), false, .hours(1)), (.planRefusesClient, false, .hours(1)),
        (.authentication, false, .minutes(1)),
    ])
    func restsAsLongAsTheKindSays(_ kind: QwenFault.Kind, _ oauth: Bool, _ rest: TimeAmount) {
        var health = health(oauth: oauth)
        refuse(&health, kind)
        #expect(health.restsUntil == at(0) + rest)
        #expect(health.fault?.kind == kind)
        #expect(!health.isDead)
    }

    @Test func restsAsLongAsRetryAfterSays() {
        var health = health()
        refuse(&health, .quotaExhausted(.day), retryAfter: .seconds(90))
        #expect(health.restsUntil == at(90))
    }

    @Test(arguments: [
        QwenFault.Kind.invalidRequest, .contextLengthExceeded, .modelNotFound, .moderation(.input), .permissionDenied,
        .wrongEndpoint, .timeout, .unavailable, .server, .blocked, .truncated,
    ])
    func otherErrorsAreNotTheCredentials(_ kind: QwenFault.Kind) {
        var health = health()
        for second in 0..<100 { refuse(&health, kind, began: Double(second), now: Double(second)) }
        #expect(health.isUntroubled)
        #expect(health.closedUntil == .uptimeNanoseconds(0))
    }

    @Test func aShorterRestDoesNotEndALongerOne() {
        var health = health()
        refuse(&health, .quotaExhausted(.planWeek))
        let until = health.restsUntil
        refuse(&health, .quotaExhausted(.planHours), now: 1)
        #expect(health.restsUntil == until)
        #expect(health.fault?.kind == .quotaExhausted(.planWeek))
    }

    /// An answer that was under way when the quota ran out says nothing about it.
    @Test func anAcceptedCallDoesNotEndARest() {
        var health = health()
        refuse(&health, .throttled(.rate))
        refuse(&health, .quotaExhausted(.day), now: 1)
        accept(&health, began: 0.5, now: 2)
        #expect(health.closedUntil == at(0) + .hours(8) + .seconds(1))
        #expect(health.fault?.kind == .quotaExhausted(.day))
    }

    // MARK: Authentication

    @Test func keyIsLookedAtAgainMoreAndMoreSeldom() {
        var health = health()
        var now = 0.0
        var rests: [Int64] = []
        for _ in 0..<9 {
            refuse(&health, .authentication, began: now, now: now)
            // Calls that were under way together.
            refuse(&health, .authentication, began: now, now: now + 0.1)
            rests.append((health.restsUntil - at(now)).nanoseconds / 1_000_000_000)
            now = Double(health.restsUntil.uptimeNanoseconds - at(0).uptimeNanoseconds) / 1e9 + 1
        }
        #expect(rests == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        accept(&health, began: now, now: now)
        refuse(&health, .authentication, began: now, now: now)
        #expect(health.restsUntil == at(now + 60))
    }

    @Test func refusedTokenIsAReasonToPreferOthers() {
        var health = health(oauth: true)
        for _ in 0..<50 { refuse(&health, .authentication, generation: 3) }
        #expect(!health.isDead)
        #expect(health.closedUntil <= at(0))
        #expect(health.avoidedUntil > at(1))
        health.tokenRenewed(generation: 4, isGranted: true)
        #expect(health.avoidedUntil <= at(0))
        #expect(!health.isUntroubled)
        accept(&health, began: 1, now: 1, generation: 4)
        #expect(health.isUntroubled)
    }

    /// An account that is closed has its tokens renewed and refused: it rests longer and longer, and is given up.
    @Test func tokensThatQwenGivesAndRefusesCloseTheAccount() {
        var health = health(oauth: true)
        var (now, generation) = (0.0, 3)
        var rests: [Int64] = []
        refuse(&health, .authentication, now: now, generation: generation)
        while !health.isDead, rests.count < 100 {
            generation += 1
            health.tokenRenewed(generation: generation, isGranted: true)
            // Those that were under way together count once.
            for _ in 0..<5 { refuse(&health, .authentication, now: now, generation: generation) }
            guard !health.isDead else { break }
            rests.append((health.restsUntil - at(now)).nanoseconds / 1_000_000_000)
            // Nothing but time ends the rest, and what comes after it finds the same token.
            health.tokenRenewed(generation: generation, isGranted: false)
            #expect(health.closedUntil > at(now))
            now += Double(rests.last ?? 0)
            refuse(&health, .authentication, now: now, generation: generation)
            #expect(health.closedUntil <= at(now))
        }
        #expect(rests == [30, 60, 120, 240, 480, 960, 1920, 3600])
        health.tokenRenewed(generation: generation + 1, isGranted: true)
        #expect(health.isDead)
        health.revive()
        #expect(health.isUntroubled)
    }

    @Test func refusedTokensFromTheStoreCloseNothing() {
        var health = health(oauth: true)
        for generation in 1...50 {
            refuse(&health, .authentication, now: 1, generation: generation)
            health.tokenRenewed(generation: generation + 1, isGranted: false)
        }
        #expect(!health.isDead)
        #expect(health.closedUntil <= at(1))
    }

    @Test func acceptedTokenMakesAFreshStart() {
        var health = health(oauth: true)
        refuse(&health, .authentication, generation: 3)
        accept(&health, began: 1, now: 1, generation: 3)
        refuse(&health, .authentication, now: 2, generation: 3)
        health.tokenRenewed(generation: 4, isGranted: true)
        accept(&health, began: 3, now: 3, generation: 4)
        refuse(&health, .authentication, now: 9999, generation: 4)
        #expect(health.closedUntil <= at(9999))
        health.tokenRenewed(generation: 5, isGranted: true)
        refuse(&health, .authentication, now: 10000, generation: 5)
        #expect(health.restsUntil == at(10030))
    }

    @Test func newTokenEndsOnlyWhatTheOldOneCaused() {
        var health = health(oauth: true)
        let fault = QwenFault(kind: .authentication)
        health.close(fault, until: at(5))
        health.tokenRenewed(generation: 1, isGranted: true)
        #expect(health.isUntroubled)
        health.die(fault)
        health.tokenRenewed(generation: 2, isGranted: false)
        #expect(health.isUntroubled)
        refuse(&health, .quotaExhausted(.free))
        let until = health.restsUntil
        health.close(fault, until: at(5))
        health.tokenRenewed(generation: 3, isGranted: true)
        #expect(health.restsUntil == until)
        #expect(health.fault?.kind == .quotaExhausted(.free))
    }

    // MARK: Throttling

    @Test func oneRefusalClosesNothing() {
        var health = health()
        for _ in 0..<50 { refuse(&health, .throttled(.rate), began: 0, now: 0.1) }
        #expect(health.closedUntil < at(0))
        #expect(health.avoidedUntil == at(1.1))
        #expect(health.window == .open)
    }

    @Test func pausesForAThirdOfTheTroublesTime() {
        var health = health()
        var now = 0.0
        var pauses: [Double] = []
        while now < 600 {
            refuse(&health, .throttled(.rate), began: now, now: now)
            let pause = Double(health.closedUntil.uptimeNanoseconds) / 1e9 - 1000 - now
            pauses.append(pause)
            now += max(pause, 0.1) + 0.001
        }
        #expect(pauses[0] < 0 && pauses[1] < 0)
        #expect(abs(pauses[2] - 0.2) < 0.001)
        #expect(pauses.dropFirst(2).allSatisfy { $0 >= 0.199 && $0 <= 60.001 })
        #expect(zip(pauses.dropFirst(2), pauses.dropFirst(3)).allSatisfy { $0 <= $1 + 0.001 })
        #expect(abs((pauses.last ?? 0) - 60) < 0.001)
        // Ten minutes of trouble cost few calls.
        #expect(pauses.count < 40)
        #expect(pauses.count > 15)
        #expect(health.window.width(health.closedUntil) == 1)
    }

    @Test func acceptedCallEndsAPause() {
        var health = health()
        for second in [0.0, 0.1, 0.2] { refuse(&health, .throttled(.rate), began: second, now: second) }
        #expect(health.pausesUntil > at(0.2))
        // One that began before the trouble says nothing.
        accept(&health, began: -1, now: 0.25)
        #expect(health.pausesUntil > at(0.25))
        accept(&health, began: 0.05, now: 0.25)
        #expect(health.closedUntil <= at(0.25))
        #expect(health.avoidedUntil <= at(0.25))
        #expect(health.window == .open)
        #expect(health.isUntroubled)
    }

    @Test func afterAPauseCallsBecomeMoreByThemselves() {
        var health = health()
        for second in [0.0, 0.1, 0.2] { refuse(&health, .throttled(.burst), began: second, now: second) }
        let opens = health.closedUntil
        let widths = [0, 500, 1000, 1500, 2000, 10_000].map { health.window.width(opens + .milliseconds($0)) }
        #expect(widths == [1, 2, 4, 8, 16, CredentialHealth.Window.widest])
    }

    @Test func retryAfterCountsForThePause() {
        var health = health()
        for second in [0.0, 0.1, 0.2] {
            refuse(&health, .throttled(.rate), began: second, now: second, retryAfter: .seconds(30))
        }
        #expect(health.closedUntil == at(0.2) + .seconds(30))
    }

    @Test func tooManyTokensForAMinuteIsASpentQuota() {
        var health = health()
        var kinds: [QwenFault.Kind] = []
        for second in stride(from: 0.0, through: 70, by: 10) {
            kinds.append(refuse(&health, .throttled(.tokens), began: second, now: second).kind)
        }
        #expect(kinds == Array(repeating: .throttled(.tokens), count: 7) + [.quotaExhausted(.free)])
        #expect(health.restsUntil == at(70) + .hours(1))
    }

    @Test func nowAndThenTooManyTokensIsNone() {
        var health = health()
        for second in stride(from: 0.0, through: 3000, by: 130) {
            #expect(refuse(&health, .throttled(.tokens), began: second, now: second).kind == .throttled(.tokens))
        }
        var accepted = self.health()
        for second in stride(from: 0.0, through: 300, by: 10) {
            #expect(refuse(&accepted, .throttled(.tokens), began: second, now: second).kind == .throttled(.tokens))
            accept(&accepted, began: second, now: second + 1)
        }
        // Another throttle never becomes a quota.
        var rate = self.health()
        for second in stride(from: 0.0, through: 300, by: 10) {
            #expect(refuse(&rate, .throttled(.rate), began: second, now: second).kind == .throttled(.rate))
        }
    }

    /// With a third of all calls refused nothing pauses, even if no call is known to be accepted for a minute.
    @Test func callsThatDoNotComeBackCountAsTaken() {
        var health = health()
        for number in 1...600 where number % 3 == 0 {
            let second = Double(number) / 10
            refuse(&health, .throttled(.rate), began: second, now: second + 0.05, others: number, begun: number)
            #expect(health.closedUntil < at(0))
        }
    }

    @Test func concurrencyIsNarrowedToWhatWasTaken() {
        var health = health()
        // Five are served; others come one after the other.
        for number in 1...20 {
            let second = Double(number) / 1000
            refuse(&health, .throttled(.concurrency), began: second, now: second, others: 5, begun: number)
        }
        #expect(health.window.width(at(0.02)) == 5)
        #expect(health.window.width(at(4.02)) == 7)
        #expect(health.window.width(at(8.02)) == 10)
        #expect(health.window.width(at(1000)) == CredentialHealth.Window.widest)
        refuse(&health, .throttled(.concurrency), began: 1, now: 1, others: 0, begun: 21)
        #expect(health.window.width(at(1)) == 1)
    }

    @Test func aThirdRefusedForConcurrencyNarrowsNothing() {
        var health = health()
        for number in 1...60 where number % 3 == 0 {
            let second = Double(number) / 1000
            refuse(&health, .throttled(.concurrency), began: second, now: second, others: number, begun: number)
        }
        #expect(health.window == .open)
    }
}
