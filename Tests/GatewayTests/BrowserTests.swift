import HTTP
import NIOCore
import TLS
import Testing

@testable import Gateway

/// What browsers are told, and requests for other hosts, over real connections.
@Suite struct BrowserTests {
    private static let origin = "https://app.example"

    private func run(_ environment: [String: String], _ body: (TestClient) async throws -> Void) async throws {
        try await GatewayFixture.run(.init(environment: environment)) { fixture in
            for protocolName in [ApplicationProtocol.http2, .http1] {
                let client = try await fixture.client(protocolName)
                do {
                    try await body(client)
                } catch {
                    await client.close()
                    throw error
                }
                await client.close()
            }
        }
    }

    @Test func everyAnswerTellsBrowsersToBeCareful() async throws {
        try await run([:]) { client in
            for (path, status) in [("/health", 200), ("/nothing", 404), ("/v1/models", 401)] {
                let answer = try await client.start("GET", path).finish()
                #expect(answer.head?.status == status)
                let fields = answer.head?.fields ?? HeaderFields()
                #expect(fields["x-content-type-options"] == "nosniff")
                #expect(fields["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
                // The client came by an address.
                #expect(fields["strict-transport-security"] == nil)
                #expect(fields["access-control-allow-origin"] == nil)
                #expect(fields["vary"] == nil)
            }
            let stream = try await client.chat("hello", streaming: true).finish()
            #expect(stream.head?.fields.count(of: "x-content-type-options") == 1)
        }
    }

    @Test func pagesOfAllowedOriginsMayCall() async throws {
        try await run(["CORS_ALLOW_ORIGINS": Self.origin]) { client in
            let asked = [
                ("origin", Self.origin), ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ]
            let question = try await client.start("OPTIONS", "/v1/chat/completions", fields: asked).finish()
            #expect(question.head?.status == 204)
            #expect(question.head?.fields["access-control-allow-origin"] == Self.origin)
            #expect(question.head?.fields["access-control-allow-headers"] == "authorization, content-type")
            #expect(question.body.readableBytes == 0)
            // The error too: a page has to be able to read it.
            for (key, status) in [(GatewayFixture.clientKey, 200), ("wrong-key-0123456789", 401)] {
                let answer = try await client.start(
                    "GET", "/v1/models", fields: [("origin", Self.origin), ("authorization", "Bearer \(key)")]
                ).finish()
                #expect(answer.head?.status == status)
                #expect(answer.head?.fields["access-control-allow-origin"] == Self.origin)
            }
        }
    }

    @Test func pagesOfOtherOriginsMayNot() async throws {
        try await run(["CORS_ALLOW_ORIGINS": Self.origin]) { client in
            for origin in ["https://evil.example", "null"] {
                let fields = [("origin", origin), ("access-control-request-method", "POST")]
                let question = try await client.start("OPTIONS", "/v1/models", fields: fields).finish()
                #expect(question.head?.status == 403)
                #expect(question.head?.fields["access-control-allow-origin"] == nil)
                #expect(question.head?.fields["vary"] == "origin")
            }
        }
    }

    @Test func withoutTheVariableThereIsNoCORS() async throws {
        try await run([:]) { client in
            let fields = [("origin", Self.origin), ("access-control-request-method", "POST")]
            let question = try await client.start("OPTIONS", "/health", fields: fields).finish()
            #expect(question.head?.status == 405)
            #expect(question.head?.fields["access-control-allow-origin"] == nil)
        }
    }

    @Test(arguments: ["misdirected", "reject"])
    func requestsForOtherHostsAreMisdirected(policy: String) async throws {
        try await run(["TLS_UNKNOWN_HOST": policy]) { client in
            for (authority, path, status) in [
                ("other.test", "/", 421), ("other.test:443", "/v1/models", 421), ("192.0.2.1", "/", 421),
                ("other.test", "/health", 200), ("localhost", "/", 200), ("127.0.0.1:9", "/", 200),
            ] {
                let answer = try await client.start("GET", path, authority: authority).finish()
                #expect(answer.head?.status == status, "\(authority)\(path)")
            }
        }
    }

    @Test func anyHostWillDoByDefault() async throws {
        try await run([:]) { client in
            let answer = try await client.start("GET", "/", authority: "other.test").finish()
            #expect(answer.head?.status == 200)
        }
    }
}
