package import HTTP

/// A way into Qwen: where requests go, and what they carry to be let in. Immutable: a new token makes a new one.
///
/// The fields of an upstream request are made here from an allow-list. Nothing of a client's request head is ever
/// passed on: foreign client headers have made Qwen refuse requests, and a client's key is none of Qwen's business.
/// The gateway says who it is and poses as no other client.
package final class QwenProvider: Sendable {
    /// The methods that Qwen's API knows.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// What is asked of Qwen: not every way in serves all of it.
    package enum Capability: String, Sendable, CaseIterable {
        case chat
        /// Qwen's own `completions`, which fills in the middle.
        case completions
        case embeddings
    }

    /// Host and port of the base URL.
    package let authority: String
    /// Requests go to the portal, which wants them in a shape of its own, with the token of a login.
    package let isPortal: Bool
    private let basePath: String
    private let chatPath: String
    private let streamFields: HeaderFields
    private let answerFields: HeaderFields
    private let queryFields: HeaderFields

    /// A way in with a Model Studio key.
    ///
    /// - Parameters:
    ///   - authority: host and port of the base URL.
    ///   - basePath: the base URL's path, without a slash at its end: `/compatible-mode/v1`.
    ///   - apiKey: a Model Studio key, sent as a bearer token.
    ///   - userAgent: what the gateway calls itself.
    package convenience init(authority: String, basePath: String, apiKey: String, userAgent: String) {
        self.init(authority: authority, basePath: basePath, bearer: apiKey, userAgent: userAgent, isPortal: false)
    }

    /// A way in with the token of a login, through the portal. nil for a token that no header field can carry: it came
    /// from the network.
    package convenience init?(authority: String, basePath: String, accessToken: String, userAgent: String) {
        guard !accessToken.isEmpty, accessToken.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.init(authority: authority, basePath: basePath, bearer: accessToken, userAgent: userAgent, isPortal: true)
    }

    private init(authority: String, basePath: String, bearer: String, userAgent: String, isPortal: Bool) {
        self.authority = authority
        self.basePath = basePath
        self.isPortal = isPortal
        chatPath = basePath + "/chat/completions"
        func fields(accept: String, hasBody: Bool = true) -> HeaderFields {
            var fields = HeaderFields()
            fields.append("authorization", "Bearer \(bearer)")
            if hasBody { fields.append("content-type", "application/json") }
            fields.append("accept", accept)
            fields.append("user-agent", userAgent)
            guard isPortal else { return fields }
            fields.append("x-dashscope-useragent", userAgent)
            fields.append("x-dashscope-cachecontrol", "enable")
            fields.append("x-dashscope-authtype", "qwen-oauth")
            return fields
        }
        streamFields = fields(accept: "text/event-stream")
        answerFields = fields(accept: "application/json")
        queryFields = fields(accept: "application/json", hasBody: false)
    }

    /// Whether it serves requests of this kind. Nobody has seen the portal serve anything but chat completions.
    package func serves(_ need: Capability) -> Bool {
        !isPortal || need == .chat
    }

    /// The head of a chat completion request.
    package func chatRequest(isStreaming: Bool) -> RequestHead {
        RequestHead(
            method: "POST", authority: authority, path: chatPath, fields: isStreaming ? streamFields : answerFields)
    }

    /// The head of another request.
    ///
    /// - Parameters:
    ///   - path: below the base path, without a slash in front: `models`, `embeddings`.
    ///   - isStreaming: the answer comes as events; else it is one document.
    package func request(_ method: Method, _ path: String, isStreaming: Bool = false) -> RequestHead {
        RequestHead(
            method: method.rawValue, authority: authority, path: "\(basePath)/\(path)",
            fields: method == .get ? queryFields : isStreaming ? streamFields : answerFields)
    }
}

/// It holds a secret: no text or dump of it does.
extension QwenProvider: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(isPortal ? "portal" : "API key") at \(authority) [redacted]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
