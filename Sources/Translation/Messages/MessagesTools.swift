import JSON
import NIOCore

/// The tools of a request and how to choose among them.
///
/// The client's own tools become functions. Of those that Anthropic defines or runs itself, the web search becomes
/// Qwen's (`enable_search`): the answer is made with it, but has no blocks that tell what was searched and found, since
/// Qwen does not say. What would have to be kept to certain sites, and all other tools of Anthropic's, are refused.
struct MessagesTools {
    private enum Choice {
        case auto, none, any
        /// A function's name.
        case function(JSONNode)
        case search
    }

    private var functions: [JSONNode] = []
    /// The names of the functions, and what the web search is called.
    private var names: [JSONNode] = []
    private var search: JSONNode?
    private var choice: Choice?
    private var isParallel = true

    init(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        if let list = document.given(document.member("tools", of: document.root)) {
            guard document.kind(of: list) == .array else {
                throw MessagesPath("tools").fault("Input should be a valid list")
            }
            var count = 0
            for tool in document.elements(of: list) {
                try read(tool, at: MessagesPath("tools", count), in: document)
                count += 1
            }
        }
        guard let node = document.given(document.member("tool_choice", of: document.root)) else { return }
        try readChoice(node, in: document)
    }

    private mutating func read(
        _ tool: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try path.checkObject(tool, in: document)
        let type = try path.optionalString("type", of: tool, in: document).flatMap { document.string($0) }
        guard type == nil || type == "custom" else {
            return try readServerTool(tool, type ?? "", at: path, in: document)
        }
        let name = try path.string("name", of: tool, in: document)
        guard !document.stringEquals(name, "") else {
            throw path.fault("name", "String should have at least 1 character")
        }
        _ = try path.optionalString("description", of: tool, in: document)
        _ = try path.flag("strict", of: tool, in: document)
        let schema = try path.required("input_schema", of: tool, in: document)
        guard document.kind(of: schema) == .object else {
            throw path.fault("input_schema", "Input should be an object")
        }
        functions.append(tool)
        names.append(name)
    }

    private mutating func readServerTool(
        _ tool: JSONNode, _ type: String, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard type.hasPrefix("web_search_") else {
            throw path.fault(
                """
                Tools of type '\(InvalidRequest.shown(type))' are Anthropic's own and not supported: Qwen does not \
                know them. Describe the tool with a name and an input_schema instead.
                """)
        }
        for name: StaticString in ["allowed_domains", "blocked_domains"] {
            if let domains = document.member(name, of: tool), !document.isEmptyList(domains) {
                throw path.fault(name, "Qwen's web search can't be kept to or from certain domains.")
            }
        }
        search = tool
        names.append(try path.string("name", of: tool, in: document))
    }

    private mutating func readChoice(_ node: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        let path = MessagesPath("tool_choice")
        try path.checkObject(node, in: document)
        let type = try path.type(of: node, in: document)
        isParallel = try path.flag("disable_parallel_tool_use", of: node, in: document) != true
        switch type {
        case "auto": choice = .auto
        case "none": choice = Choice.none
        case "any":
            guard !names.isEmpty else { throw path.fault("Tool choice 'any' needs at least one tool in `tools`.") }
            choice = functions.isEmpty ? .search : .any
        case "tool":
            let name = document.string(try path.string("name", of: node, in: document)) ?? ""
            guard let found = names.first(where: { document.stringEquals($0, name) }) else {
                throw path.fault("Tool '\(InvalidRequest.shown(name))' not found in provided tools")
            }
            let isSearch = search.flatMap { document.member("name", of: $0) } == found
            choice = isSearch ? .search : .function(found)
        default: throw path.unknownType(type, expected: ["any", "auto", "none", "tool"])
        }
    }

    // MARK: Writing

    func write(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        writeSearch(into: &body, document)
        if functions.isEmpty { return }
        body.json.key("tools")
        body.json.beginArray()
        for tool in functions { writeFunction(tool, into: &body, document) }
        body.json.endArray()
        if let choice { write(choice, into: &body, document) }
        // Anthropic's default is several calls at once, Qwen's is one.
        body.json.member("parallel_tool_calls", .bool(isParallel))
    }

    private func write(_ choice: Choice, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.json.key("tool_choice")
        switch choice {
        case .auto: body.json.value(.raw("\"auto\""))
        case .any: body.json.value(.raw("\"required\""))
        // The search is not one of the functions: none of them is to be called.
        case .none, .search: body.json.value(.raw("\"none\""))
        case .function(let name):
            body.json.beginObject()
            body.json.member("type", .raw("\"function\""))
            body.json.key("function")
            body.json.beginObject()
            body.member("name", name, in: document)
            body.json.endObject()
            body.json.endObject()
        }
    }

    private func writeFunction(
        _ tool: JSONNode, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) {
        body.json.beginObject()
        body.json.member("type", .raw("\"function\""))
        body.json.key("function")
        body.json.beginObject()
        if let name = document.member("name", of: tool) { body.member("name", name, in: document) }
        if let description = document.given(document.member("description", of: tool)) {
            body.member("description", description, in: document)
        }
        if let schema = document.member("input_schema", of: tool) { body.member("parameters", schema, in: document) }
        if let strict = document.given(document.member("strict", of: tool)) {
            body.member("strict", strict, in: document)
        }
        body.json.endObject()
        if document.given(document.member("cache_control", of: tool)) != nil { body.cacheMarker() }
        body.json.endObject()
    }

    private func writeSearch(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        guard search != nil else {
            // Qwen's own parameter.
            if let own = document.given(document.member("enable_search", of: document.root)) {
                body.member("enable_search", own, in: document)
            }
            return
        }
        if case Choice.none? = choice { return }
        body.json.member("enable_search", .bool(true))
        if case .search? = choice, document.given(document.member("search_options", of: document.root)) == nil {
            body.json.member("search_options", .raw(#"{"forced_search":true}"#))
        }
    }
}
