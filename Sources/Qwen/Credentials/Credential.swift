/// What the gateway presents to Qwen, with the place that accepts it.
package enum Credential: Sendable, Equatable {
    case apiKey(APIKeyCredential)
    case oauth(OAuthCredential)
}

/// A Model Studio key. Keys belong to a region or a plan, and so to one host.
package struct APIKeyCredential: Sendable, Equatable {
    /// `sk-…`; a secret.
    package var key: String
    /// Where it is accepted, an absolute `https` URL without a slash at its end:
    /// `https://dashscope-intl.aliyuncs.com/compatible-mode/v1`.
    package var baseURL: String

    package init(key: String, baseURL: String) {
        self.key = key
        self.baseURL = baseURL
    }
}

/// The tokens of one Qwen account, from the device login (RFC 8628).
package struct OAuthCredential: Sendable, Equatable {
    /// A secret.
    package var accessToken: String
    /// A secret, good for one refresh; nil where Qwen gave none: the login lasts as long as the access token.
    package var refreshToken: String?
    /// "Bearer".
    package var tokenType: String
    /// As Qwen gave it: a bare host in practice, a URL sometimes, nil at times.
    package var resourceURL: String?
    /// When the access token expires, in milliseconds since 1970-01-01T00:00:00Z.
    package var expiry: Int64

    package init(
        accessToken: String, refreshToken: String?, tokenType: String = "Bearer", resourceURL: String?, expiry: Int64
    ) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.tokenType = tokenType
        self.resourceURL = resourceURL
        self.expiry = expiry
    }
}

// Each holds a secret: no text or dump of it does.

extension Credential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[redacted]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension APIKeyCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[redacted]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension OAuthCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[redacted]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
