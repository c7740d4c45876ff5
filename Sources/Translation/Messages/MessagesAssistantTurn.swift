import JSON
import NIOCore

/// What an assistant has said in one turn, as one chat message.
struct MessagesAssistantTurn {
    struct Call {
        /// Strings.
        let id: JSONNode
        let name: JSONNode
        /// An object.
        let input: JSONNode
        /// The message that holds it.
        let message: Int
    }

    private static let types = ["redacted_thinking", "text", "thinking", "tool_use"]

    private var texts: [MessagesText] = []
    private var thoughts: [JSONNode] = []
    private(set) var calls: [Call] = []

    init(
        _ turn: [MessagesConversation.Message], automaticMark: JSONNode?, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        for message in turn {
            guard document.kind(of: message.content) == .array else {
                take(message.content, isMarked: message.content == automaticMark, in: document)
                continue
            }
            var count = 0
            for block in document.elements(of: message.content) {
                let path = MessagesPath("messages", message.index, block: count)
                try take(block, at: path, message.index, isMarked: block == automaticMark, in: document)
                count += 1
            }
        }
    }

    private mutating func take(
        _ block: JSONNode, at path: MessagesPath, _ message: Int, isMarked: Bool, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try path.checkObject(block, in: document)
        let type = try path.type(of: block, in: document)
        switch type {
        case "text":
            let hasMarker = document.given(document.member("cache_control", of: block)) != nil
            take(try path.string("text", of: block, in: document), isMarked: isMarked || hasMarker, in: document)
        case "thinking":
            thoughts.append(try path.string("thinking", of: block, in: document))
        case "tool_use":
            let id = try path.string("id", of: block, in: document)
            let name = try path.string("name", of: block, in: document)
            let input = try path.required("input", of: block, in: document)
            guard document.kind(of: input) == .object else { throw path.fault("input", "Input should be an object") }
            calls.append(Call(id: id, name: name, input: input, message: message))
        case "tool_result":
            throw path.fault("`tool_result` blocks can only be in `user` messages")
        case "redacted_thinking", "fallback": break
        // What tools did that Anthropic runs itself.
        case let type where type.hasSuffix("_tool_use") || type.hasSuffix("_tool_result"): break
        default: throw path.unknownType(type, expected: Self.types)
        }
    }

    private mutating func take(_ text: JSONNode, isMarked: Bool, in document: borrowing JSONDocument) {
        if !document.stringEquals(text, "") { texts.append(MessagesText(text: text, isMarked: isMarked)) }
    }

    /// Whether this can be the beginning of an answer: there is text, and no call, which is an end.
    var canBeContinued: Bool { calls.isEmpty && !texts.isEmpty }

    /// Writes the message, unless there is nothing in it.
    func write(
        continuesAnswer: Bool, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) {
        if texts.isEmpty, calls.isEmpty { return }
        body.json.beginObject()
        body.json.member("role", .raw("\"assistant\""))
        body.json.key("content")
        if texts.contains(where: { $0.isMarked }) {
            MessagesText.write(texts, into: &body, document)
        } else {
            // One string, since the texts of an answer follow each other without a gap.
            body.beginString()
            for text in texts { body.piece(text.text, in: document) }
            body.endString()
        }
        if !thoughts.isEmpty {
            body.json.key("reasoning_content")
            body.beginString()
            for thought in thoughts { body.piece(thought, in: document) }
            body.endString()
        }
        if !calls.isEmpty {
            body.json.key("tool_calls")
            body.json.beginArray()
            for call in calls { write(call, into: &body, document) }
            body.json.endArray()
        }
        if continuesAnswer { body.json.member("partial", .bool(true)) }
        body.json.endObject()
    }

    private func write(_ call: Call, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.json.beginObject()
        body.member("id", call.id, in: document)
        body.json.member("type", .raw("\"function\""))
        body.json.key("function")
        body.json.beginObject()
        body.member("name", call.name, in: document)
        body.json.key("arguments")
        body.beginString()
        body.piece(call.input, in: document)
        body.endString()
        body.json.endObject()
        body.json.endObject()
    }
}
