package import JSON
package import NIOCore

/// A chat completion that Qwen gave as one document: checked, and passed on as it is.
package struct ChatAnswer: Sendable {
    /// Why a document is no answer.
    package enum Fault: Error, Equatable {
        /// It is no JSON object.
        case malformed
        /// It is an error of Qwen's: the `document` that was passed holds it.
        case upstream
    }

    /// The document for the client.
    package let body: ByteBuffer
    package let usage: TokenUsage?
    /// Why a choice ended, the last one of several.
    package let finishReason: FinishReason?

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the text afterwards.
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`): then each choice
    ///     ends with `length`.
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, isPartial: Bool = false
    ) throws(Fault) {
        guard (try? document.scan(text)) != nil, let answer = ChatChunk(document) else { throw .malformed }
        guard let choices = answer.choices, !answer.isFault else { throw .upstream }
        var last: FinishReason?
        for node in document.elements(of: choices) {
            let choice = ChatChunkChoice(node, in: document)
            if let reason = choice.finishReason {
                if FinishReason.isError(reason, in: document) { throw .upstream }
                last = FinishReason(reason, in: document)
            }
            guard isPartial, document.kind(of: node) == .object else { continue }
            last = .length
            if let finish = choice.finish {
                document.replace(finish, with: .raw("\"length\""))
            } else {
                document.append("finish_reason", .raw("\"length\""), to: node)
            }
        }
        finishReason = last
        usage = answer.usage.flatMap { TokenUsage($0, in: document) }
        guard document.isEdited else {
            body = text
            return
        }
        var edited = ByteBuffer()
        edited.reserveCapacity(text.readableBytes + 64)
        // The edits touch no byte twice, so this can't fail.
        guard (try? document.write(into: &edited)) != nil else { throw .malformed }
        body = edited
    }
}
