import JSON
import NIOCore

/// Limits, sampling, the form of the answer.
enum MessagesOptions {
    /// Qwen's own parameters, which Anthropic has no word for.
    private static let ownParameters: [String] = [
        "preserve_thinking", "repetition_penalty", "presence_penalty", "seed", "search_options",
        "vl_high_resolution_images", "enable_code_interpreter",
    ]

    /// Throws for what the gateway can't do and the client can't do without.
    static func refuseUnsupported(in document: borrowing JSONDocument) throws(InvalidRequest) {
        let root = document.root
        if document.given(document.member("container", of: root)) != nil {
            throw MessagesPath("container").fault("Containers are not supported: Qwen has none.")
        }
        if let servers = document.member("mcp_servers", of: root), !document.isEmptyList(servers) {
            throw MessagesPath("mcp_servers").fault(
                "MCP servers are not supported: connect to them on the client's side and pass their tools as `tools`.")
        }
        if document.given(document.member("inference_geo", of: root)) != nil {
            throw MessagesPath("inference_geo").fault(
                "The region can't be chosen by the request: it is that of the gateway's credential.")
        }
    }

    static func write(
        into body: inout MessagesChatWriter, needsLimit: Bool, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try writeLimit(into: &body, isRequired: needsLimit, document)
        for name: StaticString in ["temperature", "top_p"] {
            try writeNumber(name, into: &body, document)
        }
        if let node = document.given(document.member("top_k", of: document.root)) {
            guard document.integer(node) != nil else {
                throw MessagesPath("top_k").fault("Input should be a valid integer")
            }
            body.member("top_k", node, in: document)
        }
        try writeStops(into: &body, document)
        try writeFormat(into: &body, document)
        for name in ownParameters {
            guard let node = document.given(document.member(named: name, of: document.root)) else { continue }
            body.member(name, node, in: document)
        }
    }

    /// - Returns: whether the client wants an event stream.
    static func writeStream(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Bool {
        guard let node = document.given(document.member("stream", of: document.root)) else { return false }
        guard let isStreaming = document.bool(node) else {
            throw MessagesPath("stream").fault("Input should be a valid boolean")
        }
        body.json.member("stream", .bool(isStreaming))
        return isStreaming
    }

    private static func writeLimit(
        into body: inout MessagesChatWriter, isRequired: Bool, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let path = MessagesPath("max_tokens")
        guard let node = document.given(document.member("max_tokens", of: document.root)) else {
            if isRequired { throw path.fault("Field required") }
            return
        }
        guard let limit = document.integer(node) else { throw path.fault("Input should be a valid integer") }
        guard limit >= 1 else { throw path.fault("Input should be greater than or equal to 1") }
        body.member("max_tokens", node, in: document)
    }

    private static func writeNumber(
        _ name: StaticString, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard let node = document.given(document.member(name, of: document.root)) else { return }
        guard document.kind(of: node) == .number else {
            throw MessagesPath(name).fault("Input should be a valid number")
        }
        body.member("\(name)", node, in: document)
    }

    private static func writeStops(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard let list = document.given(document.member("stop_sequences", of: document.root)) else { return }
        guard document.kind(of: list) == .array else {
            throw MessagesPath("stop_sequences").fault("Input should be a valid list")
        }
        var count = 0
        for node in document.elements(of: list) {
            guard document.kind(of: node) == .string else {
                throw MessagesPath("stop_sequences", count).fault("Input should be a valid string")
            }
            count += 1
        }
        if count > 0 { body.member("stop", list, in: document) }
    }

    /// `output_config.format`, or `output_format` as it was called at first.
    private static func writeFormat(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        var path = MessagesPath("output_format")
        var format = document.given(document.member("output_format", of: document.root))
        if let config = document.given(document.member("output_config", of: document.root)),
            let node = document.given(document.member("format", of: config))
        {
            path = MessagesPath("output_config.format")
            format = node
        }
        guard let format else { return }
        try path.checkObject(format, in: document)
        let type = try path.type(of: format, in: document)
        guard type == "json_schema" else { throw path.unknownType(type, expected: ["json_schema"]) }
        let schema = try path.required("schema", of: format, in: document)
        guard document.kind(of: schema) == .object else { throw path.fault("schema", "Input should be an object") }
        body.json.key("response_format")
        body.json.beginObject()
        body.json.member("type", .raw("\"json_schema\""))
        body.json.key("json_schema")
        body.json.beginObject()
        body.json.member("name", .raw("\"answer\""))
        body.json.member("strict", .bool(true))
        body.member("schema", schema, in: document)
        body.json.endObject()
        body.json.endObject()
    }
}
