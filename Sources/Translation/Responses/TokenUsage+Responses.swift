import JSON
import NIOCore

extension TokenUsage {
    /// Appends the `usage` of a response.
    func writeResponses(into output: inout ByteBuffer) {
        output.writeStaticString("{\"input_tokens\":")
        JSONWriter.writeInteger(prompt, into: &output)
        output.writeStaticString(",\"input_tokens_details\":{\"cached_tokens\":")
        JSONWriter.writeInteger(cached, into: &output)
        output.writeStaticString(",\"cache_write_tokens\":")
        JSONWriter.writeInteger(written, into: &output)
        output.writeStaticString("},\"output_tokens\":")
        JSONWriter.writeInteger(completion, into: &output)
        output.writeStaticString(",\"output_tokens_details\":{\"reasoning_tokens\":")
        JSONWriter.writeInteger(reasoning, into: &output)
        output.writeStaticString("},\"total_tokens\":")
        JSONWriter.writeInteger(total, into: &output)
        output.writeStaticString("}")
    }
}
