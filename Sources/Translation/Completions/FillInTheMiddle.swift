import JSON
import NIOCore

/// How a model fills in the text between a prompt and a suffix, if it has learnt to.
///
/// Both ways write prompt and suffix between the same three markers. A client that writes the markers into its prompt
/// itself, as editors do, gets the same treatment.
enum FillInTheMiddle: Sendable, Equatable {
    /// Model Studio has the completions endpoint for these models (in Beijing alone, as of 2026).
    case completions
    /// The model's own documentation has it done in a chat, with a system message that says what is asked for.
    case chat

    /// nil if the model can't.
    init?(model: String) {
        let name = model.utf8.count <= 128 ? model.lowercased() : ""
        if name.hasPrefix("qwen-coder-turbo") || name.hasPrefix("qwen2.5-coder") {
            self = .completions
        } else if name.hasPrefix("qwen3-coder") {
            self = .chat
        } else {
            return nil
        }
    }

    static let systemMessage: StaticString = #"{"role":"system","content":"You are a code completion assistant."}"#

    /// Whether a prompt, as it is written in JSON, has the first marker in it. Its angle brackets are not looked at:
    /// some writers of JSON escape them.
    static func isMarked(_ prompt: ByteBuffer) -> Bool {
        let marker = "|fim_prefix|".utf8
        var rest = prompt.readableBytesView
        while let bar = rest.firstIndex(of: UInt8(ascii: "|")) {
            rest = rest[bar...]
            if rest.starts(with: marker) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// Appends a JSON string of prompt and suffix, both given as they are written in JSON without quotation marks.
    static func write(_ prompt: ByteBuffer, suffix: ByteBuffer?, into output: inout ByteBuffer) {
        output.writeStaticString("\"")
        if let suffix {
            output.writeStaticString("<|fim_prefix|>")
            output.writeImmutableBuffer(prompt)
            output.writeStaticString("<|fim_suffix|>")
            output.writeImmutableBuffer(suffix)
            output.writeStaticString("<|fim_middle|>")
        } else {
            output.writeImmutableBuffer(prompt)
        }
        output.writeStaticString("\"")
    }
}
