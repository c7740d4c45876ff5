import JSON
import NIOCore
import TLS

/// The login of a simulated Qwen: device codes, and the tokens that they and refresh tokens are exchanged for
/// (RFC 8628, RFC 6749 §6, PKCE of RFC 7636).
///
/// A value without I/O: forms and the time come in, answers go out. Tokens are random: those of one process mean
/// nothing to another.
package struct OAuthServer: Sendable {
    /// What has happened so far.
    package struct Counts: Sendable, Equatable {
        /// Device codes that were given out.
        package var logins = 0
        package var polls = 0
        /// Logins that ended with tokens.
        package var granted = 0
        /// Refreshes that gave new tokens.
        package var refreshes = 0
        /// Refreshes that gave none, for whatever reason.
        package var refreshesRefused = 0
        /// Of these, those with a refresh token that an earlier refresh made invalid.
        package var reused = 0
    }

    /// Whether an access token is good.
    package enum TokenState: Sendable, Equatable {
        case live, expired, unknown
    }

    private enum Decision {
        case open, approved, denied
    }

    private struct Login {
        var userCode: String
        var challenge: String
        /// Milliseconds.
        var expiry: Int
        var polls = 0
        var decision = Decision.open
    }

    /// What the first letters of every access token are.
    package static let tokenPrefix: StaticString = "qat-"

    private var logins: [String: Login] = [:]
    /// Access tokens and the time, in milliseconds, up to which they are good.
    private var accessTokens: [String: Int] = [:]
    private var refreshTokens: Set<String> = []
    private var formerRefreshTokens: Set<String> = []
    package private(set) var counts = Counts()

    package init() {}

    // MARK: The device endpoint

    /// Begins a login.
    ///
    /// - Parameters:
    ///   - authority: host and port that the client has called.
    ///   - now: milliseconds.
    mutating func authorize(
        _ form: FormFields, _ behaviour: OAuthBehaviour, authority: String, now: Int, requestID: String
    ) -> Answer {
        switch behaviour.device {
        case .normal: break
        case .error: return Self.error(200, "invalid_scope", "The scope is not known.", requestID)
        case .refused: return Self.error(400, "invalid_client", "The client is not known.", requestID)
        case .html: return Self.page(200, requestID)
        case .empty: return Self.empty(requestID)
        }
        guard form["client_id"]?.isEmpty == false else {
            return Self.error(400, "invalid_client", "client_id is missing.", requestID)
        }
        guard let challenge = form["code_challenge"], challenge.utf8.count == 43,
            form["code_challenge_method"] == "S256"
        else { return Self.error(400, "invalid_request", "code_challenge must be given by method S256.", requestID) }
        let deviceCode = "dc_" + EncodedBytes.random(24)
        let userCode = EncodedBytes.userCode()
        logins = logins.filter { $0.value.expiry > now }
        logins[deviceCode] = Login(
            userCode: userCode, challenge: challenge, expiry: now + behaviour.deviceExpiry * 1000)
        counts.logins += 1
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("device_code", .string(deviceCode))
        writer.member("user_code", .string(userCode))
        writer.member("verification_uri", .string("https://\(authority)/authorize"))
        if behaviour.hasCompleteURI {
            writer.member(
                "verification_uri_complete",
                .string("https://\(authority)/authorize?user_code=\(userCode)&client=qwen-code"))
        }
        writer.member("expires_in", .integer(behaviour.deviceExpiry))
        if let interval = behaviour.interval { writer.member("interval", .integer(interval)) }
        writer.endObject()
        return Self.document(writer, requestID)
    }

    // MARK: The token endpoint

    /// Answers a poll or a refresh.
    mutating func token(
        _ form: FormFields, _ behaviour: OAuthBehaviour, authority: String, now: Int, requestID: String
    ) -> Answer {
        var answer =
            switch form["grant_type"] {
            case "urn:ietf:params:oauth:grant-type:device_code":
                poll(form, behaviour, authority, now, requestID)
            case "refresh_token": refresh(form, behaviour, authority, now, requestID)
            default: Self.error(400, "unsupported_grant_type", "The grant type is not supported.", requestID)
            }
        answer.delay = behaviour.delay
        return answer
    }

    private mutating func poll(
        _ form: FormFields, _ behaviour: OAuthBehaviour, _ authority: String, _ now: Int, _ requestID: String
    ) -> Answer {
        counts.polls += 1
        guard let code = form["device_code"], var login = logins[code] else {
            return Self.error(401, "invalid_request", "Device code expired or invalid", requestID)
        }
        login.polls += 1
        logins[code] = login
        guard login.expiry > now else {
            return Self.error(400, "expired_token", "The device code has expired.", requestID)
        }
        if login.decision == .denied {
            return Self.error(400, "access_denied", "The user has denied the request.", requestID)
        }
        if login.polls <= behaviour.slowDowns {
            return Self.error(behaviour.slowDownStatus, "slow_down", "The client polls too often.", requestID)
        }
        let approvesItself = behaviour.approval == .auto && login.polls > behaviour.slowDowns + behaviour.pending
        guard login.decision == .approved || approvesItself else {
            return Self.error(400, "authorization_pending", "The user has not decided yet.", requestID)
        }
        switch behaviour.poll {
        case .normal: break
        case .expired: return Self.error(400, "expired_token", "The device code has expired.", requestID)
        case .denied: return Self.error(400, "access_denied", "The user has denied the request.", requestID)
        case .unauthorized: return Self.error(401, "invalid_request", "Device code expired or invalid", requestID)
        case .null:
            return Self.document(
                #"{"access_token":null,"refresh_token":null,"token_type":"Bearer","expires_in":null}"#, requestID)
        case .error: return Self.error(200, "server_error", "The tokens can not be issued.", requestID)
        case .html: return Self.page(200, requestID)
        case .empty: return Self.empty(requestID)
        case .limited: return Self.error(429, "rate_limited", "Too many requests.", requestID)
        case .unavailable: return Self.error(503, "temporarily_unavailable", "Try again later.", requestID)
        }
        guard let verifier = form["code_verifier"], Self.challenge(of: verifier) == login.challenge else {
            return Self.error(400, "invalid_grant", "code_verifier does not fit code_challenge.", requestID)
        }
        logins[code] = nil
        counts.granted += 1
        let refreshToken = newRefreshToken()
        return tokens(
            behaviour, authority, now, requestID, refreshToken: refreshToken, hasPlace: true)
    }

    /// The challenge that belongs to a verifier (RFC 7636 §4.2); nil if OpenSSL fails.
    package static func challenge(of verifier: String) -> String? {
        let bytes = Array(verifier.utf8)
        guard let digest = try? SHA256Hasher().hash(bytes.span) else { return nil }
        return EncodedBytes.base64URL(digest.bytes)
    }

    private mutating func refresh(
        _ form: FormFields, _ behaviour: OAuthBehaviour, _ authority: String, _ now: Int, _ requestID: String
    ) -> Answer {
        if let failure = refreshFailure(form, behaviour, requestID) {
            counts.refreshesRefused += 1
            return failure
        }
        counts.refreshes += 1
        let former = form["refresh_token"] ?? ""
        let givesToken = behaviour.refresh != .keep && behaviour.refresh != .bare
        var refreshToken: String?
        if givesToken {
            refreshToken = behaviour.rotates ? newRefreshToken() : former
            if behaviour.rotates {
                refreshTokens.remove(former)
                if formerRefreshTokens.count >= 10_000 { formerRefreshTokens.removeAll() }
                formerRefreshTokens.insert(former)
            }
        }
        return tokens(
            behaviour, authority, now, requestID, refreshToken: refreshToken,
            hasPlace: behaviour.refresh != .placeless && behaviour.refresh != .bare)
    }

    private mutating func refreshFailure(
        _ form: FormFields, _ behaviour: OAuthBehaviour, _ requestID: String
    ) -> Answer? {
        let invalid = "Invalid refresh token or client_id"
        switch behaviour.refresh {
        case .normal, .keep, .placeless, .bare: break
        case .invalid: return Self.error(400, "invalid_request", invalid, requestID)
        case .unauthorized: return Self.error(401, "invalid_request", invalid, requestID)
        case .error: return Self.error(200, "server_error", "The tokens can not be issued.", requestID)
        case .html: return Self.page(200, requestID)
        case .empty: return Self.empty(requestID)
        case .unavailable: return Self.error(503, "temporarily_unavailable", "Try again later.", requestID)
        }
        guard let token = form["refresh_token"], form["client_id"]?.isEmpty == false, refreshTokens.contains(token)
        else {
            if let token = form["refresh_token"], formerRefreshTokens.contains(token) { counts.reused += 1 }
            return Self.error(400, "invalid_request", invalid, requestID)
        }
        return nil
    }

    // MARK: Tokens

    /// Gives out tokens without a login, for a test that begins behind it.
    package mutating func issue(expiry seconds: Int, now: Int) -> (access: String, refresh: String) {
        (newAccessToken(expiry: now + seconds * 1000, now), newRefreshToken())
    }

    private mutating func newAccessToken(expiry: Int, _ now: Int) -> String {
        // A process that lives long does not keep them all: those of an hour ago are as good as unknown.
        if accessTokens.count >= 10_000 { accessTokens = accessTokens.filter { $0.value > now - 3_600_000 } }
        let token = "\(Self.tokenPrefix)" + EncodedBytes.random(32)
        accessTokens[token] = expiry
        return token
    }

    private mutating func newRefreshToken() -> String {
        let token = "qrt-" + EncodedBytes.random(32)
        refreshTokens.insert(token)
        return token
    }

    private mutating func tokens(
        _ behaviour: OAuthBehaviour, _ authority: String, _ now: Int, _ requestID: String, refreshToken: String?,
        hasPlace: Bool
    ) -> Answer {
        let seconds = behaviour.hasTokenExpiry ? behaviour.tokenExpiry : 21_600
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("access_token", .string(newAccessToken(expiry: now + seconds * 1000, now)))
        if let refreshToken { writer.member("refresh_token", .string(refreshToken)) }
        writer.member("token_type", .raw("\"Bearer\""))
        writer.member("expires_in", behaviour.hasTokenExpiry ? .integer(behaviour.tokenExpiry) : .null)
        writer.member("scope", .raw("\"openid profile email model.completion\""))
        if hasPlace, let place = Self.place(behaviour, authority) { writer.member("resource_url", .string(place)) }
        writer.member("status", .raw("\"success\""))
        writer.endObject()
        return Self.document(writer, requestID)
    }

    private static func place(_ behaviour: OAuthBehaviour, _ authority: String) -> String? {
        if let text = behaviour.resourceText { return text }
        return switch behaviour.resourceURL {
        case .host: authority
        case .scheme: "https://\(authority)"
        case .path: "https://\(authority)/v1/"
        case .absent: nil
        }
    }

    package func state(of accessToken: String, now: Int) -> TokenState {
        guard let expiry = accessTokens[accessToken] else { return .unknown }
        return expiry > now ? .live : .expired
    }

    /// Lets every access token expire; refresh tokens stay good.
    package mutating func expireAccessTokens() {
        for token in accessTokens.keys { accessTokens[token] = .min }
    }

    /// Makes every token invalid.
    package mutating func revoke() {
        accessTokens.removeAll()
        refreshTokens.removeAll()
    }

    // MARK: Decisions

    /// The user codes of the logins that wait for a decision.
    package func openLogins(now: Int) -> [String] {
        logins.values.filter { $0.decision == .open && $0.expiry > now }.map(\.userCode).sorted()
    }

    /// Approves or denies the login with this user code, or all that wait if it is nil; returns how many those were.
    @discardableResult
    package mutating func decide(_ userCode: String?, approve: Bool) -> Int {
        var count = 0
        for (code, login) in logins where login.decision == .open && (userCode == nil || login.userCode == userCode) {
            logins[code]?.decision = approve ? .approved : .denied
            count += 1
        }
        return count
    }

    // MARK: Answers

    private static func document(_ writer: JSONWriter, _ requestID: String) -> Answer {
        var answer = Answer(requestID: requestID)
        answer.body = writer.buffer
        return answer
    }

    private static func document(_ text: String, _ requestID: String) -> Answer {
        var answer = Answer(requestID: requestID)
        answer.body = ByteBuffer(string: text)
        return answer
    }

    private static func error(_ status: Int, _ code: String, _ description: String, _ requestID: String) -> Answer {
        var answer = Answer(status: status, requestID: requestID)
        answer.body = ByteBuffer(string: #"{"error":"\#(code)","error_description":"\#(description)"}"#)
        return answer
    }

    /// The page of the firewall before the login.
    static func page(_ status: Int, _ requestID: String) -> Answer {
        var answer = Answer(status: status, requestID: requestID)
        answer.contentType = "text/html; charset=utf-8"
        answer.body = ByteBuffer(
            string:
                "<!DOCTYPE html><html><head><title>Qwen</title></head><body>Verify that you are human.</body></html>")
        return answer
    }

    private static func empty(_ requestID: String) -> Answer {
        var answer = Answer(requestID: requestID)
        answer.contentType = nil
        return answer
    }
}
