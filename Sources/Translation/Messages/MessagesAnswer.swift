package import JSON
package import NIOCore

/// A whole chat completion as a message.
package struct MessagesAnswer: Sendable {
    /// The message, as JSON.
    package let body: ByteBuffer
    package let usage: TokenUsage?
    package let finishReason: FinishReason?

    /// Translates a chat completion, Qwen's own or one that was put together from a stream.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the text afterwards.
    ///   - showsThinking: the client wants the thoughts.
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`).
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, identity: MessagesIdentity, showsThinking: Bool = true,
        isPartial: Bool = false
    ) throws(ChatAnswer.Fault) {
        let answer = try ChatAnswer(text, document: &document, isPartial: isPartial)
        usage = answer.usage
        finishReason = answer.finishReason
        let root = document.root
        var choices = document.member("choices", of: root).map { document.elements(of: $0) }
        guard let choice = choices?.next(), let message = document.member("message", of: choice),
            document.kind(of: message) == .object
        else { throw .malformed }

        var output = ByteBuffer()
        output.reserveCapacity(text.readableBytes + 256)
        identity.writeOpening(into: &output)
        var blocks = MessagesAnswerBlocks(identity: identity)
        if showsThinking {
            blocks.write(thinking: document.member("reasoning_content", of: message), document, &output)
        }
        blocks.write(text: document.member("content", of: message), document, &output)
        blocks.write(calls: document.member("tool_calls", of: message), document, &output)
        output.writeStaticString("],")
        let sequence = MessagesStopReason.sequence(of: choice, in: document)
        MessagesStopReason(finishReason, hasCalls: blocks.calls > 0, hasStopSequence: sequence != nil)
            .write(sequence, into: &output)
        output.writeStaticString(#","usage":"#)
        MessagesUsage(usage ?? TokenUsage()).write(into: &output)
        output.writeStaticString("}")
        body = output
    }
}

/// Writes the content of a whole message.
private struct MessagesAnswerBlocks {
    let identity: MessagesIdentity
    private(set) var calls = 0
    private var isFirst = true

    init(identity: MessagesIdentity) {
        self.identity = identity
    }

    mutating func write(thinking node: JSONNode?, _ document: borrowing JSONDocument, _ output: inout ByteBuffer) {
        guard let text = Self.text(node, in: document) else { return }
        begin(&output)
        output.writeStaticString(#"{"type":"thinking","thinking":"#)
        output.writeImmutableBuffer(text)
        output.writeStaticString(#","signature":""}"#)
    }

    mutating func write(text node: JSONNode?, _ document: borrowing JSONDocument, _ output: inout ByteBuffer) {
        guard let text = Self.text(node, in: document) else { return }
        begin(&output)
        output.writeStaticString(#"{"type":"text","text":"#)
        output.writeImmutableBuffer(text)
        output.writeStaticString("}")
    }

    mutating func write(calls node: JSONNode?, _ document: borrowing JSONDocument, _ output: inout ByteBuffer) {
        guard let node else { return }
        for element in document.elements(of: node) where document.kind(of: element) == .object {
            let call = ToolCallPiece(element, in: document)
            begin(&output)
            output.writeStaticString(#"{"type":"tool_use","id":"#)
            if let id = Self.text(call.id, in: document) {
                output.writeImmutableBuffer(id)
            } else {
                identity.writeCallID(calls, into: &output)
            }
            output.writeStaticString(#","name":"#)
            output.writeImmutableBuffer(Self.text(call.name, in: document) ?? ByteBuffer(string: "\"\""))
            output.writeStaticString(#","input":"#)
            MessagesToolInput.write(call.arguments, in: document, into: &output)
            output.writeStaticString("}")
            calls += 1
        }
    }

    private mutating func begin(_ output: inout ByteBuffer) {
        if !isFirst { output.writeStaticString(",") }
        isFirst = false
    }

    /// A string that is not empty, as JSON.
    private static func text(_ node: JSONNode?, in document: borrowing JSONDocument) -> ByteBuffer? {
        guard let node, document.kind(of: node) == .string, !document.stringEquals(node, "") else { return nil }
        return document.text(of: node)
    }
}
