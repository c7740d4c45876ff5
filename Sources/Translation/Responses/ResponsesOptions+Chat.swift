import JSON
import NIOCore

extension ResponsesOptions {
    /// Parameters of Qwen's, and of chat completions, that clients of this dialect send beside OpenAI's own. They are
    /// passed on as they are.
    private static let passed = [
        "enable_thinking", "thinking_budget", "preserve_thinking", "search_options", "enable_code_interpreter",
        "top_k", "repetition_penalty", "presence_penalty", "frequency_penalty", "seed", "stop",
        "vl_high_resolution_images", "translation_options", "tool_stream",
    ]

    /// Begins the chat completion request that asks for the same: its messages come next.
    ///
    /// - Parameter capacity: the bytes that the request will need, about.
    func beginChat(capacity: Int, in document: borrowing JSONDocument) -> JSONWriter {
        var body = ByteBuffer()
        body.reserveCapacity(capacity)
        var chat = JSONWriter(body)
        chat.beginObject()
        if let model { chat.member("model", .bytes(document.text(of: model))) }
        chat.key("messages")
        return chat
    }

    /// Ends the request behind its messages.
    func endChat(_ writer: consuming JSONWriter, in document: borrowing JSONDocument) -> ByteBuffer {
        var chat = writer
        chat.member("stream", .bool(isStreaming))
        // A response always tells its usage.
        if isStreaming { chat.member("stream_options", .raw(#"{"include_usage":true}"#)) }
        tools.write(into: &chat, parallel: parallelToolCalls, in: document)
        if let effort { chat.member("reasoning_effort", .bytes(document.text(of: effort))) }
        writeFormat(into: &chat, in: document)
        if let maxOutputTokens { chat.member("max_completion_tokens", .integer(maxOutputTokens)) }
        if let temperature { chat.member("temperature", .bytes(document.text(of: temperature))) }
        if let topP { chat.member("top_p", .bytes(document.text(of: topP))) }
        if includesLogprobs || topLogprobs ?? 0 > 0 { chat.member("logprobs", .bool(true)) }
        if let topLogprobs, topLogprobs > 0 { chat.member("top_logprobs", .integer(topLogprobs)) }
        if !tools.searches, let node = ResponsesReader.given("enable_search", of: document.root, in: document) {
            chat.member("enable_search", .bytes(document.text(of: node)))
        }
        for name in Self.passed {
            guard let node = document.member(named: name, of: document.root), !document.isNull(node) else { continue }
            chat.member(name, .bytes(document.text(of: node)))
        }
        chat.endObject()
        return chat.buffer
    }

    private func writeFormat(into chat: inout JSONWriter, in document: borrowing JSONDocument) {
        switch format {
        case .text: break
        case .jsonObject: chat.member("response_format", .raw(#"{"type":"json_object"}"#))
        case .jsonSchema(let format):
            chat.key("response_format")
            chat.beginObject()
            chat.member("type", .raw("\"json_schema\""))
            chat.key("json_schema")
            chat.beginObject()
            for name in ["name", "description", "schema", "strict"] {
                guard let node = document.member(named: name, of: format), !document.isNull(node) else { continue }
                chat.member(name, .bytes(document.text(of: node)))
            }
            chat.endObject()
            chat.endObject()
        }
    }
}
