package import JSON
import NIOCore

/// An error that Qwen has answered, in any of the shapes it uses: OpenAI's object, a flat `code` and `message`, a
/// string, a chunk that finished with `error_finish`, or no JSON at all.
package struct QwenFault: Error, Sendable, Equatable {
    /// What the error means for the request, whoever sent it.
    package enum Kind: Sendable, Equatable {
        /// The request is wrong; sending it again will not help.
        case invalidRequest
        case contextLengthExceeded
        case contentFilter
        case modelNotFound
        case permissionDenied
        /// The gateway's own credential was refused: not the client's fault.
        case authentication
        /// Too many requests or tokens for now.
        case rateLimit
        /// A quota or a balance is used up: waiting a minute will not help.
        case quotaExceeded
        case timeout
        case unavailable
        case server
    }

    package var kind: Kind
    /// Qwen's own code, for the log.
    package var code: String?
    /// Qwen's sentence, if it gave one.
    package var message: String?

    package init(kind: Kind, code: String? = nil, message: String? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    /// Reads an error out of a scanned JSON body or event.
    ///
    /// - Parameter status: the HTTP status it came with; that of an error inside a stream of status 200 is taken from
    ///   its code.
    package init(_ document: borrowing JSONDocument, status: Int) {
        let root = document.root
        var code: String?
        var message: String?
        if let error = document.member("error", of: root), !document.isNull(error) {
            if document.kind(of: error) == .object {
                code = Self.text("code", of: error, in: document) ?? Self.text("type", of: error, in: document)
                message = Self.text("message", of: error, in: document)
            } else {
                message = document.string(error)
            }
        } else if document.member("code", of: root) != nil || document.member("message", of: root) != nil {
            code = Self.text("code", of: root, in: document)
            message = Self.text("message", of: root, in: document)
        } else {
            message = Self.finishText(document)
        }
        self.init(status: status, code: code, message: message)
    }

    /// Classifies by status, code and message.
    package init(status: Int, code: String?, message: String?) {
        let statusInMessage = message.flatMap(Self.leadingStatus)
        self.code = code
        self.message = message
        kind = Self.kind(
            status: status == 200 ? statusInMessage : status, code: code?.lowercased() ?? "",
            message: message?.lowercased() ?? "")
    }

    private static func text(_ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument) -> String?
    {
        guard let node = document.member(name, of: object) else { return nil }
        if let number = document.integer(node) { return String(number) }
        return document.string(node)
    }

    /// The text of a chunk that finished with `error_finish`.
    private static func finishText(_ document: borrowing JSONDocument) -> String? {
        guard let choices = document.member("choices", of: document.root),
            let choice = document.elements(of: choices).first(where: { _ in true }),
            let delta = document.member("delta", of: choice),
            let content = document.member("content", of: delta)
        else { return nil }
        return document.string(content)
    }

    /// `<429> InternalError.Algo: …` carries the real status in front.
    private static func leadingStatus(_ message: String) -> Int? {
        guard message.hasPrefix("<"), let end = message.firstIndex(of: ">") else { return nil }
        return Int(message[message.index(after: message.startIndex)..<end])
    }

    private static func kind(status: Int?, code: String, message: String) -> Kind {
        // A spent quota and a bad account come under statuses that mean something else as well: text decides first.
        if message.contains("free allocated quota") || message.contains("hour allocated quota")
            || message.contains("week allocated quota") || message.contains("month allocated quota")
            || code.contains("arrearage") || code.contains("freetieronly") || code.contains("billoverdue")
            || code.contains("commoditynotpurchased") || code == "quota_exceeded"
        {
            return .quotaExceeded
        }
        if code.contains("datainspection") || code.contains("data_inspection") { return .contentFilter }
        if message.contains("range of input length") { return .contextLengthExceeded }
        if code.contains("throttling") || code.contains("limit_requests") || code.contains("limit_burst_rate") {
            return .rateLimit
        }
        if code.contains("invalidapikey") || code.contains("invalid_api_key") { return .authentication }
        if code.contains("modelnotfound") || code.contains("model_not_") { return .modelNotFound }
        if code == "insufficient_quota" { return status == 403 ? .quotaExceeded : .rateLimit }
        switch status {
        case 401: return .authentication
        case 403: return .permissionDenied
        case 404: return .modelNotFound
        case 408, 504: return .timeout
        case 429: return .rateLimit
        case 503: return .unavailable
        case let status? where (400..<500).contains(status): return .invalidRequest
        case nil where code.contains("invalidparameter") || code.contains("invalid_"): return .invalidRequest
        default: return .server
        }
    }
}
