package import JSON
package import NIOCore

/// A chat completion request (`POST /v1/chat/completions`), made ready for Qwen.
///
/// The body is the client's own, byte for byte, but for what had to be spliced in: Qwen speaks this dialect.
package struct ChatRequest: Sendable {
    package let model: String
    /// The client wants an event stream.
    package let isStreaming: Bool
    /// The client wants the usage chunk at the stream's end (`stream_options.include_usage`).
    package let includesUsage: Bool
    package let body: ByteBuffer

    /// Checks and translates a request's body.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the request afterwards.
    ///   - defaultModel: used when the request names none.
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, defaultModel: String
    ) throws(InvalidRequest) {
        do {
            try document.scan(text)
        } catch {
            throw InvalidRequest("The body is not valid JSON: \(error)")
        }
        let root = document.root
        guard document.kind(of: root) == .object else {
            throw InvalidRequest("The body must be a JSON object.")
        }
        do {
            try document.checkUniqueKeys(of: root)
        } catch {
            throw InvalidRequest("\(error)")
        }
        try Self.checkMessages(document)
        isStreaming = try Self.flag("stream", of: root, in: document)
        includesUsage = try Self.includesUsage(document)

        switch document.member("model", of: root).map({ ($0, document.kind(of: $0)) }) {
        case nil:
            document.append("model", .string(defaultModel), to: root)
            model = defaultModel
        case (let node, .null)?:
            document.replace(node, with: .string(defaultModel))
            model = defaultModel
        case (let node, .string)?:
            let name = document.string(node) ?? ""
            if name.isEmpty { document.replace(node, with: .string(defaultModel)) }
            model = name.isEmpty ? defaultModel : name
        case _?:
            throw InvalidRequest("'model' must be a string.", param: "model")
        }
        guard document.isEdited else {
            body = text
            return
        }
        var edited = ByteBuffer()
        edited.reserveCapacity(text.readableBytes + 128)
        do {
            try document.write(into: &edited)
        } catch {
            throw InvalidRequest("\(error)")
        }
        body = edited
    }

    private static func checkMessages(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        guard let messages = document.member("messages", of: document.root) else {
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
            guard let role = document.member("role", of: message), document.kind(of: role) == .string else {
                throw InvalidRequest(
                    "'messages[\(count)].role' must be a string.", param: "messages[\(count)].role")
            }
            count += 1
        }
        if count == 0 { throw InvalidRequest("'messages' must hold at least one message.", param: "messages") }
    }

    private static func flag(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Bool {
        guard let node = document.member(name, of: object), document.kind(of: node) != .null else { return false }
        guard let value = document.bool(node) else {
            throw InvalidRequest("'\(name)' must be true or false.", param: "\(name)")
        }
        return value
    }

    private static func includesUsage(_ document: borrowing JSONDocument) throws(InvalidRequest) -> Bool {
        guard let options = document.member("stream_options", of: document.root),
            document.kind(of: options) != .null
        else { return false }
        guard document.kind(of: options) == .object else {
            throw InvalidRequest("'stream_options' must be an object.", param: "stream_options")
        }
        do {
            try document.checkUniqueKeys(of: options)
        } catch {
            throw InvalidRequest("\(error)", param: "stream_options")
        }
        return try flag("include_usage", of: options, in: document)
    }
}
