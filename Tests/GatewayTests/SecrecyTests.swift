import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway
@testable import Qwen

/// Canaries: no token, key or code is in any log, error or report, whatever goes wrong.
@Suite(.timeLimit(.minutes(2))) struct SecrecyTests {
    /// The values of a form's field in what the authorization server was sent.
    private func sent(_ name: String, to world: TestWorld) -> [String] {
        world.simulator.requests.flatMap { request in
            request.text.split(separator: "&").compactMap { pair in
                pair.hasPrefix("\(name)=") ? String(pair.dropFirst(name.utf8.count + 1)) : nil
            }
        }
    }

    @Test func nothingSecretIsEverShown() async throws {
        var options = TestWorld.Options()
        options.behaviour = "oauth.interval=1 oauth.pending=0 portal.auth=tokens"
        options.simulatorKey = "sk-canary-0123456789abcdef"
        try await TestWorld.run(options) { world in
            var shown: [String] = []
            var secrets = [
                GatewayFixture.clientKey, GatewayFixture.adminKey, TestWorld.secret, "sk-canary-0123456789abcdef",
                "wrong-key-0123456789abcdef",
            ]
            try await world.withGateway(["UPSTREAM_RETRY_BUDGET": "0"]) { gateway in
                func look() async throws {
                    shown.append(try await gateway.admin("/auth").body)
                    shown.append(try await gateway.admin("/health/detailed").body)
                }
                func ask(_ message: String, key: String = GatewayFixture.clientKey) async throws {
                    shown.append(String(buffer: try await gateway.ask(message, key: key).body))
                }
                func note() throws {
                    let login = try #require(try world.storedLogin())
                    secrets += [login.accessToken, try #require(login.refreshToken)]
                }
                try await look()
                #expect(try await GatewayFixture.eventually { try await gateway.state(of: "qwen") == "healthy" })
                try note()
                try await ask("hello", key: "wrong-key-0123456789abcdef")
                world.simulator.expireAccessTokens()
                for error in ["throttling", "html", "internal", "moderation"] {
                    try await ask("error=\(error)")
                    try await look()
                }
                try note()
                world.simulator.revokeTokens()
                for _ in 0..<2 { try await ask("hello") }
                try await look()
                try world.simulator.apply("portal.auth=any")
                try world.storeKey("sk-canary-0123456789abcdef", as: "canary")
                #expect(try await GatewayFixture.eventually { try await gateway.state(of: "canary") == "healthy" })
                for error in ["invalid-key", "quota"] {
                    try await ask("error=\(error)")
                    try await look()
                }
                shown.append(gateway.log.text)
            }
            secrets += sent("device_code", to: world) + sent("code_verifier", to: world)
            secrets += sent("refresh_token", to: world)
            #expect(Set(secrets).count >= 11)
            for secret in Set(secrets) {
                for text in shown where text.contains(secret) { Issue.record("\(secret) is shown: \(text)") }
            }
            #expect(shown.contains { $0.contains("user_code") })
        }
    }
}
