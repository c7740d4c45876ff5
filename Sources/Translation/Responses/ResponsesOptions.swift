import JSON

/// The members of a request beside its input, checked. Nodes are those of the request's text.
///
/// Refused, since nothing of the kind exists here: `background`, `conversation`, `prompt` (a template stored at
/// OpenAI), `context_management`. Accepted without effect: `text.verbosity`, `service_tier`, `truncation` (a prompt
/// that is too long is Qwen's to refuse), `max_tool_calls` (it counts built-in tools), `prompt_cache_key`,
/// `safety_identifier`, `user`, `stream_options`, `include` but for logprobs, and whatever is unknown.
struct ResponsesOptions {
    enum Format {
        case text, jsonObject
        /// The node of `text.format`.
        case jsonSchema(JSONNode)
    }

    let model: JSONNode?
    let isStreaming: Bool
    let isStored: Bool
    let previousResponseID: JSONNode?
    let instructions: JSONNode?
    let input: JSONNode?
    /// `reasoning.effort` and `reasoning.summary`.
    let effort: JSONNode?
    let summary: JSONNode?
    let text: JSONNode?
    let format: Format
    let tools: ResponsesTools
    let parallelToolCalls: Bool
    let maxOutputTokens: Int?
    let maxToolCalls: Int?
    let topLogprobs: Int?
    let includesLogprobs: Bool
    let temperature: JSONNode?
    let topP: JSONNode?
    let metadata: JSONNode?

    private static let includes = [
        "code_interpreter_call.outputs", "computer_call_output.output.image_url", "file_search_call.results",
        "message.input_image.image_url", "message.output_text.logprobs", "reasoning.encrypted_content",
        "web_search_call.action.sources", "web_search_call.results",
    ]

    init(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        let root = document.root
        try Self.refuseUnsupported(document)
        model = try ResponsesReader.string("model", of: root, in: document)
        isStreaming = try ResponsesReader.flag("stream", of: root, in: document) ?? false
        isStored = try ResponsesReader.flag("store", of: root, in: document) ?? false
        previousResponseID = try ResponsesReader.string("previous_response_id", of: root, in: document)
        instructions = try ResponsesReader.string("instructions", of: root, in: document)
        input = ResponsesReader.given("input", of: root, in: document)
        let reasoning = try ResponsesReader.object("reasoning", of: root, in: document)
        effort = try reasoning.flatMap { (node) throws(InvalidRequest) in
            try ResponsesReader.string("effort", of: node, "reasoning", in: document)
        }
        summary = try Self.summary(reasoning, document)
        text = try ResponsesReader.object("text", of: root, in: document)
        format = try Self.format(text, document)
        tools = try ResponsesTools(document)
        parallelToolCalls = try ResponsesReader.flag("parallel_tool_calls", of: root, in: document) ?? true
        maxOutputTokens = try ResponsesReader.integer("max_output_tokens", of: root, in: 16...Int.max, document)
        maxToolCalls = try ResponsesReader.integer("max_tool_calls", of: root, in: 0...Int.max, document)
        topLogprobs = try ResponsesReader.integer("top_logprobs", of: root, in: 0...20, document)
        includesLogprobs = try Self.includesLogprobs(document)
        temperature = try ResponsesReader.number("temperature", of: root, in: document)
        topP = try ResponsesReader.number("top_p", of: root, in: document)
        metadata = try Self.metadata(document)
        try Self.checkIgnored(document)
    }

    private static func refuseUnsupported(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        let root = document.root
        if try ResponsesReader.flag("background", of: root, in: document) == true {
            throw unsupported("background", "Responses are made while the client waits, with 'stream' or without.")
        }
        if ResponsesReader.given("conversation", of: root, in: document) != nil {
            throw unsupported("conversation", "Use 'previous_response_id' with 'store', or send the items as 'input'.")
        }
        if ResponsesReader.given("prompt", of: root, in: document) != nil {
            throw unsupported("prompt", "Send the prompt's text as 'instructions' and 'input'.")
        }
        if ResponsesReader.given("context_management", of: root, in: document) != nil {
            throw unsupported("context_management", "Shorten 'input' on your side.")
        }
    }

    private static func unsupported(_ name: String, _ advice: String) -> InvalidRequest {
        InvalidRequest("'\(name)' is not supported here. \(advice)", param: name, code: "unsupported_parameter")
    }

    private static func summary(
        _ reasoning: JSONNode?, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        guard let reasoning else { return nil }
        let words = ["auto", "concise", "detailed"]
        let old = try ResponsesReader.word(
            "generate_summary", of: reasoning, "reasoning", among: words, in: document)
        return try ResponsesReader.word("summary", of: reasoning, "reasoning", among: words, in: document) ?? old
    }

    private static func format(
        _ text: JSONNode?, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Format {
        guard let text else { return .text }
        _ = try ResponsesReader.word("verbosity", of: text, "text", among: ["low", "medium", "high"], in: document)
        guard let format = try ResponsesReader.object("format", of: text, "text", in: document) else { return .text }
        let path = "text.format"
        let type = try ResponsesReader.required(
            ResponsesReader.word(
                "type", of: format, path, among: ["text", "json_object", "json_schema"], in: document), "type", path)
        if document.stringEquals(type, "text") { return .text }
        if document.stringEquals(type, "json_object") { return .jsonObject }
        _ = try ResponsesReader.requiredName("name", of: format, path, in: document)
        _ = try ResponsesReader.required(
            ResponsesReader.object("schema", of: format, path, in: document), "schema", path)
        _ = try ResponsesReader.flag("strict", of: format, path, in: document)
        _ = try ResponsesReader.string("description", of: format, path, in: document)
        return .jsonSchema(format)
    }

    private static func includesLogprobs(_ document: borrowing JSONDocument) throws(InvalidRequest) -> Bool {
        guard let list = try ResponsesReader.array("include", of: document.root, in: document) else { return false }
        var includesLogprobs = false
        var index = 0
        for element in document.elements(of: list) {
            guard document.kind(of: element) == .string else {
                throw ResponsesReader.invalidType("include[\(index)]", "a string")
            }
            var isKnown = false
            for name in includes where document.stringEquals(element, name) { isKnown = true }
            guard isKnown else {
                throw ResponsesReader.invalidValue(element, "include[\(index)]", includes, in: document)
            }
            if document.stringEquals(element, "message.output_text.logprobs") { includesLogprobs = true }
            index += 1
        }
        return includesLogprobs
    }

    /// Up to 16 pairs, names of up to 64 characters, values of up to 512.
    private static func metadata(_ document: borrowing JSONDocument) throws(InvalidRequest) -> JSONNode? {
        guard let metadata = try ResponsesReader.object("metadata", of: document.root, in: document) else {
            return nil
        }
        var count = 0
        for member in document.members(of: metadata) {
            count += 1
            guard let name = document.string(member.key), name.unicodeScalars.count <= 64 else {
                throw InvalidRequest(
                    "Invalid 'metadata': a key is longer than 64 characters.", param: "metadata",
                    code: "string_above_max_length")
            }
            guard let value = document.string(member.value) else {
                throw ResponsesReader.invalidType(
                    "metadata.\(ResponsesReader.shown(member.key, in: document))", "a string")
            }
            guard value.unicodeScalars.count <= 512 else {
                throw InvalidRequest(
                    "Invalid 'metadata.\(name)': the value is longer than 512 characters.", param: "metadata.\(name)",
                    code: "string_above_max_length")
            }
        }
        guard count <= 16 else {
            throw InvalidRequest(
                "Invalid 'metadata': too many properties. Expected at most 16, but got \(count) instead.",
                param: "metadata", code: "object_above_max_properties")
        }
        return metadata
    }

    /// What is accepted without effect must still be of its type: a mistake shows here as it would at OpenAI.
    private static func checkIgnored(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        let root = document.root
        _ = try ResponsesReader.word("truncation", of: root, among: ["auto", "disabled"], in: document)
        _ = try ResponsesReader.string("service_tier", of: root, in: document)
        _ = try ResponsesReader.string("user", of: root, in: document)
        _ = try ResponsesReader.string("safety_identifier", of: root, in: document)
        _ = try ResponsesReader.string("prompt_cache_key", of: root, in: document)
        if let options = try ResponsesReader.object("stream_options", of: root, in: document) {
            _ = try ResponsesReader.flag("include_obfuscation", of: options, "stream_options", in: document)
        }
    }
}
