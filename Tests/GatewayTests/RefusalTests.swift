import HTTP
import NIOCore
import TLS
import Testing

@testable import Gateway

/// What the gateway refuses, in the shape that clients of OpenAI's API understand.
@Suite(.timeLimit(.minutes(1)), .serialized) struct RefusalTests {
    static let json = ("content-type", "application/json")
    static let key = ("authorization", "Bearer \(GatewayFixture.clientKey)")

    /// A request, and the status and code of its answer.
    struct Case: Sendable, CustomTestStringConvertible {
        var method = "POST"
        var path = "/v1/chat/completions"
        var body = #"{"messages":[{"role":"user","content":"hello"}]}"#
        var fields = [RefusalTests.json, RefusalTests.key]
        let status: Int
        let code: String
        /// nghttp2's client refuses to send as much.
        var isForHTTP1 = false
        var testDescription: String { "\(status) \(code) for \(method) \(path) \(body.prefix(40))" }
    }

    static let cases: [Case] = [
        Case(fields: [json], status: 401, code: "missing_api_key"),
        Case(fields: [json, ("authorization", "Bearer wrong")], status: 401, code: "invalid_api_key"),
        Case(
            fields: [json, ("authorization", "Basic \(GatewayFixture.clientKey)")], status: 401, code: "invalid_api_key"
        ),
        Case(fields: [json, ("x-api-key", "wrong")], status: 401, code: "invalid_api_key"),
        Case(method: "GET", path: "/v1/unknown", body: "", fields: [], status: 401, code: "missing_api_key"),
        Case(method: "GET", path: "/v1/unknown", body: "", fields: [key], status: 404, code: "unknown_url"),
        Case(method: "GET", path: "/unknown", body: "", fields: [], status: 404, code: "unknown_url"),
        Case(method: "GET", body: "", fields: [key], status: 405, code: "method_not_allowed"),
        Case(path: "/health", status: 405, code: "method_not_allowed"),
        Case(fields: [key, ("content-type", "text/plain")], status: 415, code: "unsupported_media_type"),
        Case(body: "{", status: 400, code: "invalid_request"),
        Case(body: "[]", status: 400, code: "invalid_request"),
        Case(body: #"{"messages":[]}"#, status: 400, code: "invalid_request"),
        Case(body: #"{"messages":[{"role":"user"}],"stream":"yes"}"#, status: 400, code: "invalid_request"),
        Case(body: #"{"messages":[{"role":"user"}],"mess\u0061ges":[]}"#, status: 400, code: "invalid_request"),
        Case(body: String(repeating: " ", count: 2000), status: 413, code: "request_too_large"),
        Case(
            fields: [key, json, ("x-long", String(repeating: "a", count: 65_500))], status: 431,
            code: "request_header_fields_too_large", isForHTTP1: true),
        Case(
            fields: [key, json] + (0..<120).map { ("x-\($0)", "a") }, status: 431,
            code: "request_header_fields_too_large"),
        Case(body: #"{"messages":[{"role":"user","content":"status=429"}]}"#, status: 429, code: "rate_limit_exceeded"),
        Case(body: #"{"messages":[{"role":"user","content":"status=404"}]}"#, status: 404, code: "model_not_found"),
        Case(body: #"{"messages":[{"role":"user","content":"status=500"}]}"#, status: 502, code: "upstream_error"),
        Case(
            body: #"{"messages":[{"role":"user","content":"status=503"}]}"#, status: 503, code: "upstream_unavailable"),
        // The last one: the only credential rests from then on.
        Case(body: #"{"messages":[{"role":"user","content":"status=401"}]}"#, status: 502, code: "upstream_auth_error"),
    ]

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func everyRefusalIsAnErrorObject(_ applicationProtocol: ApplicationProtocol) async throws {
        var options = GatewayFixture.Options()
        options.environment["MAX_BODY_BYTES"] = "1500"
        options.environment["UPSTREAM_RETRY_BUDGET"] = "0"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(applicationProtocol)
            for row in Self.cases where !row.isForHTTP1 || applicationProtocol == .http1 {
                let response = try await client.start(row.method, row.path, body: row.body, fields: row.fields).finish()
                let text = String(buffer: response.body)
                #expect(response.head?.status == row.status, "\(row.testDescription): \(text)")
                #expect(text.hasPrefix(#"{"error":{"message":""#), "\(row.testDescription): \(text)")
                #expect(text.hasSuffix(#""code":"\#(row.code)"}}"#), "\(row.testDescription): \(text)")
                #expect(response.head?.fields["x-request-id"]?.isEmpty == false)
                if row.status == 405 { #expect(response.head?.fields["allow"] != nil) }
            }
            await client.close()
        }
    }

    @Test func statusPagesNeedNoKey() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            for path in ["/", "/health", "/health/", "/health?probe=1"] {
                let response = try await client.start("GET", path).finish()
                #expect(response.head?.status == 200, "\(path)")
            }
            let head = try await client.start("HEAD", "/health").finish()
            #expect(head.head?.status == 200)
            #expect(head.body.readableBytes == 0)
            await client.close()
        }
    }

    @Test func requestIdentifierIsTakenOverWhenSane() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http1)
            let own = try await client.start("GET", "/health", fields: [("x-request-id", "abc-123")]).finish()
            #expect(own.head?.fields["x-request-id"] == "abc-123")
            let odd = try await client.start("GET", "/health", fields: [("x-request-id", "a b\"c")]).finish()
            #expect(odd.head?.fields["x-request-id"]?.hasPrefix("req_") == true)
            await client.close()
        }
    }

    @Test func anonymousAccessMustBeAskedFor() async throws {
        var options = GatewayFixture.Options()
        options.environment = ["GATEWAY_API_KEYS": "", "ALLOW_ANONYMOUS": "true"]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            let response = try await client.start(
                "POST", "/v1/chat/completions", body: #"{"messages":[{"role":"user","content":"hi"}]}"#,
                fields: [Self.json]
            ).finish()
            #expect(response.head?.status == 200)
            await client.close()
        }
    }

    @Test func noSecretReachesTheLog() async throws {
        var options = GatewayFixture.Options()
        options.environment["UPSTREAM_RETRY_BUDGET"] = "0"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            _ = try await client.chat("chunks=3", streaming: true).finish()
            _ = try await client.chat("status=500", streaming: false).finish()
            _ = try await client.chat("fail=cut@1 chunks=4 delay=1", streaming: true).finish()
            let seen = await GatewayFixture.eventually {
                fixture.log.lines.count { $0.contains(#""msg":"access""#) } == 3
            }
            #expect(seen)
            #expect(!fixture.log.text.contains(GatewayFixture.clientKey))
            #expect(!fixture.log.text.contains(GatewayFixture.qwenKey))
            #expect(fixture.log.text.contains(#""outcome":"upstream_truncated""#))
            await client.close()
        }
    }
}
