import JSON

/// The tools of a request, and which of them the model may or must call.
///
/// Functions are Qwen's too. `web_search` is honoured by Qwen's own search (`enable_search`): the answer is made with
/// what was found, but Qwen's chat tells neither that it searched nor its sources, so that there are no
/// `web_search_call` items. `search_context_size: high` asks for the thorough strategy; `user_location` is a hint that
/// is not passed on. Everything else is refused: no answer pretends that a tool was there.
struct ResponsesTools {
    enum Choice: Equatable {
        case auto, none, required
        /// One function, by its name's node.
        case function(JSONNode)
    }

    private static let searchTypes = [
        "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
    ]

    /// The functions that the model may call: the tools' nodes.
    private(set) var functions: [JSONNode] = []
    private(set) var choice = Choice.auto
    private(set) var searches = false
    private(set) var forcesSearch = false
    private(set) var searchesThoroughly = false

    init(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        if let tools = try ResponsesReader.array("tools", of: document.root, in: document) {
            var index = 0
            for tool in document.elements(of: tools) {
                try add(tool, "tools[\(index)]", in: document)
                index += 1
            }
        }
        if let node = ResponsesReader.given("tool_choice", of: document.root, in: document) {
            try choose(node, in: document)
        }
    }

    private mutating func add(
        _ tool: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try ResponsesReader.checkObject(tool, path, in: document)
        let type = try ResponsesReader.requiredName("type", of: tool, path, in: document)
        if document.stringEquals(type, "function") {
            _ = try ResponsesReader.requiredName("name", of: tool, path, in: document)
            _ = try ResponsesReader.string("description", of: tool, path, in: document)
            _ = try ResponsesReader.object("parameters", of: tool, path, in: document)
            _ = try ResponsesReader.flag("strict", of: tool, path, in: document)
            functions.append(tool)
        } else if Self.isSearch(type, in: document) {
            try addSearch(tool, path, in: document)
        } else {
            throw InvalidRequest(
                "The tool '\(ResponsesReader.shown(type, in: document))' can't be used: Qwen has no such tool. "
                    + "Supported are 'function' and 'web_search'.", param: "\(path).type", code: "unsupported_value")
        }
    }

    private mutating func addSearch(
        _ tool: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let size = try ResponsesReader.word(
            "search_context_size", of: tool, path, among: ["low", "medium", "high"], in: document)
        if let filters = try ResponsesReader.object("filters", of: tool, path, in: document) {
            for filter in document.members(of: filters) where !document.isNull(filter.value) {
                var domains = document.elements(of: filter.value)
                if document.kind(of: filter.value) == .array, domains.next() == nil { continue }
                throw InvalidRequest(
                    "'\(path).filters' can't be honoured: Qwen's web search takes no filters.",
                    param: "\(path).filters", code: "unsupported_parameter")
            }
        }
        searches = true
        if let size, document.stringEquals(size, "high") { searchesThoroughly = true }
    }

    private static func isSearch(_ type: JSONNode, in document: borrowing JSONDocument) -> Bool {
        for name in searchTypes where document.stringEquals(type, name) { return true }
        return false
    }
}

// MARK: - tool_choice

extension ResponsesTools {
    private mutating func choose(_ node: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        let param = "tool_choice"
        guard document.kind(of: node) == .string else { return try chooseTool(node, in: document) }
        if document.stringEquals(node, "auto") { return }
        if document.stringEquals(node, "none") {
            choice = .none
            searches = false
        } else if document.stringEquals(node, "required") {
            try require(param)
        } else {
            throw ResponsesReader.invalidValue(node, param, ["none", "auto", "required"], in: document)
        }
    }

    /// A tool must be called, any of those that there are.
    private mutating func require(_ param: String) throws(InvalidRequest) {
        guard !functions.isEmpty || searches else {
            throw InvalidRequest("Tool choice 'required' must be specified with 'tools' parameter.", param: param)
        }
        choice = .required
        forcesSearch = functions.isEmpty
    }

    private mutating func chooseTool(_ node: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        let param = "tool_choice"
        try ResponsesReader.checkObject(node, param, in: document)
        let type = try ResponsesReader.requiredName("type", of: node, param, in: document)
        if document.stringEquals(type, "function") {
            let name = try ResponsesReader.requiredName("name", of: node, param, in: document)
            guard function(named: name, in: document) != nil else { throw Self.notFound(name, param, in: document) }
            choice = .function(name)
            searches = false
        } else if Self.isSearch(type, in: document) {
            guard searches else { throw Self.notFound(type, param, in: document) }
            choice = .none
            forcesSearch = true
        } else if document.stringEquals(type, "allowed_tools") {
            try allow(node, in: document)
        } else {
            throw InvalidRequest(
                "The tool choice '\(ResponsesReader.shown(type, in: document))' can't be honoured: Qwen has no such "
                    + "tool.", param: "tool_choice.type", code: "unsupported_value")
        }
    }

    /// `allowed_tools`: the model sees those alone. (OpenAI shows it all of them, to keep its cache.)
    private mutating func allow(_ node: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        let path = "tool_choice"
        let mode = try ResponsesReader.required(
            ResponsesReader.word("mode", of: node, path, among: ["auto", "required"], in: document), "mode", path)
        let list = try ResponsesReader.required(
            ResponsesReader.array("tools", of: node, path, in: document), "tools", path)
        var allowed: [JSONNode] = []
        var allowsSearch = false
        var index = 0
        for tool in document.elements(of: list) {
            let path = "tool_choice.tools[\(index)]"
            index += 1
            try ResponsesReader.checkObject(tool, path, in: document)
            let type = try ResponsesReader.requiredName("type", of: tool, path, in: document)
            if searches, Self.isSearch(type, in: document) {
                allowsSearch = true
                continue
            }
            guard document.stringEquals(type, "function") else { throw Self.notFound(type, path, in: document) }
            let name = try ResponsesReader.requiredName("name", of: tool, path, in: document)
            guard let found = function(named: name, in: document) else {
                throw Self.notFound(name, path, in: document)
            }
            if !allowed.contains(found) { allowed.append(found) }
        }
        functions = allowed
        searches = allowsSearch
        if document.stringEquals(mode, "required") { try require("tool_choice.tools") }
    }

    private func function(named name: JSONNode, in document: borrowing JSONDocument) -> JSONNode? {
        guard let name = document.string(name) else { return nil }
        for tool in functions {
            if let node = document.member("name", of: tool), document.stringEquals(node, name) { return tool }
        }
        return nil
    }

    private static func notFound(
        _ name: JSONNode, _ param: String, in document: borrowing JSONDocument
    ) -> InvalidRequest {
        InvalidRequest(
            "Tool choice '\(ResponsesReader.shown(name, in: document))' not found in 'tools' parameter.", param: param)
    }
}

// MARK: - Chat

extension ResponsesTools {
    /// Writes the members of a chat completion request that say the same: the form of functions is nested there.
    func write(into chat: inout JSONWriter, parallel: Bool, in document: borrowing JSONDocument) {
        if !functions.isEmpty {
            chat.key("tools")
            chat.beginArray()
            for tool in functions { Self.write(tool, into: &chat, in: document) }
            chat.endArray()
            switch choice {
            case .auto: break
            case .none: chat.member("tool_choice", .raw("\"none\""))
            case .required: chat.member("tool_choice", .raw("\"required\""))
            case .function(let name):
                chat.key("tool_choice")
                chat.beginObject()
                chat.member("type", .raw("\"function\""))
                chat.key("function")
                chat.beginObject()
                chat.member("name", .bytes(document.text(of: name)))
                chat.endObject()
                chat.endObject()
            }
            chat.member("parallel_tool_calls", .bool(parallel))
        }
        guard searches else { return }
        chat.member("enable_search", .bool(true))
        guard ResponsesReader.given("search_options", of: document.root, in: document) == nil else { return }
        switch (forcesSearch, searchesThoroughly) {
        case (true, true): chat.member("search_options", .raw(#"{"forced_search":true,"search_strategy":"max"}"#))
        case (true, false): chat.member("search_options", .raw(#"{"forced_search":true}"#))
        case (false, true): chat.member("search_options", .raw(#"{"search_strategy":"max"}"#))
        case (false, false): break
        }
    }

    private static func write(_ tool: JSONNode, into chat: inout JSONWriter, in document: borrowing JSONDocument) {
        chat.beginObject()
        chat.member("type", .raw("\"function\""))
        chat.key("function")
        chat.beginObject()
        for name in ["name", "description", "parameters", "strict"] {
            guard let node = document.member(named: name, of: tool), !document.isNull(node) else { continue }
            chat.member(name, .bytes(document.text(of: node)))
        }
        chat.endObject()
        chat.endObject()
    }
}
