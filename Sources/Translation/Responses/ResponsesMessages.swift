import JSON
import NIOCore

/// Puts the messages of a chat completion request together from the items of an input.
///
/// One turn of the assistant is one message there, but several items here: reasoning, text and calls that follow each
/// other are put into one. Outputs of functions become messages of role `tool`.
struct ResponsesMessages {
    private var writer: JSONWriter
    private var turn = AssistantTurn()
    private(set) var isEmpty = true

    /// - Parameter writer: of a request, at the value of its `messages`.
    init(_ writer: consuming JSONWriter) {
        self.writer = writer
        self.writer.beginArray()
    }

    /// Ends the messages: gives the writer back, behind them.
    mutating func finish() -> JSONWriter {
        flush()
        writer.endArray()
        defer { writer = JSONWriter() }
        return writer
    }

    mutating func addInstructions(_ text: JSONNode, in document: borrowing JSONDocument) {
        if document.stringEquals(text, "") { return }
        addMessage("\"system\"", text, in: document)
        // Instructions alone ask for nothing.
        isEmpty = true
    }

    mutating func addUserText(_ text: JSONNode, in document: borrowing JSONDocument) {
        flush()
        addMessage("\"user\"", text, in: document)
    }

    private mutating func addMessage(
        _ role: StaticString, _ text: JSONNode, in document: borrowing JSONDocument
    ) {
        isEmpty = false
        writer.beginObject()
        writer.member("role", .raw(role))
        writer.member("content", .bytes(document.text(of: text)))
        writer.endObject()
    }

    /// Adds an item that is no reference.
    mutating func add(
        _ item: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try ResponsesReader.checkObject(item, path, in: document)
        guard let type = try ResponsesReader.string("type", of: item, path, in: document) else {
            // A message may leave out its type.
            guard document.member("role", of: item) != nil else {
                _ = try ResponsesReader.required(nil, "type", path)
                return
            }
            return try addMessage(item, path, in: document)
        }
        if document.stringEquals(type, "message") {
            try addMessage(item, path, in: document)
        } else if document.stringEquals(type, "function_call") {
            try addCall(item, path, in: document)
        } else if document.stringEquals(type, "function_call_output") {
            try addOutput(item, path, in: document)
        } else if document.stringEquals(type, "reasoning") {
            try addReasoning(item, path, in: document)
        } else if document.stringEquals(type, "web_search_call") {
            // It records that a search took place; what was found is in the text that follows.
        } else {
            throw InvalidRequest(
                "Items of type '\(ResponsesReader.shown(type, in: document))' can't be passed on: Qwen has nothing of "
                    + "the kind.", param: "\(path).type", code: "unsupported_value")
        }
    }

    /// Writes the assistant's turn, if one has begun. Reasoning that nothing came of is left out.
    private mutating func flush() {
        guard turn.isWorthAMessage else {
            turn = AssistantTurn()
            return
        }
        isEmpty = false
        turn.write(into: &writer)
        turn = AssistantTurn()
    }
}

// MARK: - Items

extension ResponsesMessages {
    private mutating func addMessage(
        _ item: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let role = try ResponsesReader.required(
            ResponsesReader.word(
                "role", of: item, path, among: ["assistant", "system", "developer", "user"], in: document),
            "role", path)
        let content = try ResponsesReader.required(
            ResponsesReader.given("content", of: item, in: document), "content", path)
        if document.stringEquals(role, "assistant") {
            // A second text without calls in between is a message of its own.
            if turn.hasText, !turn.hasCalls { flush() }
            try turn.addText(content, "\(path).content", in: document)
            return
        }
        flush()
        isEmpty = false
        writer.beginObject()
        writer.member("role", .bytes(document.text(of: role)))
        writer.key("content")
        try ResponsesContent.write(content, "\(path).content", into: &writer, in: document)
        writer.endObject()
    }

    private mutating func addCall(
        _ item: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let id = try ResponsesReader.requiredName("call_id", of: item, path, in: document)
        let name = try ResponsesReader.requiredName("name", of: item, path, in: document)
        let arguments = try ResponsesReader.required(
            ResponsesReader.string("arguments", of: item, path, in: document), "arguments", path)
        turn.addCall(id: id, name: name, arguments: arguments, in: document)
    }

    private mutating func addOutput(
        _ item: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let id = try ResponsesReader.requiredName("call_id", of: item, path, in: document)
        let output = try ResponsesReader.required(
            ResponsesReader.given("output", of: item, in: document), "output", path)
        flush()
        isEmpty = false
        writer.beginObject()
        writer.member("role", .raw("\"tool\""))
        writer.member("tool_call_id", .bytes(document.text(of: id)))
        writer.key("content")
        try ResponsesContent.write(output, "\(path).output", into: &writer, in: document)
        writer.endObject()
    }

    /// The text is in `content`, or in `summary` where that is all that was shown. What is encrypted is another
    /// provider's and left out.
    private mutating func addReasoning(
        _ item: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        if turn.hasText, !turn.hasCalls { flush() }
        for name: StaticString in ["content", "summary"] {
            guard let parts = try ResponsesReader.array(name, of: item, path, in: document) else { continue }
            var hasText = false
            for part in document.elements(of: parts) {
                try ResponsesReader.checkObject(part, "\(path).\(name)", in: document)
                guard let text = try ResponsesReader.string("text", of: part, "\(path).\(name)", in: document),
                    !document.stringEquals(text, "")
                else { continue }
                turn.addReasoning(text, in: document)
                hasText = true
            }
            if hasText { return }
        }
    }
}

/// An assistant's message that is being put together. Strings are held as they are written, without quotation marks.
private struct AssistantTurn {
    private var reasoning = ByteBuffer()
    private var text = ByteBuffer()
    private var calls = ByteBuffer()
    private(set) var hasText = false

    var hasCalls: Bool { calls.readableBytes > 0 }
    var isWorthAMessage: Bool { hasText || hasCalls }

    mutating func addReasoning(_ piece: JSONNode, in document: borrowing JSONDocument) {
        if reasoning.readableBytes > 0 { reasoning.writeStaticString("\\n\\n") }
        reasoning.writeImmutableBuffer(ResponsesReader.body(of: piece, in: document))
    }

    mutating func addText(
        _ content: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        if text.readableBytes > 0 { text.writeStaticString("\\n\\n") }
        try ResponsesContent.appendSpokenText(of: content, path, to: &text, in: document)
        hasText = true
    }

    mutating func addCall(id: JSONNode, name: JSONNode, arguments: JSONNode, in document: borrowing JSONDocument) {
        if hasCalls { calls.writeStaticString(",") }
        calls.writeStaticString("{\"id\":")
        calls.writeImmutableBuffer(document.text(of: id))
        calls.writeStaticString(",\"type\":\"function\",\"function\":{\"name\":")
        calls.writeImmutableBuffer(document.text(of: name))
        calls.writeStaticString(",\"arguments\":")
        calls.writeImmutableBuffer(document.text(of: arguments))
        calls.writeStaticString("}}")
    }

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("role", .raw("\"assistant\""))
        writer.member("content", .bytes(Self.quoted(text)))
        if reasoning.readableBytes > 0 { writer.member("reasoning_content", .bytes(Self.quoted(reasoning))) }
        if hasCalls {
            writer.key("tool_calls")
            writer.beginArray()
            writer.value(.bytes(calls))
            writer.endArray()
        }
        writer.endObject()
    }

    private static func quoted(_ body: ByteBuffer) -> ByteBuffer {
        var string = ByteBuffer()
        string.writeStaticString("\"")
        string.writeImmutableBuffer(body)
        string.writeStaticString("\"")
        return string
    }
}
