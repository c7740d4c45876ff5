import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Telemetry
import Testing

@testable import Gateway
@testable import Qwen

/// Tokens are renewed behind the clients' backs: ahead of time, once, and by whoever comes first.
@Suite(.timeLimit(.minutes(2))) struct RefreshTests {
    private static var portal: TestWorld.Options {
        var options = TestWorld.Options()
        options.behaviour = "portal.auth=tokens"
        return options
    }

    @Test func tokenIsRenewedBeforeItExpires() async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin(expiresIn: 60)
            let before = try #require(try world.storedLogin())
            try await world.withGateway(["TOKEN_REFRESH_BUFFER": "5m"]) { gateway in
                #expect(await GatewayFixture.eventually { world.simulator.oauthCounts.refreshes == 1 })
                #expect(try await GatewayFixture.eventually { try world.storedLogin() != before })
                let after = try #require(try world.storedLogin())
                #expect(after.refreshToken != before.refreshToken)
                #expect(after.accessToken != before.accessToken)
                #expect(after.expiry > WallTime.now().milliseconds + 3_600_000)
                try await gateway.answers()
            }
            #expect(world.simulator.oauthCounts.refreshes == 1)
            #expect(world.simulator.oauthCounts.refreshesRefused == 0)
        }
    }

    /// Fifty requests are refused with 401 at once. None of the clients learns of it, and Qwen is asked once.
    @Test func oneRefreshForAllWhoAreRefused() async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin()
            world.simulator.update { $0.oauth.delay = 50 }
            try await world.withGateway(["WORKERS": "2"]) { gateway in
                let clients = [try await gateway.client(.http2), try await gateway.client(.http1)]
                for round in 1...8 {
                    world.simulator.expireAccessTokens()
                    let statuses = try await withThrowingTaskGroup(of: Int?.self) { group in
                        for number in 0..<50 {
                            let client = clients[number % 2]
                            group.addTask {
                                try await client.chat("hello", streaming: number % 3 == 0).finish().head?.status
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
                    #expect(world.simulator.oauthCounts.refreshes == round)
                }
                for client in clients { await client.close() }
                #expect(try await gateway.load().inFlight == 0)
            }
            #expect(world.simulator.oauthCounts.reused == 0)
        }
    }

    /// Gateways that share a directory refresh once for all of them, and none uses a token that another has spent.
    @Test func gatewaysOnOneDirectoryShareEachRefresh() async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin()
            try await world.withGateway { first in
                try await world.withGateway { second in
                    for round in 1...10 {
                        world.simulator.expireAccessTokens()
                        let statuses = try await withThrowingTaskGroup(of: Int?.self) { group in
                            for number in 0..<8 {
                                group.addTask { try await (number % 2 == 0 ? first : second).ask().head?.status }
                            }
                            return try await group.reduce(into: []) { $0.append($1) }
                        }
                        #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
                        #expect(world.simulator.oauthCounts.refreshes == round)
                    }
                }
            }
            #expect(world.simulator.oauthCounts.reused == 0)
            #expect(world.simulator.oauthCounts.refreshesRefused == 0)
            try await world.withGateway { gateway in
                try await gateway.answers()
            }
        }
    }

    @Test func refusedRefreshEndsTheLoginAndLetsNobodyWait() async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin()
            try await world.withGateway { gateway in
                world.simulator.revokeTokens()
                let first = try await gateway.ask()
                #expect(first.head?.status == 502)
                #expect(String(buffer: first.body).contains("qwen-gateway login"))
                #expect(try await gateway.state(of: "qwen") == "dead")
                let client = try await gateway.client()
                let answer = try await client.chat("hello", streaming: true).finish()
                // It was answered at once: Qwen has not been asked a second time.
                #expect(world.simulator.oauthCounts.refreshesRefused == 1)
                #expect(world.simulator.counters.read().started == 0)
                #expect(answer.head?.status == 502)
                let error = TestJSON.error(String(buffer: answer.body))
                #expect(error["code"] as? String == "upstream_auth_error")
                #expect((error["message"] as? String)?.contains("qwen-gateway login") == true)
                #expect(answer.head?.fields["x-should-retry"] == "false")
                await client.close()
                #expect(await GatewayFixture.eventually { gateway.log.text.contains("a login has ended") })
                // Another login brings it back to life.
                try world.storeLogin()
                #expect(try await GatewayFixture.eventually { try await gateway.state(of: "qwen") == "healthy" })
                try await gateway.answers()
            }
        }
    }

    @Test func anotherCredentialTakesOverFromADeadLogin() async throws {
        var options = TestWorld.Options()
        options.simulatorKey = "sk-spare"
        try await TestWorld.run(options) { world in
            try world.storeLogin()
            try world.storeKey("sk-spare", as: "spare")
            try await world.withGateway { gateway in
                world.simulator.revokeTokens()
                for _ in 0..<6 { try await gateway.answers() }
                #expect(try await gateway.state(of: "qwen") == "dead")
                #expect(try await gateway.state(of: "spare") == "healthy")
                #expect(try await gateway.admin("/health/detailed").status == 200)
            }
        }
    }

    @Test func expiredLoginIsRenewedAtTheStartAndRequestsWaitForIt() async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin(expiresIn: -10)
            world.simulator.expireAccessTokens()
            world.simulator.update { $0.oauth.delay = 300 }
            try await world.withGateway { gateway in
                try await gateway.answers()
                #expect(world.simulator.oauthCounts.refreshes == 1)
            }
        }
    }

    /// Qwen answers some refreshes without what was there before.
    @Test(arguments: ["keep", "placeless", "bare"]) func whatARefreshLeavesOutStays(_ answer: String) async throws {
        try await TestWorld.run(Self.portal) { world in
            try world.storeLogin()
            let before = try #require(try world.storedLogin())
            try world.simulator.apply("oauth.refresh=\(answer)")
            try await world.withGateway { gateway in
                world.simulator.expireAccessTokens()
                try await gateway.answers()
                let after = try #require(try world.storedLogin())
                #expect(after.resourceURL == before.resourceURL)
                #expect((after.refreshToken == before.refreshToken) == (answer != "placeless"))
            }
        }
    }
}
