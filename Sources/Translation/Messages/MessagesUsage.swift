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

    /// Reads Qwen's `usage` object; nil if the node is none.
    init?(_ node: JSONNode, in document: borrowing JSONDocument) {
        guard let usage = TokenUsage(node, in: document) else { return nil }
        let prompt = usage.prompt
        cacheRead = min(usage.cached, prompt)
        cacheCreation = min(Self.created(node, in: document), prompt - cacheRead)
        input = prompt - cacheRead - cacheCreation
        output = usage.completion
        thinking = min(usage.reasoning, output)
    }

    /// The tokens that went into the cache. Qwen counts them where a request had markers, in one of several places.
    private static func created(_ usage: JSONNode, in document: borrowing JSONDocument) -> Int {
        let details = document.member("prompt_tokens_details", of: usage)
        for place in [usage, details] {
            guard let place else { continue }
            if let count = count("cache_creation_input_tokens", of: place, in: document) { return count }
            guard let creation = document.member("cache_creation", of: place) else { continue }
            if let count = count("ephemeral_5m_input_tokens", of: creation, in: document) { return count }
        }
        return 0
    }

    private static func count(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) -> Int? {
        document.member(name, of: object).flatMap { document.integer($0) }.map { max($0, 0) }
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
