import JSON
import NIOCore

/// Messages, and the one thing that Qwen wants to be said in them.
extension ChatRequest {
    /// Checks the form of the messages, and gives developers the role that Qwen knows.
    static func adaptMessages(
        _ fields: ChatRequestFields, in document: inout JSONDocument
    ) throws(InvalidRequest) {
        guard let messages = fields.messages else {
            throw InvalidRequest("Missing required parameter: 'messages'.", param: "messages")
        }
        guard document.kind(of: messages) == .array else {
            throw InvalidRequest("'messages' must be an array of message objects.", param: "messages")
        }
        var count = 0
        for message in document.elements(of: messages) {
            guard document.kind(of: message) == .object else {
                throw InvalidRequest("'messages[\(count)]' must be an object.", param: "messages[\(count)]")
            }
            try document.checkUniqueKeys(of: message, param: "messages[\(count)]")
            guard let role = document.member("role", of: message), document.kind(of: role) == .string else {
                throw InvalidRequest(
                    "'messages[\(count)].role' must be a string.", param: "messages[\(count)].role")
            }
            if document.stringEquals(role, "developer") { document.replace(role, with: .raw("\"system\"")) }
            count += 1
        }
        if count == 0 { throw InvalidRequest("'messages' must hold at least one message.", param: "messages") }
    }

    /// Qwen refuses `json_object` unless a message has the word "json" in it: one that lacks it gets it at the end of
    /// its leading system message, or in one of its own. It is the same in each turn of a conversation, so that Qwen's
    /// cache of the beginning stays good.
    ///
    /// - Returns: whether the answer is to be a JSON object.
    static func adaptResponseFormat(
        _ fields: ChatRequestFields, in document: inout JSONDocument
    ) throws(InvalidRequest) -> Bool {
        guard let format = document.given(fields.responseFormat), let messages = fields.messages else { return false }
        guard document.kind(of: format) == .object else {
            throw InvalidRequest("'response_format' must be an object.", param: "response_format")
        }
        try document.checkUniqueKeys(of: format, param: "response_format")
        guard let type = document.member("type", of: format), document.stringEquals(type, "json_object") else {
            return false
        }
        if !saysJSON(messages, in: document) { sayJSON(messages, in: &document) }
        return true
    }

    private static func sayJSON(_ messages: JSONNode, in document: inout JSONDocument) {
        var elements = document.elements(of: messages)
        if let first = elements.next(), document.isSystem(first), let content = document.member("content", of: first) {
            switch document.kind(of: content) {
            case .string: return document.appendText("\n\nAnswer with a json object.", to: content)
            case .array:
                return document.append(.raw(#"{"type":"text","text":"Answer with a json object."}"#), to: content)
            default: break
            }
        }
        document.prepend(.raw(#"{"role":"system","content":"Answer with a json object."}"#), to: messages)
    }

    private static func saysJSON(_ messages: JSONNode, in document: borrowing JSONDocument) -> Bool {
        for message in document.elements(of: messages) {
            guard let content = document.member("content", of: message) else { continue }
            if document.isJSONNamed(in: content) { return true }
            for part in document.elements(of: content) {
                if let text = document.member("text", of: part), document.isJSONNamed(in: text) { return true }
            }
        }
        return false
    }
}

extension JSONDocument {
    /// Whether a message is a system message, by the name of its role at OpenAI too.
    func isSystem(_ message: JSONNode) -> Bool {
        guard let role = member("role", of: message) else { return false }
        return stringEquals(role, "system") || stringEquals(role, "developer")
    }

    /// Whether a string has the word "json" in it, in letters of either case. Escaped letters are not looked through:
    /// nobody writes them, and a hint too many does no harm.
    fileprivate func isJSONNamed(in node: JSONNode) -> Bool {
        guard kind(of: node) == .string else { return false }
        let text = text(of: node).readableBytesView
        guard text.count >= 4 else { return false }
        var word: UInt32 = 0
        for byte in text {
            word = word << 8 | UInt32(byte | 0x20)
            if word == 0x6A73_6F6E { return true }
        }
        return false
    }
}
