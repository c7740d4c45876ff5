package import JSON
package import NIOCore

/// A request to Anthropic's Messages API (`POST /v1/messages`), as the chat completions request that it becomes.
///
/// Where the two APIs differ in more than spelling:
/// - What is sent of a conversation: `MessagesConversation`. Tools, Anthropic's own among them: `MessagesTools`.
/// - Thinking that is not mentioned is left to the model, as Qwen's own Anthropic endpoint does; only a conversation
///   that ends in the beginning of an answer goes without, since Qwen continues nothing while it thinks.
/// - `max_tokens` limits the answer; on most of Qwen's models thinking has its own budget.
/// - Ignored, since nothing the client gets depends on them: `metadata` (its user is nobody that Qwen needs to know),
///   `service_tier`, `context_management`, members that are not known. Refused, since the answer would not be what was
///   asked for: `container`, `mcp_servers`, `inference_geo`.
/// - Qwen's own parameters (`preserve_thinking`, `enable_search`, …) go through.
package struct MessagesRequest: Sendable {
    /// The model that the client named; nil if it named none, which the gateway allows where Anthropic does not.
    package let model: String?
    /// The client wants an event stream.
    package let isStreaming: Bool
    /// Whether the client wants to see what the model thinks (`thinking.display` is not `omitted`).
    package let showsThinking: Bool
    /// A chat completions request that says the same.
    package let chatBody: ByteBuffer
    /// What the request costs, by `MessagesTokenEstimate`: for the beginning of a stream, when Qwen has not counted
    /// yet. 0 if the client does not stream.
    package let estimatedInputTokens: Int

    /// Checks and translates a request's body.
    ///
    /// - Parameter document: scratch storage; it holds the request as the client sent it afterwards.
    package init(_ text: ByteBuffer, document: inout JSONDocument) throws(InvalidRequest) {
        try self.init(text, document: &document, isForCounting: false)
    }

    /// - Parameter isForCounting: the request asks for no answer, but what it would cost: limits may be missing.
    init(_ text: ByteBuffer, document: inout JSONDocument, isForCounting: Bool) throws(InvalidRequest) {
        try document.scanRequestObject(text)
        try MessagesOptions.refuseUnsupported(in: document)

        var body = MessagesChatWriter(capacity: text.readableBytes + text.readableBytes / 8 + 512)
        body.json.beginObject()
        model = try Self.writeModel(into: &body, document)
        let tools = try MessagesTools(document)
        let thinking = try MessagesThinking(document)
        body.json.key("messages")
        body.json.beginArray()
        try MessagesSystem.write(into: &body, document)
        var conversation = MessagesConversation(document)
        try conversation.write(into: &body, document)
        body.json.endArray()
        try MessagesOptions.write(into: &body, needsLimit: !isForCounting, document)
        tools.write(into: &body, document)
        thinking.write(continuesAnswer: conversation.continuesAnswer, into: &body)
        isStreaming = try MessagesOptions.writeStream(into: &body, document)
        body.json.endObject()

        showsThinking = thinking.isShown
        chatBody = body.json.buffer
        estimatedInputTokens = isForCounting || isStreaming ? MessagesTokenEstimate.tokens(of: document) : 0
    }

    private static func writeModel(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) -> String? {
        guard let node = document.given(document.member("model", of: document.root)) else { return nil }
        guard document.kind(of: node) == .string else {
            throw MessagesPath("model").fault("Input should be a valid string")
        }
        body.member("model", node, in: document)
        return document.string(node)
    }
}
