import Qwen
import Transport

/// A way into Qwen, with the place that it leads to.
struct QwenAccess: Sendable {
    let provider: QwenProvider
    let origin: Origin

    /// - Returns: nil where the key's base URL is none.
    init?(_ key: APIKeyCredential, userAgent: String) {
        guard let url = try? HTTPSURL(key.baseURL) else { return nil }
        origin = Origin(host: url.host, port: url.port)
        provider = QwenProvider(
            authority: origin.authority, basePath: url.path, apiKey: key.key, userAgent: userAgent)
    }

    /// - Returns: nil for a token that no header field can carry.
    init?(_ tokens: OAuthCredential, userAgent: String) {
        let url = PortalBaseURL.resolve(tokens.resourceURL)
        origin = Origin(host: url.host, port: url.port)
        let provider = QwenProvider(
            authority: origin.authority, basePath: url.path, accessToken: tokens.accessToken, userAgent: userAgent)
        guard let provider else { return nil }
        self.provider = provider
    }

    init?(_ credential: Credential, userAgent: String = GatewayVersion.userAgent) {
        switch credential {
        case .apiKey(let key): self.init(key, userAgent: userAgent)
        case .oauth(let tokens): self.init(tokens, userAgent: userAgent)
        }
    }
}
