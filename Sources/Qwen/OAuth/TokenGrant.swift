/// Tokens as the server has answered them, to a poll or a refresh (RFC 6749 §5.1). Does not print itself.
struct TokenGrant: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    var accessToken: String
    /// Absent from refreshes that do not rotate.
    var refreshToken: String?
    /// Where the token is good: absent at times, from refreshes above all.
    var resourceURL: String?
    /// How long the access token is good for, in milliseconds.
    var lifetime: Int64

    var description: String { "[redacted]" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension TokenGrant {
    /// How long a token is taken to live if the server does not say: an hour, the shorter of what was seen. A token
    /// that dies earlier is noticed when Qwen refuses it.
    static let defaultLifetime: Int64 = 3_600_000
    private static let longestLifetime: Int64 = 366 * 24 * 3_600_000
    private static let longestToken = 16 * 1024

    /// Nil without an access token that can be sent as a bearer token (RFC 6750 §2.1), or with one of another type.
    init?(_ object: borrowing OAuthObject) {
        guard let accessToken = object.word("access_token", longest: Self.longestToken),
            object.text("token_type").map({ $0.lowercased() == "bearer" }) ?? true
        else { return nil }
        self.accessToken = accessToken
        refreshToken = object.word("refresh_token", longest: Self.longestToken)
        resourceURL = object.text("resource_url")
        lifetime = object.milliseconds("expires_in", longest: Self.longestLifetime) ?? Self.defaultLifetime
    }

    /// What is kept of it.
    ///
    /// - Parameters:
    ///   - previous: the credential that was refreshed: what the answer leaves out stays as it was.
    ///   - now: in milliseconds since 1970.
    func credential(after previous: OAuthCredential? = nil, now: Int64) -> OAuthCredential {
        OAuthCredential(
            accessToken: accessToken, refreshToken: refreshToken ?? previous?.refreshToken,
            resourceURL: resourceURL ?? previous?.resourceURL, expiry: now + lifetime)
    }
}

extension OAuthAnswer {
    func tokenGrant() -> OAuthContent<TokenGrant> {
        content { TokenGrant($0) }
    }
}
