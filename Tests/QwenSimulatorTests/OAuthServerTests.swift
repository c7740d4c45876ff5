import NIOCore
import Testing

@testable import QwenSimulator

/// The login without sockets: forms in, answers out, and the time in the test's hand.
@Suite struct OAuthServerTests {
    private static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    /// A login with its server, and the calls that a client makes.
    private struct Session {
        var server = OAuthServer()
        var behaviour: OAuthBehaviour
        var now = 1_000_000
        var deviceCode = ""
        var device = Answer(requestID: "")

        init(_ switches: String) throws {
            behaviour = try SimulatorBehaviour(switches).oauth
            begin()
        }

        mutating func begin() {
            let form = FormFields(
                "client_id=f0&scope=openid%20profile&code_challenge=\(challenge)&code_challenge_method=S256")
            device = server.authorize(form, behaviour, authority: "qwen.test:8", now: now, requestID: "id")
            deviceCode = value(device, "device_code") ?? ""
        }

        mutating func poll(verifier: String = OAuthServerTests.verifier) -> Answer {
            let form = FormFields(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=f0"
                    + "&device_code=\(deviceCode)&code_verifier=\(verifier)")
            return server.token(form, behaviour, authority: "qwen.test:8", now: now, requestID: "id")
        }

        mutating func refresh(_ token: String?) -> Answer {
            let form = FormFields("grant_type=refresh_token&refresh_token=\(token ?? "")&client_id=f0")
            return server.token(form, behaviour, authority: "qwen.test:8", now: now, requestID: "id")
        }

        /// What polls get until they get tokens.
        mutating func polls(_ count: Int) -> [String] {
            (0..<count).map { _ in
                let answer = poll()
                return "\(answer.status) \(value(answer, "error") ?? "tokens")"
            }
        }
    }

    private static func value(_ answer: Answer, _ path: String) -> String? {
        jsonValue(String(buffer: answer.body), path)
    }

    @Test func challengeFollowsTheVector() {
        #expect(OAuthServer.challenge(of: Self.verifier) == Self.challenge)
    }

    @Test func deviceAnswerHasItsFields() throws {
        let session = try Session("")
        let code = try #require(Self.value(session.device, "user_code"))
        #expect(session.device.status == 200)
        #expect(Self.value(session.device, "verification_uri") == "https://qwen.test:8/authorize")
        #expect(
            Self.value(session.device, "verification_uri_complete")
                == "https://qwen.test:8/authorize?user_code=\(code)&client=qwen-code")
        #expect(Self.value(session.device, "expires_in") == "900")
        #expect(Self.value(session.device, "interval") == nil)
        let other = try Session("oauth.interval=5 oauth.complete-uri=off oauth.device-expires=600")
        #expect(Self.value(other.device, "interval") == "5")
        #expect(Self.value(other.device, "verification_uri_complete") == nil)
        #expect(Self.value(other.device, "expires_in") == "600")
        #expect(other.deviceCode != session.deviceCode)
    }

    @Test(arguments: [("error", 200), ("refused", 400), ("html", 200), ("empty", 200)])
    func deviceEndpointFails(_ kind: String, _ status: Int) throws {
        let session = try Session("oauth.device=\(kind)")
        #expect(session.device.status == status)
        #expect(session.deviceCode.isEmpty)
        #expect((session.device.contentType == "application/json") == (kind == "error" || kind == "refused"))
    }

    @Test func missingChallengeIsRefused() throws {
        var server = OAuthServer()
        let answer = server.authorize(
            FormFields("client_id=f0&code_challenge=short&code_challenge_method=S256"), OAuthBehaviour(),
            authority: "a", now: 0, requestID: "id")
        #expect(answer.status == 400)
    }

    @Test func pollsArePendingThenGranted() throws {
        var session = try Session("oauth.pending=3")
        let pending = "400 authorization_pending"
        #expect(session.polls(5) == [pending, pending, pending, "200 tokens", "401 invalid_request"])
        #expect(session.server.counts.polls == 5)
        #expect(session.server.counts.granted == 1)
    }

    @Test(arguments: [429, 400]) func slowDownComesFirst(_ status: Int) throws {
        var session = try Session("oauth.slow-down=2 oauth.slow-down-status=\(status) oauth.pending=1")
        #expect(
            session.polls(4) == [
                "\(status) slow_down", "\(status) slow_down", "400 authorization_pending", "200 tokens",
            ])
    }

    @Test func deviceCodeExpires() throws {
        var session = try Session("oauth.device-expires=10 oauth.approval=manual")
        session.now += 9_999
        #expect(session.polls(1) == ["400 authorization_pending"])
        session.now += 1
        #expect(session.polls(1) == ["400 expired_token"])
    }

    @Test(arguments: [
        ("expired", "400 expired_token"), ("denied", "400 access_denied"), ("unauthorized", "401 invalid_request"),
        ("error", "200 server_error"), ("limited", "429 rate_limited"),
        ("unavailable", "503 temporarily_unavailable"),
    ])
    func pollFails(_ kind: String, _ answer: String) throws {
        var session = try Session("oauth.pending=1 oauth.poll=\(kind)")
        #expect(session.polls(2) == ["400 authorization_pending", answer])
    }

    @Test func pollGetsNullPageOrNothing() throws {
        var session = try Session("oauth.pending=0 oauth.poll=null")
        #expect(Self.value(session.poll(), "access_token") == "null")
        session.behaviour.poll = .html
        #expect(session.poll().contentType == "text/html; charset=utf-8")
        session.behaviour.poll = .empty
        let empty = session.poll()
        #expect(empty.status == 200)
        #expect(empty.body.readableBytes == 0)
        session.behaviour.poll = .normal
        #expect(Self.value(session.poll(), "token_type") == "Bearer")
    }

    @Test func wrongVerifierIsRefused() throws {
        var session = try Session("oauth.pending=0")
        let answer = session.poll(verifier: String(Self.verifier.dropLast()) + "x")
        #expect(answer.status == 400)
        #expect(Self.value(answer, "error") == "invalid_grant")
        #expect(session.poll().status == 200)
    }

    @Test func personDecides() throws {
        var session = try Session("oauth.approval=manual")
        #expect(session.polls(3).allSatisfy { $0 == "400 authorization_pending" })
        let code = Self.value(session.device, "user_code")
        #expect(session.server.openLogins(now: session.now) == [code])
        #expect(session.server.decide("XXXX-XXXX", approve: true) == 0)
        #expect(session.server.decide(code, approve: true) == 1)
        #expect(session.polls(1) == ["200 tokens"])
        session.begin()
        #expect(session.server.decide(nil, approve: false) == 1)
        #expect(session.polls(1) == ["400 access_denied"])
    }

    // MARK: Tokens

    private func tokens(_ session: inout Session) -> (access: String?, refresh: String?) {
        let answer = session.poll()
        return (Self.value(answer, "access_token"), Self.value(answer, "refresh_token"))
    }

    @Test func refreshRotatesAndTheOldTokenDies() throws {
        var session = try Session("oauth.pending=0")
        let first = tokens(&session)
        let answer = session.refresh(first.refresh)
        #expect(answer.status == 200)
        let second = Self.value(answer, "refresh_token")
        #expect(second != first.refresh)
        #expect(Self.value(answer, "access_token") != first.access)
        let reused = session.refresh(first.refresh)
        #expect(reused.status == 400)
        #expect(
            String(buffer: reused.body)
                == #"{"error":"invalid_request","error_description":"Invalid refresh token or client_id"}"#)
        #expect(session.refresh(second).status == 200)
        #expect(session.server.counts.refreshes == 2)
        #expect(session.server.counts.refreshesRefused == 1)
        #expect(session.server.counts.reused == 1)
    }

    @Test func refreshWithoutRotationKeepsTheToken() throws {
        var session = try Session("oauth.pending=0 oauth.rotate=off")
        let first = tokens(&session)
        for _ in 0..<3 { #expect(Self.value(session.refresh(first.refresh), "refresh_token") == first.refresh) }
    }

    @Test(arguments: [("keep", false, true), ("placeless", true, false), ("bare", false, false)])
    func refreshLeavesFieldsOut(_ kind: String, _ hasToken: Bool, _ hasPlace: Bool) throws {
        var session = try Session("oauth.pending=0 oauth.refresh=\(kind)")
        let first = tokens(&session)
        let answer = session.refresh(first.refresh)
        #expect((Self.value(answer, "refresh_token") != nil) == hasToken)
        #expect((Self.value(answer, "resource_url") != nil) == hasPlace)
        #expect(session.refresh(hasToken ? Self.value(answer, "refresh_token") : first.refresh).status == 200)
    }

    @Test(arguments: [
        ("invalid", 400, "invalid_request"), ("unauthorized", 401, "invalid_request"), ("error", 200, "server_error"),
        ("unavailable", 503, "temporarily_unavailable"), ("html", 200, nil), ("empty", 200, nil),
    ])
    func refreshFails(_ kind: String, _ status: Int, _ error: String?) throws {
        var session = try Session("oauth.pending=0 oauth.refresh=\(kind)")
        let first = tokens(&session)
        let answer = session.refresh(first.refresh)
        #expect(answer.status == status)
        #expect(Self.value(answer, "error") == error)
        #expect(Self.value(answer, "access_token") == nil)
        #expect(session.server.counts.refreshesRefused == 1)
    }

    @Test func accessTokenExpires() throws {
        var session = try Session("oauth.pending=0 oauth.expires-in=1")
        let answer = session.poll()
        #expect(Self.value(answer, "expires_in") == "1")
        let token = try #require(Self.value(answer, "access_token"))
        #expect(session.server.state(of: token, now: session.now + 999) == .live)
        #expect(session.server.state(of: token, now: session.now + 1000) == .expired)
        #expect(session.server.state(of: "qat-other", now: session.now) == .unknown)
    }

    @Test func expiryMayBeNull() throws {
        var session = try Session("oauth.pending=0 oauth.expires-in=null")
        let answer = session.poll()
        #expect(Self.value(answer, "expires_in") == "null")
        let token = try #require(Self.value(answer, "access_token"))
        #expect(session.server.state(of: token, now: session.now + 1000) == .live)
    }

    @Test(arguments: [
        ("host", "qwen.test:8"), ("scheme", "https://qwen.test:8"), ("path", "https://qwen.test:8/v1/"),
        ("absent", nil), ("portal.qwen.ai", "portal.qwen.ai"),
    ])
    func resourceURLHasItsForm(_ form: String, _ expected: String?) throws {
        var session = try Session("oauth.pending=0 oauth.resource-url=\(form)")
        #expect(Self.value(session.poll(), "resource_url") == expected)
    }

    @Test func tokensDieTogether() throws {
        var session = try Session("oauth.pending=0")
        let first = tokens(&session)
        session.server.expireAccessTokens()
        #expect(session.server.state(of: first.access ?? "", now: session.now) == .expired)
        #expect(session.refresh(first.refresh).status == 200)
        session.server.revoke()
        #expect(session.refresh(first.refresh).status == 400)
    }

    @Test func unknownGrantIsRefused() throws {
        var session = try Session("")
        let answer = session.server.token(
            FormFields("grant_type=password"), session.behaviour, authority: "a", now: 0, requestID: "id")
        #expect(Self.value(answer, "error") == "unsupported_grant_type")
    }

    @Test func formsAreDecoded() {
        let form = FormFields("a=x%20y+z&b=%C3%A9&c&=d&e=1%3D2&broken=%zz%4")
        #expect(form["a"] == "x y z")
        #expect(form["b"] == "é")
        #expect(form["c"] == "")
        #expect(form["e"] == "1=2")
        #expect(form["none"] == nil)
    }
}
