import HTTP
import TLS
import Testing

@testable import QwenSimulator

/// The login over TLS, and what its tokens are good for.
@Suite(.timeLimit(.minutes(2))) struct LoginTests {
    private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private static let devicePath = "/api/v1/oauth2/device/code"
    private static let tokenPath = "/api/v1/oauth2/token"
    private static let deviceForm =
        "client_id=f0&scope=openid%20profile&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        + "&code_challenge_method=S256"

    private func pollForm(_ deviceCode: String) -> String {
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=f0&device_code=\(deviceCode)"
            + "&code_verifier=\(Self.verifier)"
    }

    private func refreshForm(_ token: String) -> String {
        "grant_type=refresh_token&refresh_token=\(token)&client_id=f0"
    }

    @Test func loginGivesTokensThatThePortalTakes() async throws {
        try await SimulatorFixture.run("oauth.pending=1") { fixture in
            let device = try await fixture.post(Self.devicePath, Self.deviceForm)
            let form = pollForm(try #require(device.value("device_code")))
            #expect(try await fixture.post(Self.tokenPath, form).value("error") == "authorization_pending")
            let tokens = try await fixture.post(Self.tokenPath, form)
            #expect(tokens.status == 200)
            #expect(tokens.value("resource_url")?.hasPrefix("127.0.0.1:") == true)
            let access = try #require(tokens.value("access_token"))
            let path = "/v1/chat/completions"
            let answer = try await fixture.chat(
                "chunks=2", model: "coder-model", stream: false, key: access, path: path)
            #expect(answer.status == 200)

            fixture.simulator.expireAccessTokens()
            let refused = try await fixture.chat("hi", model: "coder-model", key: access, path: path)
            #expect(refused.status == 401)
            let id = try #require(refused.fields["x-request-id"])
            #expect(
                refused.text
                    == #"{"error":{"message":"invalid access token or token expired","type":"invalid_request_error","#
                    + #""param":null,"code":"invalid_api_key"},"request_id":"\#(id)"}"#)

            let refresh = try #require(tokens.value("refresh_token"))
            let renewed = try await fixture.post(Self.tokenPath, refreshForm(refresh))
            let second = try #require(renewed.value("access_token"))
            #expect(try await fixture.chat("hi", model: "coder-model", key: second, path: path).status == 200)
            #expect(try await fixture.post(Self.tokenPath, refreshForm(refresh)).status == 400)
            #expect(fixture.simulator.oauthCounts.refreshes == 1)
            #expect(fixture.simulator.oauthCounts.reused == 1)
        }
    }

    @Test(arguments: ["200", "403", "405"]) func requestWithoutUserAgentGetsAPage(_ status: String) async throws {
        try await SimulatorFixture.run("oauth.user-agent=\(status)") { fixture in
            for path in [Self.devicePath, Self.tokenPath] {
                let page = try await fixture.post(path, Self.deviceForm, agent: nil)
                #expect(page.status == Int(status))
                #expect(page.fields["content-type"] == "text/html; charset=utf-8")
                #expect(page.text.hasPrefix("<!DOCTYPE html>"))
            }
            #expect(try await fixture.post(Self.devicePath, Self.deviceForm).status == 200)
        }
    }

    @Test func requestWithoutUserAgentMayBeAnswered() async throws {
        try await SimulatorFixture.run("oauth.user-agent=any") { (fixture) async throws in
            #expect(try await fixture.post(Self.devicePath, Self.deviceForm, agent: nil).value("device_code") != nil)
        }
    }

    @Test func personApprovesOnThePage() async throws {
        try await SimulatorFixture.run("oauth.approval=manual", over: .http1) { fixture in
            let device = try await fixture.post(Self.devicePath, Self.deviceForm)
            let form = pollForm(try #require(device.value("device_code")))
            let code = try #require(device.value("user_code"))
            let target = "/authorize?user_code=\(code)&client=qwen-code"
            #expect(device.value("verification_uri_complete")?.hasSuffix(target) == true)
            let page = try await fixture.client.send("GET", target)
            #expect(page.text.contains("formaction=\"/simulator/approve?user_code=\(code)\""))
            #expect(try await fixture.client.send("GET", "/authorize?user_code=%3Cb%3E").text.contains("<b>") == false)
            let decided = try await fixture.client.send(
                "POST", "/simulator/approve?user_code=\(code)", fields: [("accept", "text/html")])
            #expect(decided.text.contains("Approved."))
            #expect(try await fixture.post(Self.tokenPath, form).status == 200)

            _ = try await fixture.post(Self.devicePath, Self.deviceForm)
            #expect(try await fixture.client.send("POST", "/simulator/deny").text == #"{"decided":1}"#)
        }
    }

    @Test func tokenEndpointTakesItsTime() async throws {
        try await SimulatorFixture.run("oauth.delay=300") { (fixture) async throws in
            let (_, refresh) = fixture.simulator.issueTokens()
            let begun = ContinuousClock.now
            #expect(try await fixture.post(Self.tokenPath, refreshForm(refresh)).status == 200)
            #expect(ContinuousClock.now - begun >= .milliseconds(290))
        }
    }

    @Test func tokensOfOneSecondExpire() async throws {
        try await SimulatorFixture.run("oauth.expires-in=0") { fixture in
            let (access, _) = fixture.simulator.issueTokens()
            let answer = try await fixture.chat("hi", model: "coder-model", key: access, path: "/v1/chat/completions")
            #expect(answer.status == 401)
        }
    }

    @Test func tokensDifferFromProcessToProcess() async throws {
        let first = try await SimulatorFixture.tokens()
        let second = try await SimulatorFixture.tokens()
        #expect(first.access != second.access)
        #expect(first.refresh != second.refresh)
    }
}

extension SimulatorFixture {
    fileprivate static func tokens() async throws -> (access: String, refresh: String) {
        var tokens = (access: "", refresh: "")
        try await run { tokens = $0.simulator.issueTokens() }
        return tokens
    }
}
