import Foundation
import HTTP
import NIOCore
import TLS
import Testing

@testable import Gateway

/// The console as a browser and a program meet it: who gets what, with which fields, and what the state tells.
@Suite(.timeLimit(.minutes(2))) struct ConsoleTests {
    private static let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"

    private func get(
        _ client: TestClient, _ path: String, _ fields: [(String, String)] = [], method: String = "GET"
    ) async throws -> TestResponse.State {
        try await client.start(method, path, fields: fields).finish()
    }

    private func bearer(_ key: String) -> [(String, String)] { [("authorization", "Bearer \(key)")] }

    @Test(arguments: [
        (browser, true), ("text/html", true), ("text/html;q=0.2, application/json;q=0.1", true), ("*/*", false),
        ("application/json", false), ("application/json, text/plain, */*", false),
        ("text/html, application/json", false),
        ("text/html;q=0.1, application/json", false), ("image/png", false), ("", false),
    ])
    func pageIsForWhoPrefersHTML(_ accept: String, _ isPage: Bool) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            let answer = try await get(client, "/", accept.isEmpty ? [] : [("accept", accept)])
            #expect(answer.head?.status == 200)
            #expect(answer.head?.fields["vary"] == "Accept")
            let text = String(buffer: answer.body)
            if isPage {
                #expect(answer.head?.fields["content-type"] == "text/html; charset=utf-8")
                #expect(text.hasPrefix("<!DOCTYPE html>"))
            } else {
                #expect(answer.head?.fields["content-type"] == "application/json")
                #expect(TestJSON.object(text)["name"] as? String == "qwen-gateway")
            }
            await client.close()
        }
    }

    @Test func filesComeWithTypePolicyAndTag() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http1)
            for file in ConsoleFile.allCases {
                let path = file == .page ? "/" : "/console/\(file.rawValue)"
                let accept = [("accept", "text/html")]
                let answer = try await get(client, path, accept)
                let fields = try #require(answer.head?.fields)
                #expect(answer.head?.status == 200, "\(path)")
                #expect(String(buffer: answer.body) == file.text.description)
                #expect(fields["content-type"] == file.contentType.description)
                for name: StaticString in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
                    #expect(fields.count(of: name) == 1)
                }
                #expect(fields["x-content-type-options"] == "nosniff")
                #expect(fields["referrer-policy"] == "no-referrer")
                #expect(fields["cache-control"] == "no-cache")
                let policy = fields["content-security-policy"] ?? ""
                for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]
                {
                    #expect(policy.contains(part))
                }
                #expect(!policy.contains("unsafe"))

                let tag = try #require(fields["etag"])
                for given in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                    let again = try await get(client, path, accept + [("if-none-match", given)])
                    #expect(again.head?.status == 304)
                    #expect(again.head?.fields["etag"] == tag)
                    #expect(again.head?.contentLength == nil)
                    #expect(again.body.readableBytes == 0)
                }
                #expect(try await get(client, path, accept + [("if-none-match", "\"x\"")]).head?.status == 200)
                let head = try await get(client, path, accept, method: "HEAD")
                #expect(head.head?.status == 200)
                #expect(head.body.readableBytes == 0)
                #expect(try await get(client, path, accept, method: "POST").head?.status == 405)
            }
            #expect(try await get(client, "/console/none.js").head?.status == 404)
            await client.close()
        }
    }

    @Test func stateOnThePublicAddressIsForAdministrators() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            #expect(try await get(client, "/console/state").head?.status == 401)
            let refused = try await get(client, "/console/state", bearer(GatewayFixture.clientKey))
            #expect(refused.head?.status == 403)
            #expect(!String(buffer: refused.body).contains("credentials"))
            let answer = try await get(client, "/console/state", bearer(GatewayFixture.adminKey))
            #expect(answer.head?.status == 200)
            #expect(answer.head?.fields["cache-control"] == "no-store")
            await client.close()
        }
    }

    @Test func adminAddressShowsItToThisMachineOnly() async throws {
        try await GatewayFixture.run { fixture in
            let port = try #require(fixture.gateway.adminPort)
            #expect(try await PlainAnswer.get("/console/state", port: port).status == 200)
            #expect(try await PlainAnswer.get("/console/console.js", port: port).status == 200)
            #expect(try await PlainAnswer.get("/console/state", port: port, host: "evil.example").status == 403)
            #expect(try await PlainAnswer.get("/", port: port, host: "evil.example").status == 403)
        }
    }

    /// Another site's page may lead to the console, and may have nothing else.
    @Test func otherSitesHaveNoBusinessWithTheState() async throws {
        try await GatewayFixture.run { fixture in
            let port = try #require(fixture.gateway.adminPort)
            let site = [("sec-fetch-site", "cross-site")]
            #expect(try await PlainAnswer.get("/console/state", port: port, fields: site).status == 403)
            #expect(try await PlainAnswer.get("/auth", port: port, fields: site).status == 403)
            let page = site + [("accept", "text/html")]
            let answer = try await PlainAnswer.get("/", port: port, fields: page)
            #expect(answer.status == 200)
            #expect(answer.body.contains("<!DOCTYPE html>"))
        }
    }

    /// An admin address that others reach opens the page, which asks for the key, and no more.
    @Test func adminAddressBeyondLoopbackAsksForAKey() async throws {
        var options = GatewayFixture.Options()
        options.environment = ["ADMIN_ADDRESS": "0.0.0.0:0"]
        try await GatewayFixture.run(options) { fixture in
            let port = try #require(fixture.gateway.adminPort)
            #expect(try await PlainAnswer.get("/", port: port, fields: [("accept", "text/html")]).status == 200)
            #expect(try await PlainAnswer.get("/console/console.css", port: port).status == 200)
            for path in ["/console/state", "/auth", "/metrics", "/health/detailed"] {
                #expect(try await PlainAnswer.get(path, port: port).status == 401)
                #expect(
                    try await PlainAnswer.get(path, port: port, fields: bearer(GatewayFixture.adminKey)).status < 500)
            }
        }
    }

    // MARK: The state

    private func state(_ fixture: GatewayFixture) async throws -> [String: Any] {
        try await PlainAnswer.get("/console/state", port: try #require(fixture.gateway.adminPort)).object
    }

    @Test func stateHasTheShapeThatThePageReads() async throws {
        try await GatewayFixture.run { fixture in
            let state = try await state(fixture)
            #expect(state["version"] as? String == GatewayVersion.current)
            #expect(state["status"] as? String == "ok")
            #expect(state["uptime_seconds"] is Int)
            #expect((state["login"] as? [String: Any])?["state"] as? String == "unavailable")
            let credentials = try #require(state["credentials"] as? [[String: Any]])
            #expect(credentials.map { $0["name"] as? String } == ["QWEN_API_KEY"])
            #expect(credentials.first?["state"] as? String == "healthy")
            let keys = try #require(state["keys"] as? [[String: Any]])
            #expect(keys.map { $0["admin"] as? Bool } == [false, false, true])
            let certificate = try #require((state["certificates"] as? [[String: Any]])?.first)
            #expect(certificate["names"] as? [String] == ["localhost", "127.0.0.1"])
            #expect(certificate["issuer"] as? String == "qwen-gateway test authority")
            let expiry = try #require(certificate["not_after_ms"] as? Int)
            #expect((80_000_000...87_000_000).contains(expiry - (state["time_ms"] as? Int ?? 0)))
            let history = try #require(state["history"] as? [String: Any])
            for name in ["requests", "errors", "tokens_in", "tokens_out", "first_byte_p50_ms", "first_byte_p95_ms"] {
                #expect(history[name] is [Any], "\(name)")
            }
            #expect(history["steps"] as? Int == TrafficHistory.capacity)
        }
    }

    @Test func liveRequestsAreToldAndTheConsolesOwnAreNot() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            let model = #"<img src=x onerror=\"alert(1)\">"#
            let response = try await client.chat(
                "chunks=1000 delay=50", streaming: true, members: #""model":"\#(model)","#)
            var found: [String: Any] = [:]
            let isFound = try await GatewayFixture.eventually {
                let requests = try await state(fixture)["requests"] as? [[String: Any]] ?? []
                #expect(requests.count <= 1)
                found = requests.first ?? [:]
                return found["state"] as? String == "answering"
            }
            #expect(isFound, "\(found)")
            #expect(found["method"] as? String == "POST")
            #expect(found["route"] as? String == "/v1/chat/completions")
            #expect(found["model"] as? String == #"<img src=x onerror="alert(1)">"#)
            #expect(found["protocol"] as? String == "HTTP/2")
            #expect(found["client"] as? String == "127.0.0.1")
            #expect(found["key"] as? String != nil)
            #expect(found["credential"] as? String == "QWEN_API_KEY")
            #expect(found["age_ms"] is Int)
            #expect((found["bytes_in"] as? Int ?? 0) > 50)
            try await response.cancel()
            let isGone = try await GatewayFixture.eventually {
                (try await state(fixture)["requests"] as? [Any])?.isEmpty == true
            }
            #expect(isGone)
            // A client that leaves is no failure.
            #expect((try await state(fixture)["errors"] as? [Any])?.isEmpty == true)
            await client.close()
        }
    }

    @Test func failuresAreToldWithoutBodiesOrSecrets() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            _ = try await client.chat("the body", streaming: false, key: "not-a-key-0123456789").finish()
            _ = try await get(client, "/wrong/\(GatewayFixture.clientKey)", [("x-request-id", GatewayFixture.adminKey)])
            _ = try await client.chat("error=quota", streaming: false).finish()
            let port = try #require(fixture.gateway.adminPort)
            let answer = try await PlainAnswer.get("/console/state", port: port)
            let errors = try #require(answer.object["errors"] as? [[String: Any]])
            #expect(errors.map { $0["code"] as? String } == ["insufficient_quota", "unknown_url", "invalid_api_key"])
            #expect(errors.map { $0["status"] as? Int } == [429, 404, 401])
            #expect(errors[0]["outcome"] as? String != "completed")
            #expect(errors[1]["route"] as? String == "/wrong/[redacted]")
            #expect(errors[2]["route"] as? String == "/v1/chat/completions")
            for secret in [
                "the body", "not-a-key", GatewayFixture.clientKey, GatewayFixture.otherClientKey,
                GatewayFixture.adminKey, GatewayFixture.qwenKey,
            ] {
                #expect(!answer.body.contains(secret))
            }
            await client.close()
        }
    }

    @Test func loginThatWaitsHasItsCodeAsAPicture() async throws {
        var options = TestWorld.Options()
        options.behaviour = "oauth.approval=manual oauth.interval=1"
        try await TestWorld.run(options) { world in
            try await world.withGateway { gateway in
                var state: [String: Any] = [:]
                let isWaiting = try await GatewayFixture.eventually {
                    state = try await gateway.admin("/console/state").object
                    return (state["login"] as? [String: Any])?["state"] as? String == "waiting"
                }
                #expect(isWaiting)
                #expect(state["status"] as? String == "unavailable")
                let rows = try #require(state["login_qr"] as? [String])
                #expect(rows.count >= 21)
                #expect(rows.allSatisfy { $0.count == rows.count && $0.allSatisfy { "01".contains($0) } })
                // The finders of three corners.
                #expect(rows[0].hasPrefix("11111110") && rows[0].hasSuffix("01111111"))
                #expect(rows[rows.count - 1].hasPrefix("1111111"))
            }
        }
    }
}
