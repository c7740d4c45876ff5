import JSON
import NIOCore

/// Why an answer ended, as Anthropic says it (`stop_reason`).
enum MessagesStopReason: String, Sendable, CaseIterable {
    case endTurn = "end_turn"
    case maxTokens = "max_tokens"
    case stopSequence = "stop_sequence"
    case toolUse = "tool_use"
    case refusal

    /// - Parameters:
    ///   - reason: Qwen's; nil if it gave none.
    ///   - hasCalls: the answer calls tools. Some servings end such an answer with `stop`, and clients run tools by
    ///     the reason, not by the blocks.
    ///   - hasStopSequence: Qwen says which stop sequence it met. It usually does not, and then the end of a turn and a
    ///     stop sequence look the same: they are told as the end of a turn.
    init(_ reason: FinishReason?, hasCalls: Bool, hasStopSequence: Bool) {
        switch reason {
        case .length: self = .maxTokens
        case .contentFilter: self = .refusal
        case .stop, .toolCalls, .functionCall, .other, nil:
            self = hasCalls ? .toolUse : hasStopSequence ? .stopSequence : .endTurn
        }
    }

    /// Writes the members `stop_reason` and `stop_sequence`, which is a JSON string if there is one.
    func write(_ sequence: ByteBuffer?, into output: inout ByteBuffer) {
        output.writeStaticString(#""stop_reason":""#)
        output.writeString(rawValue)
        output.writeStaticString(#"","stop_sequence":"#)
        if self == .stopSequence, let sequence {
            output.writeImmutableBuffer(sequence)
        } else {
            output.writeStaticString("null")
        }
    }

    /// The stop sequence that a choice says it met, as a JSON string: no part of OpenAI's form, but some servings have
    /// it beside `finish_reason`.
    static func sequence(of choice: JSONNode, in document: borrowing JSONDocument) -> ByteBuffer? {
        let node = document.member("stop_reason", of: choice) ?? document.member("matched_stop", of: choice)
        guard let node, document.kind(of: node) == .string else { return nil }
        return document.copiedText(of: node)
    }
}
