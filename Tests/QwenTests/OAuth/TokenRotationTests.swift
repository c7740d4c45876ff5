import Testing

@testable import Qwen

/// Eight keepers, as of eight processes, share one login whose refresh tokens are good for once.
@Suite(.timeLimit(.minutes(2))) struct TokenRotationTests {
    @Test func thousandExpiriesAreThousandRefreshes() async throws {
        let clock = ManualClock()
        let server = FakeAuthorizationServer()
        guard case .granted(let grant) = await server.issue().tokenGrant() else { return fail("no token") }
        let first = grant.credential(now: clock.now)
        let storage = MemoryStorage(["default": first])
        let lock = MemoryLock(clock)
        let events = Collector<TokenKeeper.Event>()
        let requests = try OAuthRequests.sample()
        let keepers = (0..<8).map { _ in
            TokenKeeper(
                name: "default", credential: first, requests: requests, transport: server, clock: clock,
                storage: storage, lock: lock, jitter: { 0 }, onEvent: events.collect)
        }
        for expiry in 1...1000 {
            let old = try #require(storage["default"])
            let isForced = expiry % 2 == 0
            if !isForced { clock.advance(to: old.expiry) }
            let tokens = try await withThrowingTaskGroup(of: String.self) { group in
                for keeper in keepers + keepers {
                    group.addTask {
                        isForced
                            ? try await keeper.refreshed(after: old.accessToken, patience: .seconds(60)).accessToken
                            : try await keeper.current(patience: .seconds(60)).accessToken
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            try #require(await server.refreshes == expiry)
            try #require(await tokens == [server.accessToken])
            try #require(await storage["default"]?.refreshToken == server.refreshToken)
        }
        #expect(await server.staleRefreshes == 0)
        #expect(await server.mostAtOnce == 1)
        #expect(lock.isFree)
        #expect(
            events.elements.allSatisfy { if case .refreshed = $0 { true } else { false } })
    }

    /// The same in the background, with nobody asking.
    @Test func backgroundRefreshesAreSharedToo() async throws {
        let clock = ManualClock()
        let server = FakeAuthorizationServer()
        guard case .granted(let grant) = await server.issue().tokenGrant() else { return fail("no token") }
        let first = grant.credential(now: clock.now)
        let storage = MemoryStorage(["default": first])
        let lock = MemoryLock(clock)
        let requests = try OAuthRequests.sample()
        var keepers: [(TokenKeeper, Collector<TokenKeeper.Event>)] = []
        for _ in 0..<8 {
            let events = Collector<TokenKeeper.Event>()
            keepers.append(
                (
                    TokenKeeper(
                        name: "default", credential: first, requests: requests, transport: server, clock: clock,
                        storage: storage, lock: lock, jitter: { 0 }, onEvent: events.collect), events
                ))
        }
        for (keeper, _) in keepers { await keeper.start() }
        var due = first.expiry - 300_000
        for round in 1...100 {
            await clock.sleepers(8, at: due)
            clock.advance(to: due)
            for (_, events) in keepers {
                await events.wait {
                    if case .refreshed(let new) = $0 { new.accessToken == "at-\(round + 1)" } else { false }
                }
            }
            due += 3_300_000
        }
        #expect(await server.refreshes == 100)
        #expect(await server.staleRefreshes == 0)
        for (keeper, _) in keepers { await keeper.close() }
    }
}
