/// Where and as whom the gateway asks for tokens: what an operator may change of Qwen's OAuth.
///
/// The defaults are Qwen's own: a public client, so its identifier is no secret, and one token endpoint for polls and
/// refreshes.
package struct OAuthEndpoints: Sendable, Equatable {
    /// Where a login begins (RFC 8628 §3.1).
    package let deviceAuthorization: HTTPSURL
    /// Where a login is polled (RFC 8628 §3.4) and tokens are refreshed (RFC 6749 §6).
    package let token: HTTPSURL
    package let clientID: String
    /// Scopes with a space between them.
    package let scope: String

    package static let defaultBaseURL = "https://chat.qwen.ai"
    package static let defaultClientID = "f0304373b74a44d2b584a3fb70ca9e56"
    package static let defaultScope = "openid profile email model.completion"

    private static let deviceAuthorizationPath = "/api/v1/oauth2/device/code"
    private static let tokenPath = "/api/v1/oauth2/token"

    /// A variable whose value is of no use.
    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package let variable: String
        /// What is wrong with the value, as the end of a sentence.
        package let fault: String

        package var description: String { "\(variable) \(fault)." }
    }

    /// What is nil or empty is as Qwen has it.
    ///
    /// - Parameters:
    ///   - baseURL: `QWEN_OAUTH_BASE_URL`.
    ///   - clientID: `QWEN_OAUTH_CLIENT_ID`.
    ///   - scope: `QWEN_OAUTH_SCOPE`.
    ///   - deviceAuthorizationURL: `QWEN_OAUTH_DEVICE_AUTH_URL`, whole; by default a path below the base URL.
    package init(
        baseURL: String? = nil, clientID: String? = nil, scope: String? = nil, deviceAuthorizationURL: String? = nil
    ) throws(Fault) {
        let base = try Self.url(Self.given(baseURL) ?? Self.defaultBaseURL, "QWEN_OAUTH_BASE_URL")
        token = base.appending(Self.tokenPath)
        if let url = Self.given(deviceAuthorizationURL) {
            deviceAuthorization = try Self.url(url, "QWEN_OAUTH_DEVICE_AUTH_URL")
        } else {
            deviceAuthorization = base.appending(Self.deviceAuthorizationPath)
        }
        self.clientID = try Self.text(Self.given(clientID) ?? Self.defaultClientID, "QWEN_OAUTH_CLIENT_ID")
        self.scope = try Self.text(Self.given(scope) ?? Self.defaultScope, "QWEN_OAUTH_SCOPE")
    }

    private static func given(_ value: String?) -> String? {
        value.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func url(_ text: String, _ variable: String) throws(Fault) -> HTTPSURL {
        do throws(HTTPSURL.Fault) {
            return try HTTPSURL(text)
        } catch {
            throw Fault(variable: variable, fault: error.description)
        }
    }

    /// The characters of RFC 6749 appendix A.
    private static func text(_ text: String, _ variable: String) throws(Fault) -> String {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw Fault(variable: variable, fault: "has a character that is not printable ASCII")
        }
        return text
    }
}
