import JSON
import NIOCore

/// The tokens that an answer has cost, counted as Anthropic does: what came from the cache or went into it is no part
/// of `input`, while Qwen's `prompt_tokens` hold all three.
struct MessagesUsage: Sendable, Equatable {
    var input = 0
    /// `cache_read_input_tokens`.
    var cacheRead = 0
    /// `cache_creation_input_tokens`.
    var cacheCreation = 0
    /// All that was generated, `thinking` included.
    var output = 0
    var thinking = 0

    init(input: Int = 0) {
        self.input = input
    }

    init(_ usage: TokenUsage) {
        cacheRead = min(usage.cached, usage.prompt)
        cacheCreation = min(usage.written, usage.prompt - cacheRead)
        input = usage.prompt - cacheRead - cacheCreation
        output = usage.completion
        thinking = min(usage.reasoning, output)
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString(#"{"input_tokens":"#)
        JSONWriter.writeInteger(input, into: &output)
        output.writeStaticString(#","cache_creation_input_tokens":"#)
        JSONWriter.writeInteger(cacheCreation, into: &output)
        output.writeStaticString(#","cache_read_input_tokens":"#)
        JSONWriter.writeInteger(cacheRead, into: &output)
        output.writeStaticString(#","output_tokens":"#)
        JSONWriter.writeInteger(self.output, into: &output)
        if thinking > 0 {
            output.writeStaticString(#","output_tokens_details":{"thinking_tokens":"#)
            JSONWriter.writeInteger(thinking, into: &output)
            output.writeStaticString("}")
        }
        output.writeStaticString("}")
    }
}
