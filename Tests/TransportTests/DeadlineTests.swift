import HTTP
import NIOCore
import Testing

@testable import Transport

/// Paces and deadlines, without a socket and with a clock of the test's own.
@Suite struct DeadlineTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static func at(_ seconds: Double) -> NIODeadline { start + .milliseconds(Int64(seconds * 1000)) }

    /// Looks once a second, and says when a peer was found too slow.
    private static func end(
        rate: Int = 500, grace: Int64 = 20, within seconds: Int = 400, pending: (Int) -> Int, progress: (Int) -> Int
    ) -> Int? {
        var watch = PaceWatch()
        let limit = MinimumPace(rate: rate, grace: .seconds(grace))
        return (0...seconds).first { second in
            watch.isTooSlow(
                pending: pending(second), progress: progress(second), now: at(Double(second)), limit: limit)
        }
    }

    // MARK: Pace

    @Test func silenceEndsAfterTheGrace() {
        #expect(Self.end(pending: { _ in .max }, progress: { _ in 0 }) == 20)
    }

    /// One byte every five seconds, which no inactivity timer notices.
    @Test func trickleEndsAfterTheGrace() throws {
        let end = try #require(Self.end(pending: { _ in .max }, progress: { $0 / 5 }))
        #expect((20...22).contains(end))
    }

    @Test func whoKeepsThePaceGoesOn() {
        #expect(Self.end(pending: { _ in .max }, progress: { $0 * 500 }) == nil)
        // A little less eats up the grace.
        #expect(Self.end(pending: { _ in .max }, progress: { $0 * 450 }) == 200)
    }

    /// What a peer did at first does not pay for a trickle later on.
    @Test func nothingIsSavedUpBeyondTheGrace() throws {
        let end = try #require(
            Self.end(pending: { _ in .max }, progress: { $0 < 10 ? $0 * 10_000_000 : 90_000_000 + $0 }))
        #expect((29...31).contains(end))
    }

    /// A burst now and then is as good as an even flow.
    @Test func burstsPayForPauses() {
        #expect(Self.end(pending: { _ in .max }, progress: { $0 / 15 * 8000 }) == nil)
    }

    @Test func nothingToSendIsNoSlowness() {
        #expect(Self.end(pending: { _ in 0 }, progress: { _ in 0 }) == nil)
        // The wait begins anew with each time that there is something.
        #expect(Self.end(pending: { $0 % 15 == 0 ? 0 : 9 }, progress: { _ in 0 }) == nil)
    }

    /// A stream of a few bytes a second: at each look some are under way, and all that were at the last one have gone.
    @Test func queueThatEmptiesAsFastAsItFillsIsNotSlow() {
        #expect(Self.end(pending: { _ in 10 }, progress: { $0 * 10 }) == nil)
        #expect(Self.end(pending: { 10 + $0 }, progress: { $0 * 9 }) != nil)
    }

    @Test func withoutARateAnyByteWillDo() {
        #expect(Self.end(rate: 0, pending: { _ in .max }, progress: { $0 / 5 }) == nil)
        #expect(Self.end(rate: 0, pending: { _ in .max }, progress: { _ in 1 }) == 20)
    }

    @Test func earningsAreBoundedAndNeverOverflow() {
        let pace = MinimumPace(rate: 500, grace: .seconds(20))
        #expect(pace.earned(0) == .zero)
        #expect(pace.earned(-5) == .zero)
        #expect(pace.earned(250) == .milliseconds(500))
        #expect(pace.earned(.max) == .seconds(20))
        #expect(MinimumPace(rate: .max, grace: .seconds(20)).earned(1) == .zero)
    }

    // MARK: Stages of a connection

    private static var opened: ConnectionStage { ConnectionStage(opened: start) }
    private static func overdue(_ stage: ConnectionStage, _ seconds: Double) -> ConnectionStage.Deadline? {
        stage.overdue(at(seconds), ServerTimeouts())
    }

    @Test func handshakeHasATotal() {
        #expect(Self.overdue(Self.opened, 9.9) == nil)
        #expect(Self.overdue(Self.opened, 10) == .handshake)
    }

    @Test func proxyHeaderHasLess() {
        var stage = Self.opened
        stage.awaitsProxyHeader = true
        #expect(Self.overdue(stage, 4.9) == nil)
        #expect(Self.overdue(stage, 5) == .proxyHeader)
    }

    @Test func silenceAfterTheHandshakeEnds() {
        var stage = Self.opened
        stage.established = Self.at(3)
        stage.idleSince = Self.at(3)
        #expect(Self.overdue(stage, 12.9) == nil)
        #expect(Self.overdue(stage, 13) == .firstRequest)
        stage.hasBegun = true
        #expect(Self.overdue(stage, 77.9) == nil)
        #expect(Self.overdue(stage, 78) == .keepAlive)
    }

    @Test func headHasATotalFromItsFirstByte() {
        var stage = Self.opened
        stage.established = Self.at(1)
        stage.hasBegun = true
        stage.headBegan = Self.at(50)
        #expect(Self.overdue(stage, 59.9) == nil)
        #expect(Self.overdue(stage, 60) == .requestHead)
        // Also while other exchanges go on.
        stage.idleSince = nil
        #expect(Self.overdue(stage, 60) == .requestHead)
    }

    @Test func exchangesHaveNoTotal() {
        var stage = Self.opened
        stage.established = Self.at(1)
        stage.hasBegun = true
        #expect(Self.overdue(stage, 1_000_000) == nil)
    }

    @Test func everyDeadlineButKeepAliveHasAReason() {
        let reasons: [ConnectionFault.Reason?] = [
            ConnectionStage.Deadline.proxyHeader.reason, ConnectionStage.Deadline.handshake.reason,
            ConnectionStage.Deadline.firstRequest.reason, ConnectionStage.Deadline.requestHead.reason,
            ConnectionStage.Deadline.keepAlive.reason,
        ]
        #expect(reasons == [.proxyHeaderTimeout, .handshakeTimeout, .silent, .headerTimeout, nil])
    }

    // MARK: Exchanges

    private static func fault(
        within seconds: Int = 300, _ facts: (Int) -> ExchangePace.Facts
    ) -> (second: Int, reason: ConnectionFault.Reason)? {
        var pace = ExchangePace()
        for second in 0...seconds {
            if let reason = pace.fault(facts(second), at(Double(second)), ServerTimeouts()) { return (second, reason) }
        }
        return nil
    }

    private static func facts(
        received: Int = 0, awaitsBody: Bool = false, queued: Int = 0, sent: Int = 0, closed: Bool = false
    ) -> ExchangePace.Facts {
        ExchangePace.Facts(
            received: received, awaitsBody: awaitsBody, queued: queued, sent: sent, isWindowClosed: closed)
    }

    @Test func exchangeFaultsHaveTheirNames() throws {
        let body = try #require(Self.fault { Self.facts(received: $0 / 5, awaitsBody: true) })
        #expect(body.reason == .slowBody && (30...32).contains(body.second))
        let window = try #require(Self.fault { _ in Self.facts(queued: 1000, closed: true) })
        #expect(window.reason == .zeroWindow && window.second == 30)
        let reader = try #require(Self.fault { Self.facts(queued: 100_000 - $0, sent: $0) })
        #expect(reader.reason == .slowReader && (30...32).contains(reader.second))
        // Qwen is silent, or the client waits for its answer: nobody is slow.
        #expect(Self.fault { _ in Self.facts(received: 10, sent: 10) } == nil)
    }
}
