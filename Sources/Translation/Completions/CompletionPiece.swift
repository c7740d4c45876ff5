import JSON
import NIOCore

/// What one element of `choices` has of a completion: a chat's delta or message, or a text of the completions
/// endpoint.
struct CompletionPiece {
    /// The text as it is written in JSON, without quotation marks and without a copy; nil if there is none.
    private(set) var text: ByteBuffer?
    let finishReason: JSONNode?
    let logprobs: JSONNode?

    init(_ node: JSONNode, _ choice: ChatChunkChoice, in document: borrowing JSONDocument) {
        finishReason = choice.finishReason
        logprobs = document.given(choice.logprobs)
        let content =
            if let delta = choice.delta {
                document.member("content", of: delta)
            } else if let message = document.member("message", of: node) {
                document.member("content", of: message)
            } else {
                document.member("text", of: node)
            }
        text = content.flatMap { document.rawStringBody($0) }
        if text?.readableBytes == 0 { text = nil }
    }
}

extension FinishReason {
    /// Appends the reason as this dialect has it, which knows no calls of tools: `length`, `content_filter` or `stop`;
    /// an unknown word as it is written.
    static func writeLegacy(_ node: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer) {
        switch FinishReason(node, in: document) {
        case .length: output.writeStaticString("\"length\"")
        case .contentFilter: output.writeStaticString("\"content_filter\"")
        case .stop, .toolCalls, .functionCall: output.writeStaticString("\"stop\"")
        case .other: output.writeImmutableBuffer(document.text(of: node))
        }
    }
}

extension TokenUsage {
    /// Appends the `usage` object of a text completion. Details are given where there are some.
    func writeLegacy(into output: inout ByteBuffer) {
        output.writeStaticString("{\"prompt_tokens\":")
        JSONWriter.writeInteger(prompt, into: &output)
        output.writeStaticString(",\"completion_tokens\":")
        JSONWriter.writeInteger(completion, into: &output)
        output.writeStaticString(",\"total_tokens\":")
        JSONWriter.writeInteger(total, into: &output)
        if cached > 0 {
            output.writeStaticString(",\"prompt_tokens_details\":{\"cached_tokens\":")
            JSONWriter.writeInteger(cached, into: &output)
            output.writeStaticString("}")
        }
        if reasoning > 0 {
            output.writeStaticString(",\"completion_tokens_details\":{\"reasoning_tokens\":")
            JSONWriter.writeInteger(reasoning, into: &output)
            output.writeStaticString("}")
        }
        output.writeStaticString("}")
    }
}

extension ChatIdentity {
    /// Appends the beginning of a chunk or an answer of text completions, up to its first choice.
    func writeLegacyOpening(into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"object\":\"text_completion\",\"created\":")
        JSONWriter.writeInteger(created, into: &output)
        output.writeStaticString(",\"model\":")
        JSONWriter.writeString(model, into: &output)
        output.writeStaticString(",\"choices\":[")
    }
}
