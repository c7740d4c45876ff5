/// Where a login's tokens are accepted: the base URL behind a token answer's `resource_url`.
///
/// There is no list of allowed hosts. The answer comes from the authorization server over verified TLS; who could forge
/// it could as well take the tokens themselves, and Qwen has moved accounts between hosts before. What must not happen
/// is that a token leaves in the clear or to another host than the one that is read: only https, no user information,
/// no query, plain path segments.
package enum PortalBaseURL {
    /// Where Qwen's logins are served; the general API of Model Studio refuses their tokens.
    package static let fallback = "https://portal.qwen.ai/v1"

    /// A bare host in practice, with a scheme, a path or a slash at its end at times: `portal.qwen.ai`,
    /// `https://portal.qwen.ai/v1/`.
    ///
    /// - Throws: what is wrong with it, as the end of a sentence about `resource_url`.
    package static func read(_ resourceURL: String) throws(HTTPSURL.Fault) -> HTTPSURL {
        let url = try HTTPSURL(resourceURL, defaultScheme: "https")
        return url.path.hasSuffix("/v1") ? url : url.appending("/v1")
    }

    /// The base URL for a credential: that of its `resource_url`, or the portal's where it has none, or one of no use.
    /// Who wants to warn of the latter calls `read`.
    package static func resolve(_ resourceURL: String?) -> HTTPSURL {
        if let resourceURL, !resourceURL.isEmpty, let url = try? read(resourceURL) { return url }
        return portal
    }

    private static let portal: HTTPSURL = {
        do { return try HTTPSURL(fallback) } catch { preconditionFailure("the portal's own URL \(error)") }
    }()
}
