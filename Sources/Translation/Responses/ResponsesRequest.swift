package import JSON
package import NIOCore

/// A request for a response (`POST /v1/responses`), as the chat completion request that asks Qwen for the same.
///
/// The client's strings, schemas and arguments are copied as they are written. A request that builds on what was
/// stored has `references`: then `chatBody` is empty until `resolve` is given what the store has for them.
package struct ResponsesRequest: Sendable {
    /// nil if the request names none: then `chatBody` doesn't either.
    package let model: String?
    package let isStreaming: Bool
    /// The client wants the response to be kept (`store: true`; unlike at OpenAI it is not unless it says so).
    package let isStored: Bool
    package let references: ResponsesReferences
    /// What the answer repeats.
    package let echo: ResponsesEcho
    /// A chat completion request.
    package private(set) var chatBody = ByteBuffer()
    /// The input's items, to be stored with the response; empty if it is not.
    package private(set) var inputItems: [StoredItem] = []

    /// The request's text, as long as `resolve` may need it.
    private var text: ByteBuffer?

    /// Checks and translates a request's body.
    ///
    /// - Parameter document: scratch storage; it holds the request afterwards.
    package init(_ text: ByteBuffer, document: inout JSONDocument) throws(InvalidRequest) {
        try document.scanRequestObject(text)
        let options = try ResponsesOptions(document)
        model = options.model.flatMap { document.string($0) }.flatMap { $0.isEmpty ? nil : $0 }
        isStreaming = options.isStreaming
        isStored = options.isStored
        echo = ResponsesEcho(options, in: document)
        references = try ResponsesReferences(options, in: document)
        if references.isEmpty {
            try build(options, ResolvedReferences(), document)
        } else {
            self.text = text
        }
    }

    /// Translates a request with `references`, once the store has said what they stand for.
    ///
    /// - Parameter document: scratch storage.
    package mutating func resolve(
        _ resolved: ResolvedReferences, document: inout JSONDocument
    ) throws(InvalidRequest) {
        guard let text else { return }
        self.text = nil
        do {
            try document.scan(text)
        } catch {
            throw InvalidRequest("The body is not valid JSON: \(error)")
        }
        try build(ResponsesOptions(document), resolved, document)
    }

    private mutating func build(
        _ options: ResponsesOptions, _ resolved: ResolvedReferences, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let earlier = resolved.history.reduce(0) { $0 + $1.text.readableBytes }
        var messages = ResponsesMessages(
            options.beginChat(capacity: document.bytes.readableBytes + earlier + 1024, in: document))
        if let instructions = options.instructions { messages.addInstructions(instructions, in: document) }
        var stored = JSONDocument()
        for item in resolved.history {
            try Self.add(item.text, to: &messages, "previous_response_id", &stored)
        }
        if let input = options.input {
            try addInput(input, to: &messages, resolved, document, &stored)
        } else if resolved.history.isEmpty {
            throw InvalidRequest(
                "Missing required parameter: 'input'.", param: "input", code: "missing_required_parameter")
        }
        let chat = messages.finish()
        if messages.isEmpty {
            throw InvalidRequest("'input' must hold at least one message.", param: "input", code: "invalid_value")
        }
        chatBody = options.endChat(chat, in: document)
    }

    private mutating func addInput(
        _ input: JSONNode, to messages: inout ResponsesMessages, _ resolved: ResolvedReferences,
        _ document: borrowing JSONDocument, _ stored: inout JSONDocument
    ) throws(InvalidRequest) {
        switch document.kind(of: input) {
        case .string:
            messages.addUserText(input, in: document)
            if isStored { inputItems = [StoredItem(userText: document.text(of: input))] }
        case .array:
            var index = 0
            for item in document.elements(of: input) {
                let path = "input[\(index)]"
                index += 1
                if let id = ResponsesReferences.referenced(item, in: document) {
                    try ResponsesReader.checkObject(item, path, in: document)
                    guard let text = document.string(id).flatMap({ resolved.items[$0] }) else {
                        throw ResponsesReferences.itemNotFound(id, path, in: document)
                    }
                    try Self.add(text, to: &messages, path, &stored)
                    if isStored { inputItems.append(StoredItem(copying: text)) }
                    continue
                }
                try messages.add(item, path, in: document)
                if isStored { inputItems.append(StoredItem(item, in: document)) }
            }
        default: throw ResponsesReader.invalidType("input", "a string or an array of items")
        }
    }

    /// Adds an item that was stored.
    private static func add(
        _ text: ByteBuffer, to messages: inout ResponsesMessages, _ path: String, _ document: inout JSONDocument
    ) throws(InvalidRequest) {
        do {
            try document.scan(text)
        } catch {
            throw InvalidRequest("A stored item can't be read: \(error)", param: path)
        }
        try messages.add(document.root, path, in: document)
    }
}
