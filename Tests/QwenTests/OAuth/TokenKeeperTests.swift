import Synchronization
import Testing

@testable import Qwen

@Suite(.timeLimit(.minutes(1))) struct TokenKeeperTests {
    private static let start = TokenKeeperFixture.start

    @Test func freshTokenIsGivenAtOnce() async throws {
        let fixture = try TokenKeeperFixture(expiry: Self.start + 1)
        #expect(try await fixture.keeper.current(patience: .zero) == fixture.credential)
        #expect(fixture.transport.sent.isEmpty)
    }

    @Test func expiredTokenIsRefreshedAndSavedBeforeItIsUsed() async throws {
        let fixture = try TokenKeeperFixture()
        let credential = try await fixture.keeper.current(patience: .seconds(5))
        #expect(credential.accessToken == "at-1")
        #expect(credential.resourceURL == "portal.qwen.ai")
        #expect(fixture.storage["default"] == credential)
        #expect(fixture.transport.sent.map { $0.form["refresh_token"] } == ["rt-canary-0"])
        #expect(fixture.events.elements == [.refreshed(credential)])
        #expect(fixture.lock.isFree)
    }

    @Test func manyCallersShareOneRefresh() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        let keeper = fixture.keeper
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<100 {
                group.addTask {
                    index % 2 == 0
                        ? try await keeper.current(patience: .seconds(60)).accessToken
                        : try await keeper.refreshed(after: "at-canary-0", patience: .seconds(60)).accessToken
                }
            }
            await gate.arrived()
            await gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tokens == Array(repeating: "at-1", count: 100))
        #expect(fixture.transport.sent.count == 1)
    }

    @Test func refusedTokenIsReplacedBeforeItsEnd() async throws {
        let fixture = try TokenKeeperFixture(expiry: Self.start + 3_600_000)
        let keeper = fixture.keeper
        #expect(try await keeper.refreshed(after: "at-canary-0", patience: .seconds(5)).accessToken == "at-1")
        // Who was refused with the older token comes late: there is a newer one.
        #expect(try await keeper.refreshed(after: "at-canary-0", patience: .zero).accessToken == "at-1")
        #expect(fixture.transport.sent.count == 1)
    }

    @Test func refreshOfAnotherProcessIsTakenOver() async throws {
        let fixture = try TokenKeeperFixture()
        let other = OAuthCredential.sample(7, expiry: Self.start + 1000)
        fixture.storage["default"] = other
        #expect(try await fixture.keeper.current(patience: .seconds(5)) == other)
        #expect(fixture.transport.sent.isEmpty)
        #expect(fixture.events.elements == [.refreshed(other)])
    }

    /// The newest refresh token is the storage's: that of the keeper is worth nothing.
    @Test func expiredSuccessorIsWhatIsRefreshed() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage["default"] = .sample(7, expiry: Self.start - 1)
        #expect(try await fixture.keeper.current(patience: .seconds(5)).accessToken == "at-1")
        #expect(fixture.transport.sent.map { $0.form["refresh_token"] } == ["rt-canary-7"])
    }

    @Test func refreshThatDoesNotRotateKeepsTheRefreshToken() async throws {
        let fixture = try TokenKeeperFixture { _ in .token("at-1") }
        let credential = try await fixture.keeper.current(patience: .seconds(5))
        #expect(credential.refreshToken == "rt-canary-0")
        #expect(credential.resourceURL == "portal.qwen.ai")
    }

    // MARK: Death

    @Test func refusalForGoodKillsAndNothingWaitsForIt() async throws {
        let fixture = try TokenKeeperFixture { _ in TokenKeeperFixture.refused }
        let failure = await fixture.failure()
        #expect(failure?.code == .dead)
        #expect(failure?.explanation.contains("qwen-gateway login") == true)
        #expect(fixture.isDead)
        #expect(fixture.storage.content.withLock { $0.dead["default"] } == failure?.explanation)
        #expect(fixture.events.elements == [.dead(failure?.explanation ?? "")])
        // At once, without patience and without another request.
        #expect(await fixture.failure(patience: .zero)?.code == .dead)
        await #expect(throws: TokenFailure.self) {
            try await fixture.keeper.refreshed(after: "at-canary-0", patience: .zero)
        }
        #expect(fixture.transport.sent.count == 1)
        #expect(fixture.lock.isFree)
    }

    @Test func refusedTokenThatAnotherProcessHadRotatedDoesNotKill() async throws {
        let other = OAuthCredential.sample(7, expiry: Self.start + 1000)
        let box = Collector<MemoryStorage>()
        let fixture = try TokenKeeperFixture { _ in
            // Somebody who knows nothing of the lock was quicker.
            box.elements.first?["default"] = other
            return TokenKeeperFixture.refused
        }
        box.collect(fixture.storage)
        #expect(try await fixture.keeper.current(patience: .seconds(5)) == other)
        #expect(!fixture.isDead)
    }

    @Test func withoutARefreshTokenItDiesAtItsEnd() async throws {
        let fixture = try TokenKeeperFixture(expiry: Self.start + 1000, refreshToken: nil)
        await fixture.keeper.start()
        #expect(try await fixture.keeper.current(patience: .zero) == fixture.credential)
        await fixture.clock.sleeper(at: Self.start + 1000)
        fixture.clock.advance(by: 1000)
        await fixture.events.wait { if case .dead = $0 { true } else { false } }
        #expect(await fixture.failure(patience: .zero)?.code == .dead)
        #expect(fixture.transport.sent.isEmpty)
        await fixture.keeper.close()
    }

    @Test func removedCredentialIsDead() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage["default"] = nil
        let failure = await fixture.failure()
        #expect(failure?.code == .dead)
        #expect(failure?.explanation.contains("removed") == true)
    }

    @Test func newLoginOfAnotherProcessRevives() async throws {
        let fixture = try TokenKeeperFixture { _ in TokenKeeperFixture.refused }
        await fixture.keeper.start()
        await fixture.events.wait { if case .dead = $0 { true } else { false } }
        await fixture.clock.sleeper(at: Self.start + 30_000)
        fixture.clock.advance(by: 30_000)
        await fixture.clock.sleeper(at: Self.start + 60_000)
        #expect(fixture.isDead)
        let other = OAuthCredential.sample(7, expiry: Self.start + 3_600_000)
        fixture.storage["default"] = other
        fixture.clock.advance(by: 30_000)
        await fixture.events.wait { $0 == .refreshed(other) }
        #expect(try await fixture.keeper.current(patience: .zero) == other)
        await fixture.keeper.close()
    }

    @Test func newLoginOfThisProcessRevives() async throws {
        let fixture = try TokenKeeperFixture { _ in TokenKeeperFixture.refused }
        #expect(await fixture.failure()?.code == .dead)
        let other = OAuthCredential.sample(7, expiry: Self.start + 3_600_000)
        await fixture.keeper.replace(with: other)
        #expect(try await fixture.keeper.current(patience: .zero) == other)
    }

    // MARK: Trouble

    @Test func briefTroubleIsTriedThriceInOneRefresh() async throws {
        let count = Collector<Int>()
        let fixture = try TokenKeeperFixture { _ in
            count.collect(0)
            switch count.elements.count {
            case 1: throw OAuthTransportError("connection reset")
            case 2: return .html(502)
            default: return .token("at-1", refresh: "rt-1")
            }
        }
        let keeper = fixture.keeper
        async let credential = keeper.current(patience: .seconds(60))
        await fixture.clock.sleeper(at: Self.start + 1000)
        fixture.clock.advance(by: 1000)
        // The retry, and the heartbeat of the lock.
        await fixture.clock.sleepers(2, at: Self.start + 3000)
        fixture.clock.advance(by: 2000)
        #expect(try await credential.accessToken == "at-1")
        #expect(fixture.transport.sent.count == 3)
    }

    @Test func oldTokenServesWhileItLivesAndRefreshesFail() async throws {
        let isUp = Collector<Bool>()
        let fixture = try TokenKeeperFixture(expiry: Self.start + 600_000) { _ in
            isUp.elements.isEmpty ? .html(403) : .token("at-1", refresh: "rt-1")
        }
        let (clock, keeper) = (fixture.clock, fixture.keeper)
        await keeper.start()
        await clock.sleeper(at: Self.start + 300_000)
        clock.advance(by: 300_000)
        await fixture.events.wait { if case .failing = $0 { true } else { false } }
        #expect(try await keeper.current(patience: .zero) == fixture.credential)
        await clock.sleeper(at: Self.start + 305_000)
        isUp.collect(true)
        clock.advance(by: 5000)
        await fixture.events.wait { if case .refreshed = $0 { true } else { false } }
        #expect(try await keeper.current(patience: .zero).accessToken == "at-1")
        await keeper.close()
    }

    @Test func afterAFailureNobodyWaitsUntilTheNextTry() async throws {
        let fixture = try TokenKeeperFixture { _ in .html(403) }
        let failure = await fixture.failure()
        #expect(failure?.code == .failing)
        #expect(failure?.explanation.contains("403") == true)
        #expect(await fixture.failure() == failure)
        #expect(fixture.transport.sent.count == 1)
        fixture.clock.advance(by: 5000)
        #expect(await fixture.failure()?.code == .failing)
        #expect(fixture.transport.sent.count == 2)
    }

    @Test func unreadableStorageIsNoReasonToUseAnOldRefreshToken() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage.content.withLock { $0.loadFault = OAuthStorageError("/x cannot be read") }
        let failure = await fixture.failure()
        #expect(failure?.code == .failing)
        #expect(failure?.explanation.contains("/x cannot be read") == true)
        #expect(fixture.transport.sent.isEmpty)
    }

    @Test func lockThatIsNotHadInTimeIsAnError() async throws {
        let fixture = try TokenKeeperFixture()
        let (clock, keeper) = (fixture.clock, fixture.keeper)
        _ = await fixture.lock.acquire(.credential("default"), until: 0)
        async let result = fixture.failure()
        await clock.sleeper(at: Self.start + 20_000)
        clock.advance(by: 20_000)
        #expect(await result?.code == .lockTimeout)
        #expect(fixture.transport.sent.isEmpty)
        // What the other has saved in the meantime is as good.
        clock.advance(by: 5000)
        async let credential = keeper.current(patience: .seconds(60))
        await clock.sleeper(at: Self.start + 45_000)
        let other = OAuthCredential.sample(7, expiry: Self.start + 3_600_000)
        fixture.storage["default"] = other
        clock.advance(by: 20_000)
        #expect(try await credential == other)
    }

    @Test func missingLockIsAnErrorWithItsReason() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.lock.makeUnavailable("/x is read-only")
        let failure = await fixture.failure()
        #expect(failure?.code == .lockTimeout)
        #expect(failure?.explanation.contains("/x is read-only") == true)
    }

    @Test func unsavedTokenIsUsedAndSavedLater() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage.content.withLock { $0.saveFault = OAuthStorageError("no space left on /x") }
        let credential = try await fixture.keeper.current(patience: .seconds(5))
        #expect(credential.accessToken == "at-1")
        #expect(fixture.storage["default"] == fixture.credential)
        let isWarned = fixture.events.elements.contains {
            if case .failing(let words) = $0 { words.contains("no space left on /x") } else { false }
        }
        #expect(isWarned)
        await fixture.clock.sleeper(at: Self.start + 5000)
        fixture.storage.content.withLock { $0.saveFault = nil }
        fixture.clock.advance(by: 5000)
        // The old refresh token is spent: the next refresh must come from what was not saved.
        fixture.clock.advance(by: 3_600_000)
        _ = try await fixture.keeper.current(patience: .seconds(5))
        #expect(fixture.transport.sent.map { $0.form["refresh_token"] } == ["rt-canary-0", "rt-1"])
        #expect(fixture.storage["default"]?.refreshToken == "rt-1")
        await fixture.keeper.close()
    }

    @Test func closingSavesWhatIsUnsaved() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage.content.withLock { $0.saveFault = OAuthStorageError("no space left") }
        let credential = try await fixture.keeper.current(patience: .seconds(5))
        fixture.storage.content.withLock { $0.saveFault = nil }
        await fixture.keeper.close()
        #expect(fixture.storage["default"] == credential)
    }

    // MARK: Patience and cancellation

    @Test func impatientCallerLeavesTheRefreshToItself() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        async let failure = fixture.failure(patience: .seconds(2))
        await gate.arrived()
        await fixture.clock.sleeper(at: Self.start + 2000)
        fixture.clock.advance(by: 2000)
        #expect(await failure?.code == .outOfPatience)
        await gate.open()
        await fixture.events.wait { if case .refreshed = $0 { true } else { false } }
        #expect(try await fixture.keeper.current(patience: .zero).accessToken == "at-1")
        #expect(fixture.transport.sent.count == 1)
    }

    @Test func cancelledCallerLeavesTheRefreshToItself() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        let caller = Task { await fixture.failure() }
        await gate.arrived()
        caller.cancel()
        #expect(await caller.value?.code == .cancelled)
        await gate.open()
        await fixture.events.wait { if case .refreshed = $0 { true } else { false } }
        #expect(fixture.storage["default"]?.accessToken == "at-1")
    }

    @Test func slowRefreshKeepsItsLockAlive() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        async let credential = fixture.keeper.current(patience: .seconds(60))
        await gate.arrived()
        for beat in 1...3 as ClosedRange<Int64> {
            await fixture.clock.sleeper(at: Self.start + 3000 * beat)
            fixture.clock.advance(to: Self.start + 3000 * beat)
        }
        await fixture.clock.sleeper(at: Self.start + 12_000)
        #expect(fixture.lock.touches == 3)
        await gate.open()
        #expect(try await credential.accessToken == "at-1")
    }

    @Test func closingFinishesTheRefreshUnderWay() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        let keeper = fixture.keeper
        async let credential = keeper.current(patience: .seconds(60))
        await gate.arrived()
        async let closed: Void = keeper.close()
        await gate.open()
        await closed
        #expect(try await credential.accessToken == "at-1")
        #expect(fixture.storage["default"]?.accessToken == "at-1")
        fixture.clock.advance(by: 3_600_000)
        #expect(await fixture.failure()?.code == .closed)
    }

    @Test func closingDoesNotWaitForAnotherProcess() async throws {
        let fixture = try TokenKeeperFixture()
        _ = await fixture.lock.acquire(.credential("default"), until: 0)
        async let failure = fixture.failure()
        await fixture.clock.sleeper(at: Self.start + 20_000)
        await fixture.keeper.close()
        #expect(await failure?.code == .lockTimeout)
    }

    @Test func backgroundRefreshComesBeforeTheEnd() async throws {
        let fixture = try TokenKeeperFixture(expiry: Self.start + 3_600_000)
        await fixture.keeper.start()
        await fixture.clock.sleeper(at: Self.start + 3_300_000)
        fixture.clock.advance(by: 3_300_000)
        await fixture.events.wait { if case .refreshed = $0 { true } else { false } }
        #expect(fixture.transport.sent.count == 1)
        // And the next one.
        await fixture.clock.sleeper(at: Self.start + 6_600_000)
        await fixture.keeper.close()
    }

    @Test func loginDuringARefreshWins() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        let keeper = fixture.keeper
        async let credential = keeper.current(patience: .seconds(60))
        await gate.arrived()
        let new = OAuthCredential.sample(9, expiry: Self.start + 3_600_000)
        await keeper.replace(with: new)
        await gate.open()
        #expect(try await credential == new)
        #expect(try await keeper.current(patience: .zero) == new)
    }

    @Test func removalDuringARefreshIsNotUndone() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        async let failure = fixture.failure()
        await gate.arrived()
        fixture.storage["default"] = nil
        await gate.open()
        #expect(await failure?.code == .dead)
        #expect(fixture.storage["default"] == nil)
    }

    @Test func importDuringARefreshWins() async throws {
        let gate = Gate()
        let fixture = try TokenKeeperFixture { _ in
            await gate.pass()
            return .token("at-1", refresh: "rt-1")
        }
        let keeper = fixture.keeper
        async let credential = keeper.current(patience: .seconds(60))
        await gate.arrived()
        let imported = OAuthCredential.sample(9, expiry: Self.start + 3_600_000)
        fixture.storage["default"] = imported
        await gate.open()
        #expect(try await credential == imported)
        #expect(fixture.storage["default"] == imported)
        #expect(!keeper.isGranted(imported))
    }

    @Test func removalOfWhatIsNotSavedYetEndsIt() async throws {
        let fixture = try TokenKeeperFixture()
        fixture.storage.content.withLock { $0.saveFault = OAuthStorageError("no space left on /x") }
        let credential = try await fixture.keeper.current(patience: .seconds(5))
        #expect(fixture.keeper.isGranted(credential))
        await fixture.clock.sleeper(at: Self.start + 5000)
        fixture.storage["default"] = nil
        fixture.storage.content.withLock { $0.saveFault = nil }
        fixture.clock.advance(by: 5000)
        await fixture.events.wait { if case .dead = $0 { true } else { false } }
        #expect(await fixture.failure()?.code == .dead)
        #expect(fixture.storage["default"] == nil)
        await fixture.keeper.close()
    }

    @Test func eventsDoNotPrintTokens() {
        let event = TokenKeeper.Event.refreshed(.sample(expiry: 0))
        var dumped = ""
        dump(event, to: &dumped)
        #expect(!"\(event) \(String(reflecting: event)) \(dumped)".contains("canary"))
    }
}
