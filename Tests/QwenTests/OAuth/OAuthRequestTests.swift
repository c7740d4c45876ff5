import HTTP
import Testing

@testable import Qwen

@Suite struct OAuthRequestTests {
    private func names(_ fields: HeaderFields) -> [String] { (0..<fields.count).map { fields.name(at: $0) } }

    /// RFC 7636 appendix B.
    @Test func challengeIsThatOfTheRFC() throws {
        let random: [UInt8] = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ]
        let pkce = try PKCE(random: random)
        #expect(pkce.verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        #expect(pkce.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        #expect("\(pkce)" == "[redacted]")
    }

    @Test(arguments: [([], ""), ([0xFB], "-w"), ([0xFF, 0xFF], "__8"), ([0, 1, 2], "AAEC")] as [([UInt8], String)])
    func base64URL(_ bytes: [UInt8], _ text: String) {
        #expect(Base64URL.encode(bytes) == text)
    }

    @Test func uuidHasVersionAndVariant() {
        #expect(UUIDv4.text(random: Array(repeating: 0xFF, count: 16)) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(UUIDv4.text(random: Array(0..<16)) == "00010203-0405-4607-8809-0a0b0c0d0e0f")
    }

    @Test(arguments: [
        ("a b", "a%20b"), ("a+b&c=d/e", "a%2Bb%26c%3Dd%2Fe"), ("-_.!~*'()", "-_.!~*'()"), ("ü€", "%C3%BC%E2%82%AC"),
        ("\r\n%", "%0D%0A%25"),
    ])
    func formValuesAreEncodedAsURIComponents(_ text: String, _ encoded: String) {
        #expect(FormEncoding.encodeComponent(text) == encoded)
    }

    @Test func deviceRequestIsQwens() throws {
        let request = try OAuthRequests.sample().deviceAuthorization(challenge: "CH", requestID: "ID")
        #expect(request.url.description == "https://chat.qwen.ai/api/v1/oauth2/device/code")
        #expect(
            request.bodyText
                == "client_id=f0304373b74a44d2b584a3fb70ca9e56&scope=openid%20profile%20email%20model.completion"
                + "&code_challenge=CH&code_challenge_method=S256")
        #expect(names(request.fields) == ["content-type", "accept", "user-agent", "x-request-id"])
        #expect(request.fields["content-type"] == "application/x-www-form-urlencoded")
        #expect(request.fields["accept"] == "application/json")
        #expect(request.fields["user-agent"] == "qwen-gateway/1.2.3")
        #expect(request.fields["x-request-id"] == "ID")
        #expect(request.head.method == "POST")
        #expect(request.head.authority == "chat.qwen.ai")
        #expect(request.head.path == "/api/v1/oauth2/device/code")
    }

    @Test func pollAndRefreshCarryNoRequestID() throws {
        let requests = try OAuthRequests.sample()
        let poll = requests.deviceToken(deviceCode: "dc_1", verifier: "v")
        #expect(
            poll.bodyText
                == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
                + "&client_id=f0304373b74a44d2b584a3fb70ca9e56&device_code=dc_1&code_verifier=v")
        let refresh = requests.refresh("rt/1+2")
        #expect(
            refresh.bodyText
                == "grant_type=refresh_token&refresh_token=rt%2F1%2B2&client_id=f0304373b74a44d2b584a3fb70ca9e56")
        for request in [poll, refresh] {
            #expect(request.url.description == "https://chat.qwen.ai/api/v1/oauth2/token")
            #expect(names(request.fields) == ["content-type", "accept", "user-agent"])
        }
    }

    @Test func requestsDoNotPrintTheirSecrets() throws {
        let request = try OAuthRequests.sample().refresh("canary")
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!"\(request) \(String(reflecting: request)) \(dumped)".contains("canary"))
        #expect("\(request)" == "token refresh request to https://chat.qwen.ai/api/v1/oauth2/token")
    }

    @Test func endpointsCanBeReplaced() throws {
        let endpoints = try OAuthEndpoints(
            baseURL: "https://localhost:8443/auth/", clientID: "me", scope: "a b",
            deviceAuthorizationURL: "https://127.0.0.1:9/start")
        #expect(endpoints.token.description == "https://localhost:8443/auth/api/v1/oauth2/token")
        #expect(endpoints.deviceAuthorization.description == "https://127.0.0.1:9/start")
        #expect(endpoints.clientID == "me")
        #expect(endpoints.scope == "a b")
        #expect(
            try OAuthEndpoints(baseURL: "https://localhost", clientID: "").deviceAuthorization.description
                == "https://localhost/api/v1/oauth2/device/code")
        #expect(try OAuthEndpoints(baseURL: "", scope: "") == OAuthEndpoints())
    }

    @Test func faultsNameTheirVariable() {
        let plain = #expect(throws: OAuthEndpoints.Fault.self) { try OAuthEndpoints(baseURL: "http://chat.qwen.ai") }
        #expect(plain?.variable == "QWEN_OAUTH_BASE_URL")
        #expect(plain?.description.contains("only https") == true)
        let device = #expect(throws: OAuthEndpoints.Fault.self) { try OAuthEndpoints(deviceAuthorizationURL: "x") }
        #expect(device?.variable == "QWEN_OAUTH_DEVICE_AUTH_URL")
        let client = #expect(throws: OAuthEndpoints.Fault.self) { try OAuthEndpoints(clientID: "a\nb") }
        #expect(client?.variable == "QWEN_OAUTH_CLIENT_ID")
        let scope = #expect(throws: OAuthEndpoints.Fault.self) { try OAuthEndpoints(scope: "é") }
        #expect(scope?.variable == "QWEN_OAUTH_SCOPE")
    }
}

@Suite struct PortalBaseURLTests {
    @Test(arguments: [
        ("portal.qwen.ai", "https://portal.qwen.ai/v1"), ("https://portal.qwen.ai", "https://portal.qwen.ai/v1"),
        ("https://portal.qwen.ai/", "https://portal.qwen.ai/v1"),
        ("https://portal.qwen.ai/v1", "https://portal.qwen.ai/v1"),
        ("https://portal.qwen.ai/v1/", "https://portal.qwen.ai/v1"),
        ("HTTPS://Portal.Qwen.AI", "https://portal.qwen.ai/v1"),
        ("portal.qwen.ai:443", "https://portal.qwen.ai/v1"), ("localhost:8443", "https://localhost:8443/v1"),
        ("127.0.0.1:8443/v1", "https://127.0.0.1:8443/v1"), ("[::1]:8443", "https://[::1]:8443/v1"),
        ("dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("dashscope.aliyuncs.com/compatible-mode", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("https://qwen_proxy:31010/a%20b/!$&'()*+,;=:/v1", "https://qwen_proxy:31010/a%20b/!$&'()*+,;=:/v1"),
    ])
    func resourceURLBecomesABaseURL(_ text: String, _ base: String) throws {
        #expect(try PortalBaseURL.read(text).description == base)
        #expect(PortalBaseURL.resolve(text).description == base)
    }

    /// Nothing of these may send a token anywhere but to the portal.
    @Test(arguments: [
        "http://portal.qwen.ai", "ftp://portal.qwen.ai", "portal.qwen.ai@evil.example", "https://a:b@evil.example",
        "portal.qwen.ai:0", "portal.qwen.ai:65536", "portal.qwen.ai:+1", "portal.qwen.ai:",
        "portal.qwen.ai:99999999999999999999",
        "portal.qwen.ai/../x", "portal.qwen.ai/a//b", "portal.qwen.ai/%2e%2e", "portal.qwen.ai/a%2Fb",
        "portal.qwen.ai/%", "portal.qwen.ai/%zz",
        "portal.qwen.ai/./v1",
        "portal.qwen.ai?x=1",
        "portal.qwen.ai#x", "portal.qwen.ai\\evil", "portal qwen.ai", "portal.qwen.ai\r\nx: y", "pörtal.example",
        "https://",
        "/v1", "://", "https:portal.qwen.ai", "-a.example", "a..b", "1.2.3", "1.2.3.4.5", "999.1.1.1", "[::1", "[x]",
        "[]",
        "::1", "", String(repeating: "a.", count: 2000) + "example",
    ])
    func strangeOnesAreRefused(_ text: String) {
        #expect(throws: HTTPSURL.Fault.self) { try PortalBaseURL.read(text) }
        #expect(PortalBaseURL.resolve(text).description == "https://portal.qwen.ai/v1")
    }

    @Test func withoutOneItIsThePortal() {
        #expect(PortalBaseURL.resolve(nil).description == PortalBaseURL.fallback)
        #expect(PortalBaseURL.resolve(nil).authority == "portal.qwen.ai")
        #expect(PortalBaseURL.resolve(nil).path == "/v1")
        #expect(PortalBaseURL.resolve("[::1]:8443").authority == "[::1]:8443")
        #expect(PortalBaseURL.resolve("[::1]:8443").host == "::1")
    }
}
