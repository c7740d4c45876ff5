package import HTTP
package import NIOCore

/// One request to the authorization server. Its body holds secrets, so it does not print itself.
package struct OAuthRequest: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// What is asked for.
    package enum Kind: String, Sendable {
        case deviceAuthorization = "device authorization"
        case deviceToken = "device token"
        case refresh = "token refresh"
    }

    package let kind: Kind
    package let url: HTTPSURL
    /// All fields but those that frame the message: `content-length` is the engine's.
    package let fields: HeaderFields
    package let body: ByteBuffer

    package var head: RequestHead {
        RequestHead(method: "POST", authority: url.authority, path: url.path, fields: fields)
    }

    package var description: String { "\(kind.rawValue) request to \(url)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Makes the three requests of Qwen's OAuth.
///
/// Each names the gateway: without a User-Agent the server answers with a web page.
package struct OAuthRequests: Sendable {
    package let endpoints: OAuthEndpoints
    private let userAgent: String

    /// - Parameter userAgent: what the gateway calls itself, `qwen-gateway/VERSION`.
    package init(endpoints: OAuthEndpoints, userAgent: String) {
        self.endpoints = endpoints
        self.userAgent = userAgent
    }

    /// Asks for a device code and a user code (RFC 8628 §3.1).
    ///
    /// - Parameter requestID: a fresh UUID, which only this request carries.
    func deviceAuthorization(challenge: String, requestID: String) -> OAuthRequest {
        request(
            .deviceAuthorization, to: endpoints.deviceAuthorization, requestID: requestID,
            [
                ("client_id", endpoints.clientID), ("scope", endpoints.scope), ("code_challenge", challenge),
                ("code_challenge_method", "S256"),
            ])
    }

    /// Asks whether the user has confirmed (RFC 8628 §3.4).
    func deviceToken(deviceCode: String, verifier: String) -> OAuthRequest {
        request(
            .deviceToken, to: endpoints.token,
            [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("client_id", endpoints.clientID),
                ("device_code", deviceCode), ("code_verifier", verifier),
            ])
    }

    /// Trades a refresh token for a new access token (RFC 6749 §6).
    func refresh(_ refreshToken: String) -> OAuthRequest {
        request(
            .refresh, to: endpoints.token,
            [("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("client_id", endpoints.clientID)])
    }

    private func request(
        _ kind: OAuthRequest.Kind, to url: HTTPSURL, requestID: String? = nil,
        _ form: [(name: StaticString, value: String)]
    ) -> OAuthRequest {
        var fields = HeaderFields()
        fields.append("content-type", "application/x-www-form-urlencoded")
        fields.append("accept", "application/json")
        fields.append("user-agent", userAgent)
        if let requestID { fields.append("x-request-id", requestID) }
        return OAuthRequest(kind: kind, url: url, fields: fields, body: FormEncoding.encode(form))
    }
}
