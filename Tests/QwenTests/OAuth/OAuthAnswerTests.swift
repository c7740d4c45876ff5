import NIOCore
import Testing

@testable import Qwen

@Suite struct OAuthAnswerTests {
    @Test func deviceAnswerIsRead() {
        let answer = OAuthAnswer.json(
            200,
            #"""
            {"device_code":"dc_2c9","user_code":"ABCD-EFGH","verification_uri":"https://chat.qwen.ai/authorize",
             "verification_uri_complete":"https://chat.qwen.ai/authorize?user_code=ABCD-EFGH&client=qwen-code",
             "expires_in":900,"interval":5,"new":{"member":[1]}}
            """#)
        #expect(
            answer.deviceAuthorization()
                == .granted(
                    DeviceAuthorization(
                        #"https://chat.qwen.ai/authorize?user_code=ABCD-EFGH&client=qwen-code"#, lifetime: 900_000,
                        interval: 5000)))
    }

    @Test func completeURIIsMadeWhereItIsAbsent() {
        let answer = OAuthAnswer.json(
            200,
            #"{"device_code":"dc_2c9","user_code":"ABCD-EFGH","verification_uri":"https://chat.qwen.ai/authorize"}"#)
        #expect(
            answer.deviceAuthorization()
                == .granted(
                    DeviceAuthorization(
                        "https://chat.qwen.ai/authorize?user_code=ABCD-EFGH",
                        lifetime: DeviceAuthorization.defaultLifetime, interval: nil)))
    }

    @Test(arguments: [
        #"{"user_code":"A","verification_uri":"https://chat.qwen.ai/authorize"}"#,
        #"{"device_code":"","user_code":"A","verification_uri":"https://chat.qwen.ai/authorize"}"#,
        #"{"device_code":"d","user_code":"A"}"#, #"{"device_code":"d","verification_uri":"http://chat.qwen.ai"}"#,
        #"{"device_code":"d","verification_uri":"https://chat.qwen.ai/\u001b[2J"}"#,
        #"{"device_code":"d e","verification_uri":"https://chat.qwen.ai/"}"#, "{}",
    ])
    func unusableDeviceAnswersGrantNothing(_ body: String) {
        #expect(OAuthAnswer.json(200, body).deviceAuthorization() == .nothing)
    }

    @Test(
        arguments: [
            (#""expires_in":21600"#, 21_600_000), (#""expires_in":1"#, 1000), (#""expires_in":1.5"#, 1500),
            (#""expires_in":"21600""#, 21_600_000), (#""expires_in":null"#, TokenGrant.defaultLifetime),
            (#""expires_in":0"#, TokenGrant.defaultLifetime), (#""expires_in":-5"#, TokenGrant.defaultLifetime),
            (#""expires_in":"soon""#, TokenGrant.defaultLifetime), (#""expires_in":[1]"#, TokenGrant.defaultLifetime),
            (#""x":1"#, TokenGrant.defaultLifetime), (#""expires_in":1e300"#, 366 * 24 * 3_600_000),
            (#""expires_in":99999999999999999999999"#, 366 * 24 * 3_600_000),
        ] as [(String, Int64)])
    func lifetimeOfATokenIsReadOrSupposed(_ member: String, _ lifetime: Int64) {
        let answer = OAuthAnswer.json(200, #"{"access_token":"at","token_type":"Bearer",\#(member)}"#)
        #expect(
            answer.tokenGrant()
                == .granted(
                    TokenGrant(accessToken: "at", refreshToken: nil, resourceURL: nil, lifetime: lifetime)))
    }

    @Test(arguments: [
        #"{"access_token":null,"status":"pending"}"#, #"{"access_token":""}"#, #"{"access_token":7}"#, "{}",
        #"{"access_token":"a b"}"#, #"{"access_token":"a\r\nx: y"}"#, #"{"access_token":"é"}"#,
        #"{"access_token":"at","token_type":"mac"}"#, #"{"error":null}"#, #"{"error":""}"#,
    ])
    func answersWithoutAUsableTokenGrantNothing(_ body: String) {
        #expect(OAuthAnswer.json(200, body).tokenGrant() == .nothing)
    }

    @Test func tokenTypeMayBeAbsentOrOfAnyCase() {
        for type in ["", #","token_type":"bearer""#, #","token_type":"BEARER""#, #","token_type":null"#] {
            let content = OAuthAnswer.json(200, #"{"access_token":"at"\#(type)}"#).tokenGrant()
            guard case .granted = content else {
                Issue.record("\(type) grants nothing")
                continue
            }
        }
    }

    @Test func tokenWithAnErrorStatusIsNone() {
        #expect(OAuthAnswer.json(400, #"{"access_token":"at"}"#).tokenGrant() == .nothing)
        #expect(
            OAuthAnswer.json(200, #"{"access_token":"at","error":"invalid_grant"}"#).tokenGrant()
                == .refused(OAuthServerError(code: "invalid_grant", description: nil)))
    }

    @Test(arguments: [
        (#"{"error":"invalid_request","error_description":"Invalid refresh token or client_id"}"#, "invalid_request"),
        (#"{"error":{"code":"invalid_api_key","message":"Invalid refresh token or client_id"}}"#, "invalid_api_key"),
        (#"{"error":{"type":"server_error","message":"Invalid refresh token or client_id"}}"#, "server_error"),
        (#"{"code":"Not Found","message":"Invalid refresh token or client_id","request_id":"1"}"#, "Not Found"),
    ])
    func everyFormOfAnErrorIsRead(_ body: String, _ code: String) {
        let error = OAuthServerError(code: code, description: "Invalid refresh token or client_id")
        #expect(OAuthAnswer.json(400, body).tokenGrant() == .refused(error))
    }

    @Test func bodiesThatAreNoObjectAreTold() {
        #expect(OAuthAnswer.empty(200).tokenGrant() == .unreadable(.empty))
        #expect(OAuthAnswer.json(200, " \r\n").tokenGrant() == .unreadable(.empty))
        #expect(OAuthAnswer.html(200).tokenGrant() == .unreadable(.html))
        #expect(OAuthAnswer.html(403).deviceAuthorization() == .unreadable(.html))
        let page = OAuthAnswer(status: 200, contentType: "Text/HTML", body: ByteBuffer(string: "Please wait…"))
        #expect(page.tokenGrant() == .unreadable(.html))
        for body in ["[]", "\"at\"", "null", "stream timeout", #"{"access_token":"at""#, #"{"a":1,"a":2}"#] {
            #expect(OAuthAnswer.json(200, body).tokenGrant() == .unreadable(.other), "\(body)")
        }
        let long = #"{"access_token":"\#(String(repeating: "a", count: OAuthAnswer.longestBody))"}"#
        #expect(OAuthAnswer.json(200, long).tokenGrant() == .unreadable(.other))
        let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        #expect(OAuthAnswer.json(200, #"{"access_token":"at","x":\#(deep)}"#).tokenGrant() == .unreadable(.other))
    }

    @Test func refreshKeepsWhatTheAnswerLeavesOut() {
        let old = OAuthCredential.sample(expiry: 5)
        let grant = TokenGrant(accessToken: "new", refreshToken: nil, resourceURL: nil, lifetime: 1000)
        let kept = grant.credential(after: old, now: 100)
        #expect(kept.accessToken == "new")
        #expect(kept.refreshToken == old.refreshToken)
        #expect(kept.resourceURL == old.resourceURL)
        #expect(kept.expiry == 1100)
        let rotated = TokenGrant(accessToken: "new", refreshToken: "rt", resourceURL: "other.example", lifetime: 1000)
        #expect(rotated.credential(after: old, now: 100).refreshToken == "rt")
        #expect(rotated.credential(after: old, now: 100).resourceURL == "other.example")
    }

    @Test func secretsAreNotPrinted() {
        let answer = OAuthAnswer.token("canary", refresh: "canary")
        #expect(!"\(answer) \(String(reflecting: answer))".contains("canary"))
        guard case .granted(let grant) = answer.tokenGrant() else {
            Issue.record("nothing granted")
            return
        }
        #expect("\(grant)" == "[redacted]")
        #expect(!String(reflecting: OAuthContent.granted(grant)).contains("canary"))
    }

    @Test func wordsOfTheServerAreMadeFitToBeShown() {
        #expect(ServerText.clean("a\u{1B}[31mb  c\nd\u{202E}e", hiding: []) == "a[31mb c de")
        #expect(ServerText.clean("code dc_1, and dc_12.", hiding: ["dc_1"]) == "code [redacted] and [redacted]")
        #expect(ServerText.clean(String(repeating: "x", count: 33), hiding: []) == "[redacted]")
        let long = ServerText.clean(String(repeating: "word ", count: 100), hiding: [""])
        #expect(long.utf8.count <= 210)
        #expect(long.hasSuffix(" …"))
    }
}

extension DeviceAuthorization {
    fileprivate init(_ complete: String, lifetime: Int64, interval: Int64?) {
        self.init(
            deviceCode: "dc_2c9", userCode: "ABCD-EFGH", verificationURI: "https://chat.qwen.ai/authorize",
            verificationURIComplete: complete, lifetime: lifetime, interval: interval)
    }
}
