import HTTP
import NIOCore
import TLS

@testable import Qwen

/// An authorization server as Qwen's is described: PKCE, polling, refresh tokens that are good for once.
actor FakeAuthorizationServer: OAuthTransport {
    private struct Code {
        var challenge: String
        var isConfirmed = false
        var isDenied = false
    }

    private var codes: [String: Code] = [:]
    private var issued = 0
    private var atOnce = 0

    /// The refresh token that is good now.
    private(set) var refreshToken: String?
    private(set) var accessToken: String?
    private(set) var refreshes = 0
    /// Refreshes with a token that had been used: each would be the end of a login.
    private(set) var staleRefreshes = 0
    private(set) var mostAtOnce = 0
    /// Seconds that access tokens live.
    var lifetime = 3600

    func setLifetime(_ seconds: Int) { lifetime = seconds }

    /// The user confirms all codes that are open.
    func confirm() { for code in codes.keys { codes[code]?.isConfirmed = true } }
    func deny() { for code in codes.keys { codes[code]?.isDenied = true } }
    /// Somebody put another challenge in place of the login's.
    func tamper() { for code in codes.keys { codes[code]?.challenge = "another" } }

    /// Gives tokens without a login.
    func issue() -> OAuthAnswer {
        issued += 1
        accessToken = "at-\(issued)"
        refreshToken = "rt-\(issued)"
        return .json(
            200,
            #"""
            {"access_token":"at-\#(issued)","refresh_token":"rt-\#(issued)","token_type":"Bearer",
             "expires_in":\#(lifetime),"resource_url":"portal.qwen.ai","status":"success"}
            """#)
    }

    func send(_ request: OAuthRequest) async throws(OAuthTransportError) -> OAuthAnswer {
        atOnce += 1
        mostAtOnce = max(mostAtOnce, atOnce)
        for _ in 0..<3 { await Task.yield() }
        atOnce -= 1
        guard request.fields["user-agent"]?.isEmpty == false else { return .html(200) }
        return switch request.url.path {
        case "/api/v1/oauth2/device/code": begin(request.form)
        case "/api/v1/oauth2/token" where request.form["grant_type"] == "refresh_token": refresh(request.form)
        case "/api/v1/oauth2/token": poll(request.form)
        default: .empty(404)
        }
    }

    private func begin(_ form: [String: String]) -> OAuthAnswer {
        guard form["code_challenge_method"] == "S256", let challenge = form["code_challenge"] else {
            return .json(400, #"{"error":"invalid_request"}"#)
        }
        let code = "dc-canary-\(codes.count)"
        codes[code] = Code(challenge: challenge)
        return .json(
            200,
            #"""
            {"device_code":"\#(code)","user_code":"ABCD-EFGH","verification_uri":"https://chat.qwen.ai/authorize",
             "verification_uri_complete":"https://chat.qwen.ai/authorize?user_code=ABCD-EFGH","expires_in":60}
            """#)
    }

    private func poll(_ form: [String: String]) -> OAuthAnswer {
        guard let code = form["device_code"].flatMap({ codes[$0] }), let verifier = form["code_verifier"] else {
            return .empty(401)
        }
        guard let digest = try? SHA256Hasher().hash(Array(verifier.utf8).span).bytes,
            Base64URL.encode(digest) == code.challenge
        else {
            return .json(
                400, #"{"error":"invalid_grant","error_description":"verifier \#(verifier) does not fit"}"#)
        }
        if code.isDenied { return .json(400, #"{"error":"access_denied"}"#) }
        guard code.isConfirmed else { return .json(400, #"{"error":"authorization_pending"}"#) }
        return issue()
    }

    private func refresh(_ form: [String: String]) -> OAuthAnswer {
        guard form["refresh_token"] == refreshToken else {
            staleRefreshes += 1
            return .json(
                400, #"{"error":"invalid_request","error_description":"Invalid refresh token or client_id"}"#)
        }
        refreshes += 1
        return issue()
    }
}
