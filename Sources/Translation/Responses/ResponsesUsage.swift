import JSON
import NIOCore

/// The tokens that a response has cost, in this dialect's words. What Qwen does not say is zero.
package struct ResponsesUsage: Sendable, Equatable {
    /// All of the prompt, `cached` and `written` among them.
    package private(set) var input = 0
    /// Read from Qwen's cache.
    package private(set) var cached = 0
    /// Written to it.
    package private(set) var written = 0
    /// All that was generated, `reasoning` among them.
    package private(set) var output = 0
    package private(set) var reasoning = 0
    package private(set) var total = 0

    /// Reads the `usage` of a chat completion; nil if the node is no object.
    init?(_ usage: JSONNode, in document: borrowing JSONDocument) {
        guard document.kind(of: usage) == .object else { return nil }
        input = Self.count("prompt_tokens", of: usage, in: document)
        output = Self.count("completion_tokens", of: usage, in: document)
        total = max(Self.count("total_tokens", of: usage, in: document), input + output)
        if let details = document.member("prompt_tokens_details", of: usage) {
            cached = Self.count("cached_tokens", of: details, in: document)
            written = Self.count("cache_creation_input_tokens", of: details, in: document)
        }
        if let details = document.member("completion_tokens_details", of: usage) {
            reasoning = Self.count("reasoning_tokens", of: details, in: document)
        }
    }

    /// More than any model can take: what is above is nonsense, and sums of it must not overflow.
    private static let most = 1 << 40

    private static func count(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) -> Int {
        let count = document.member(name, of: object).flatMap { document.integer($0) } ?? 0
        return min(max(count, 0), most)
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString("{\"input_tokens\":")
        JSONWriter.writeInteger(input, into: &output)
        output.writeStaticString(",\"input_tokens_details\":{\"cached_tokens\":")
        JSONWriter.writeInteger(cached, into: &output)
        output.writeStaticString(",\"cache_write_tokens\":")
        JSONWriter.writeInteger(written, into: &output)
        output.writeStaticString("},\"output_tokens\":")
        JSONWriter.writeInteger(self.output, into: &output)
        output.writeStaticString(",\"output_tokens_details\":{\"reasoning_tokens\":")
        JSONWriter.writeInteger(reasoning, into: &output)
        output.writeStaticString("},\"total_tokens\":")
        JSONWriter.writeInteger(total, into: &output)
        output.writeStaticString("}")
    }
}
