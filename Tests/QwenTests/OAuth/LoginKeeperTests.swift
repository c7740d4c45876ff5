import Synchronization
import Testing

@testable import Qwen

@Suite(.timeLimit(.minutes(1))) struct LoginKeeperTests {
    private let clock = ManualClock()
    private let server = FakeAuthorizationServer()
    private let storage = MemoryStorage()
    private let states = Collector<LoginKeeper.State>()

    private func keeper(
        _ transport: (any OAuthTransport)? = nil, _ lock: MemoryLock? = nil,
        _ states: Collector<LoginKeeper.State>? = nil
    ) throws -> LoginKeeper {
        LoginKeeper(
            requests: try .sample(), transport: transport ?? server, clock: clock, storage: storage,
            lock: lock ?? MemoryLock(clock), onChange: (states ?? self.states).collect)
    }

    private func isWaiting(_ state: LoginKeeper.State) -> Bool {
        if case .waiting = state { true } else { false }
    }

    /// Who waits for the login: the heartbeat of its lock and the next poll.
    private let sleepersOfALogin = 2

    @Test func loginFromTheFirstRequestToTheStoredCredential() async throws {
        let lock = MemoryLock(clock)
        let keeper = try keeper(nil, lock)
        #expect(keeper.state == .idle)
        #expect(await keeper.start(as: "default") == .starting)
        await states.wait(for: isWaiting)
        guard case .waiting(let prompt) = keeper.state else { return fail("not waiting") }
        #expect(prompt.userCode == "ABCD-EFGH")
        #expect(prompt.expiresAt == 1_060_000)
        for _ in 0..<5 { await clock.step(sleepers: sleepersOfALogin) }
        #expect(storage["default"] == nil)
        await clock.sleeper(at: clock.now + 2000)
        await server.confirm()
        clock.advance(by: 2000)
        #expect(await keeper.finished() == .succeeded("default"))
        let credential = try #require(storage["default"])
        #expect(credential.accessToken == "at-1")
        #expect(credential.refreshToken == "rt-1")
        #expect(credential.expiry == clock.now + 3_600_000)
        #expect(states.elements == [.starting, .waiting(prompt), .succeeded("default")])
        #expect(lock.isFree)
        #expect(lock.touches > 0)
    }

    @Test func secondStartFindsTheFirst() async throws {
        let keeper = try keeper()
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        let state = await keeper.start(as: "other", patience: .seconds(5))
        #expect(isWaiting(state))
        await server.confirm()
        await clock.step(sleepers: sleepersOfALogin)
        #expect(await keeper.finished() == .succeeded("default"))
        #expect(states.elements.count == 3)
        #expect(storage["other"] == nil)
    }

    @Test func startWaitsForTheCodeNoLongerThanAsked() async throws {
        let gate = Gate()
        let server = server
        let keeper = try keeper(
            FakeTransport {
                await gate.pass()
                return try await server.send($0)
            })
        async let patient = keeper.start(as: "default", patience: .seconds(2))
        await clock.sleeper(at: clock.now + 2000)
        clock.advance(by: 2000)
        #expect(await patient == .starting)
        await gate.open()
        #expect(isWaiting(await keeper.start(as: "default", patience: .seconds(2))))
        await keeper.cancel()
        #expect(keeper.state == .idle)
    }

    @Test func anotherVerifierGetsNoToken() async throws {
        let keeper = try keeper()
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        await server.confirm()
        await server.tamper()
        await clock.step(sleepers: sleepersOfALogin)
        guard case .failed(let explanation) = await keeper.finished() else { return fail("no failure") }
        #expect(explanation.contains("invalid_grant"))
        #expect(explanation.contains("[redacted]"))
        #expect(storage["default"] == nil)
    }

    @Test func deniedLoginCanBeBegunAgain() async throws {
        let keeper = try keeper()
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        await server.deny()
        await clock.step(sleepers: sleepersOfALogin)
        guard case .failed(let explanation) = await keeper.finished() else { return fail("no failure") }
        #expect(explanation.contains("declined"))
        #expect(await keeper.start(as: "default") == .starting)
        await keeper.cancel()
    }

    @Test func codeThatExpiresEndsTheLogin() async throws {
        let keeper = try keeper()
        await keeper.start(as: "default")
        while keeper.state.isUnderWay {
            if clock.now >= 1_060_000 { break }
            await clock.step(sleepers: sleepersOfALogin)
        }
        guard case .failed(let explanation) = await keeper.finished() else { return fail("no failure") }
        #expect(explanation.contains("60 seconds"))
    }

    @Test func cancelledLoginLeavesNothingBehind() async throws {
        let lock = MemoryLock(clock)
        let keeper = try keeper(nil, lock)
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        await keeper.cancel()
        #expect(keeper.state == .idle)
        #expect(lock.isFree)
        #expect(storage["default"] == nil)
        await keeper.cancel()
    }

    @Test func closedEndpointIsToldAtOnce() async throws {
        let keeper = try keeper(FakeTransport { _ in .html(200) })
        let state = await keeper.start(as: "default", patience: .seconds(5))
        guard case .failed(let explanation) = state else { return fail("no failure") }
        #expect(explanation.contains("QWEN_API_KEY"))
        #expect(explanation.contains("chat.qwen.ai"))
    }

    @Test func unsavedCredentialIsAFailure() async throws {
        storage.content.withLock { $0.saveFault = OAuthStorageError("no space left on /x") }
        let keeper = try keeper()
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        await server.confirm()
        let clock = clock
        // Once the login is over nobody sleeps any more, and it stands still.
        let driver = Task { while !Task.isCancelled { await clock.step(sleepers: 1) } }
        defer { driver.cancel() }
        guard case .failed(let explanation) = await keeper.finished() else { return fail("no failure") }
        #expect(explanation.contains("no space left on /x"))
    }

    @Test func loginElsewhereIsWaitedForAndTakenOver() async throws {
        let lock = MemoryLock(clock)
        let first = try keeper(nil, lock)
        await first.start(as: "default")
        await states.wait(for: isWaiting)
        let others = Collector<LoginKeeper.State>()
        let second = try keeper(nil, lock, others)
        await second.start(as: "default")
        await clock.sleeper(at: clock.now + 1000)
        clock.advance(by: 1000)
        await others.wait { $0 == .elsewhere }
        await server.confirm()
        await clock.sleeper(at: 1_002_000)
        clock.advance(to: 1_002_000)
        #expect(await first.finished() == .succeeded("default"))
        #expect(await second.finished() == .succeeded("default"))
        #expect(others.elements == [.starting, .elsewhere, .succeeded("default")])
        #expect(lock.isFree)
    }

    @Test func loginElsewhereThatFailsIsNotBegunAnew() async throws {
        let lock = MemoryLock(clock)
        let first = try keeper(nil, lock)
        await first.start(as: "default")
        await states.wait(for: isWaiting)
        let others = Collector<LoginKeeper.State>()
        let second = try keeper(nil, lock, others)
        await second.start(as: "default")
        await clock.sleeper(at: clock.now + 1000)
        clock.advance(by: 1000)
        await others.wait { $0 == .elsewhere }
        await first.cancel()
        guard case .failed(let explanation) = await second.finished() else { return fail("no failure") }
        #expect(explanation.contains("another process"))
    }

    /// Two logins contend for the lock; the second waits for the first.
    private func contend(
        _ firstName: String, _ lock: MemoryLock, _ others: Collector<LoginKeeper.State>
    ) async throws -> (first: LoginKeeper, second: LoginKeeper) {
        let first = try keeper(nil, lock)
        await first.start(as: firstName)
        await states.wait(for: isWaiting)
        let second = try keeper(nil, lock, others)
        await second.start(as: "default")
        await clock.sleeper(at: clock.now + 1000)
        clock.advance(by: 1000)
        await others.wait { $0 == .elsewhere }
        return (first, second)
    }

    @Test func refreshDuringALoginElsewhereIsNoLogin() async throws {
        storage["default"] = .sample(expiry: clock.now)
        let (first, second) = try await contend("default", MemoryLock(clock), Collector())
        storage["default"] = .sample(1, expiry: clock.now + 3_600_000)
        await first.cancel()
        guard case .failed(let explanation) = await second.finished() else { return fail("no failure") }
        #expect(explanation.contains("another process"))
    }

    @Test func loginElsewhereUnderAnotherNameIsFollowedByOnesOwn() async throws {
        let others = Collector<LoginKeeper.State>()
        let (first, second) = try await contend("other", MemoryLock(clock), others)
        await server.confirm()
        await clock.sleeper(at: 1_002_000)
        clock.advance(to: 1_002_000)
        #expect(await first.finished() == .succeeded("other"))
        await others.wait(for: isWaiting)
        await second.cancel()
        #expect(storage["default"] == nil)
    }

    @Test func nameThatCannotBeStoredIsToldBeforeTheLogin() async throws {
        storage.content.withLock { $0.checkFault = OAuthStorageError("“default” is an API key") }
        let keeper = try keeper()
        await keeper.start(as: "default")
        #expect(await keeper.finished() == .failed("The login was not begun: “default” is an API key."))
        #expect(states.elements.count == 2)
    }

    @Test func cancellationAfterTheGrantLosesNoTokens() async throws {
        let lock = MemoryLock(clock)
        let keeper = try keeper(nil, lock)
        await keeper.start(as: "default")
        await states.wait(for: isWaiting)
        // The save must wait for a refresh that is under way.
        guard case .acquired(let hold) = await lock.acquire(.credential("default"), until: 0) else {
            return fail("no lock")
        }
        await server.confirm()
        await clock.step(sleepers: sleepersOfALogin)
        await clock.sleeper(at: clock.now + 15_000)
        async let cancelled: Void = keeper.cancel()
        await Task.yield()
        await lock.release(hold)
        await cancelled
        #expect(await keeper.finished() == .succeeded("default"))
        #expect(storage["default"]?.accessToken == "at-1")
    }

    @Test func withoutALockThereIsNoLogin() async throws {
        let lock = MemoryLock(clock)
        lock.makeUnavailable("/x is read-only")
        let keeper = try keeper(nil, lock)
        await keeper.start(as: "default")
        #expect(await keeper.finished() == .failed("The login was not begun: /x is read-only."))
    }
}
