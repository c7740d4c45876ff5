package import HTTP

/// A way into Qwen: where requests go, and what they carry to be let in.
///
/// The fields of an upstream request are made here from an allow-list. Nothing of a client's request head is ever
/// passed on: foreign client headers have made Qwen refuse requests, and a client's key is none of Qwen's business.
package struct QwenProvider: Sendable {
    package let authority: String
    private let chatPath: String
    private let streamFields: HeaderFields
    private let answerFields: HeaderFields

    /// - Parameters:
    ///   - authority: host and port of the base URL.
    ///   - basePath: the base URL's path, without a slash at its end: `/compatible-mode/v1`.
    ///   - apiKey: a Model Studio key, sent as a bearer token.
    ///   - userAgent: what the gateway calls itself.
    package init(authority: String, basePath: String, apiKey: String, userAgent: String) {
        self.authority = authority
        chatPath = basePath + "/chat/completions"
        func fields(accept: String) -> HeaderFields {
            var fields = HeaderFields()
            fields.append("authorization", "Bearer \(apiKey)")
            fields.append("content-type", "application/json")
            fields.append("accept", accept)
            fields.append("user-agent", userAgent)
            return fields
        }
        streamFields = fields(accept: "text/event-stream")
        answerFields = fields(accept: "application/json")
    }

    /// The head of a chat completion request.
    package func chatRequest(isStreaming: Bool) -> RequestHead {
        RequestHead(
            method: "POST", authority: authority, path: chatPath, fields: isStreaming ? streamFields : answerFields)
    }
}
