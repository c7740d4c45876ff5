import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway
@testable import Qwen

/// What Qwen refuses for the moment is absorbed within the client's patience, and who leaves leaves nothing behind.
@Suite(.timeLimit(.minutes(2))) struct PatienceTests {
    /// The statuses of `count` requests by each of `clients`, all clients at once.
    private func statuses(
        _ fixture: GatewayFixture, clients: Int, count: Int, seed: Int
    ) async throws -> [Int?] {
        try fixture.simulator.apply("refuse=30 seed=\(seed)")
        let connections = [try await fixture.client(.http2), try await fixture.client(.http1)]
        let statuses = try await withThrowingTaskGroup(of: [Int?].self) { group in
            for number in 0..<clients {
                let client = connections[number % 2]
                group.addTask {
                    var statuses: [Int?] = []
                    for turn in 0..<count {
                        let streams = (number + turn) % 2 == 0
                        statuses.append(try await client.chat("chunks=3", streaming: streams).finish().head?.status)
                    }
                    return statuses
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        for connection in connections { await connection.close() }
        return statuses
    }

    @Test(arguments: ["rate-quota", "throttling", "burst", "allocation-quota", "empty"])
    func noRefusalReachesAnyClient(_ refusal: String) async throws {
        try await GatewayFixture.run { fixture in
            try fixture.simulator.apply("refuse-with=\(refusal)")
            let statuses = try await statuses(fixture, clients: 50, count: 4, seed: 7)
            #expect(statuses.count == 200)
            #expect(statuses.allSatisfy { $0 == 200 }, "\(Set(statuses))")
            let counters = fixture.simulator.counters.read()
            #expect(counters.active == 0)
            #expect(counters.started > 220, "some were refused, and sent again")
        }
    }

    @Test func withoutPatienceRefusalsArePassedOn() async throws {
        var options = GatewayFixture.Options()
        options.environment["UPSTREAM_RETRY_BUDGET"] = "0"
        try await GatewayFixture.run(options) { fixture in
            let statuses = try await statuses(fixture, clients: 10, count: 10, seed: 7)
            #expect(statuses.contains(429))
            #expect(statuses.allSatisfy { $0 == 200 || $0 == 429 })
        }
    }

    @Test func whatCanNotBeServedInTimeIsToldWhenToComeBack() async throws {
        var options = GatewayFixture.Options()
        options.environment["UPSTREAM_RETRY_BUDGET"] = "1s"
        options.behaviour = "error=throttling retry-after=9"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            let began = ContinuousClock.now
            let answer = try await client.chat("hello", streaming: false).finish()
            #expect(ContinuousClock.now - began < .seconds(2))
            #expect(answer.head?.status == 429)
            #expect(answer.head?.fields["retry-after"] == "9")
            #expect(answer.head?.fields["x-should-retry"] == nil)
            await client.close()
        }
    }

    @Test(arguments: ["internal", "unavailable", "serving", "stream-timeout", "upstream-connect"])
    func passingTroubleOfQwensIsAbsorbed(_ error: String) async throws {
        try await GatewayFixture.run { fixture in
            try fixture.simulator.apply("error=\(error) times=1")
            let client = try await fixture.client(.http2)
            #expect(try await client.chat("hello", streaming: true).finish().head?.status == 200)
            #expect(fixture.simulator.counters.read().started == 2)
            await client.close()
        }
    }

    @Test(arguments: ["invalid-parameter", "input-too-long", "moderation", "model-not-found"])
    func whatIsTheRequestsOwnFaultIsSentOnce(_ error: String) async throws {
        try await GatewayFixture.run { fixture in
            try fixture.simulator.apply("error=\(error)")
            let client = try await fixture.client(.http2)
            let status = try await client.chat("hello", streaming: true).finish().head?.status
            #expect(status == 400 || status == 404)
            #expect(fixture.simulator.counters.read().started == 1)
            await client.close()
        }
    }

    // MARK: The queue

    /// A login whose token is being renewed: requests wait, and go all at once when that is done.
    private func withQueue(
        delay: Int, _ body: (TestWorld, TestGateway, TestClient) async throws -> Void
    ) async throws {
        var options = TestWorld.Options()
        options.behaviour = "portal.auth=tokens oauth.delay=\(delay)"
        try await TestWorld.run(options) { world in
            try world.storeLogin(expiresIn: -10)
            world.simulator.expireAccessTokens()
            try await world.withGateway { gateway in
                let client = try await gateway.client(.http2)
                try await body(world, gateway, client)
                await client.close()
            }
        }
    }

    @Test func clientKeysTakeTurnsWhileTheyWait() async throws {
        try await withQueue(delay: 1500) { world, gateway, client in
            var responses: [TestResponse] = []
            for number in 0..<10 { responses.append(try await client.chat("first \(number)", streaming: false)) }
            #expect(try await GatewayFixture.eventually { try await gateway.load().waiting == 10 })
            for number in 0..<2 {
                responses.append(
                    try await client.chat("other \(number)", streaming: false, key: GatewayFixture.otherClientKey))
            }
            #expect(try await GatewayFixture.eventually { try await gateway.load().waiting == 12 })
            for response in responses { #expect(try await response.finish().head?.status == 200) }
            let order = world.simulator.requests.filter { $0.head.path.hasSuffix("/chat/completions") }
                .compactMap { request in ["first", "other"].first { request.text.contains("\($0) ") } }
            #expect(order.count == 12)
            #expect(order.prefix(4).sorted() == ["first", "first", "other", "other"], "\(order)")
        }
    }

    @Test func whoLeavesTheQueueLeavesNothingBehind() async throws {
        try await withQueue(delay: 1500) { world, gateway, client in
            let leaving = try await client.chat("leaving", streaming: true)
            let staying = try await client.chat("staying", streaming: true)
            #expect(try await GatewayFixture.eventually { try await gateway.load().waiting == 2 })
            try await leaving.cancel()
            #expect(try await GatewayFixture.eventually { try await gateway.load().waiting == 1 })
            #expect(try await staying.finish().head?.status == 200)
            #expect(try await gateway.load() == (0, 0))
            #expect(!world.simulator.requests.contains { $0.text.contains("leaving") })
        }
    }

    @Test func whoLeavesDuringAPauseIsNotSentAgain() async throws {
        var options = GatewayFixture.Options()
        options.behaviour = "error=throttling retry-after=1 times=1"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            let response = try await client.chat("leaving", streaming: true)
            #expect(await GatewayFixture.eventually { fixture.log.text.contains("Qwen refused a call") })
            try await response.cancel()
            #expect(await GatewayFixture.eventually { fixture.log.text.contains("client_cancelled") })
            // The pause of the other is longer than the one that was given up.
            #expect(try await client.chat("another", streaming: true).finish().head?.status == 200)
            let port = try #require(fixture.gateway.adminPort)
            let health = try await PlainAnswer.get("/health/detailed", port: port)
            #expect(health.body.contains(#""in_flight":0"#))
            try fixture.simulator.apply("error=throttling retry-after=1 times=1")
            #expect(try await client.chat("later", streaming: true).finish().head?.status == 200)
            #expect(fixture.simulator.requests.count { $0.text.contains("leaving") } == 1)
            await client.close()
        }
    }

    @Test func whoLeavesDuringARenewalDoesNotStopIt() async throws {
        var options = TestWorld.Options()
        options.behaviour = "portal.auth=tokens oauth.delay=500"
        try await TestWorld.run(options) { world in
            try world.storeLogin()
            try await world.withGateway { gateway in
                world.simulator.expireAccessTokens()
                let client = try await gateway.client(.http2)
                let response = try await client.chat("leaving", streaming: true)
                #expect(await GatewayFixture.eventually { gateway.log.text.contains("Qwen refused a call") })
                try await response.cancel()
                #expect(try await GatewayFixture.eventually { try await gateway.load() == (0, 0) })
                #expect(await GatewayFixture.eventually { world.simulator.oauthCounts.refreshes == 1 })
                #expect(try await client.chat("hello", streaming: false).finish().head?.status == 200)
                #expect(world.simulator.oauthCounts.refreshes == 1)
                await client.close()
            }
        }
    }

    // MARK: Signs of life

    /// The client has a head and a comment when Qwen refuses: it must see that, and no end that looks whole.
    @Test func refusalAfterASignOfLifeIsAnErrorEvent() async throws {
        var options = GatewayFixture.Options()
        options.environment["STREAM_KEEPALIVE"] = "1s"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            let response = try await client.chat("first=2800 error=throttling", streaming: true).finish()
            let text = String(buffer: response.body)
            #expect(response.head?.status == 200)
            #expect(text.hasPrefix(": keep-alive\n\n"), "\(text)")
            #expect(text.contains(#""code":"rate_limit_exceeded""#))
            #expect(text.contains("Requests throttling triggered."))
            #expect(!text.contains("[DONE]"))
            #expect(!response.isEnded)
            // It could not be sent again.
            #expect(fixture.simulator.counters.read().started == 1)
            await client.close()
        }
    }
}
