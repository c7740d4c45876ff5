import JSON
import NIOCore

/// What a chat completion request says, as far as the answer depends on it.
struct ChatRequest {
    /// What the request says of tools that must or must not be called.
    enum ToolChoice: Equatable {
        case free, none, required
        case function(String)

        var isForced: Bool { self != .free && self != .none }
    }

    struct Tool {
        var name: String
        /// JSON that fits the tool's schema.
        var arguments: String
    }

    var model = ""
    var streams = false
    var includesUsage = false
    var lastUserMessage = ""
    /// The last message is the result of a tool: another call would never end.
    var endsWithToolResult = false
    var tools: [Tool] = []
    var toolChoice = ToolChoice.free
    /// Whether the model reasons: what the request asks for, or else what the model does by itself.
    var thinks = false

    /// - Parameter document: a text that was scanned, with an object at its root.
    init(_ document: borrowing JSONDocument) {
        let root = document.root
        for member in document.members(of: root) {
            let value = member.value
            if document.stringEquals(member.key, "messages") {
                readMessages(document, value)
            } else if document.stringEquals(member.key, "model") {
                model = document.string(value) ?? ""
            } else if document.stringEquals(member.key, "stream") {
                streams = document.bool(value) ?? false
            } else if document.stringEquals(member.key, "stream_options") {
                includesUsage = document.member("include_usage", of: value).flatMap { document.bool($0) } ?? false
            } else if document.stringEquals(member.key, "tools") {
                tools = Self.tools(document, value)
            } else if document.stringEquals(member.key, "tool_choice") {
                toolChoice = Self.toolChoice(document, value)
            }
        }
        thinks = Self.thinks(document, ModelFacts(model))
    }

    private mutating func readMessages(_ document: borrowing JSONDocument, _ messages: JSONNode) {
        for message in document.elements(of: messages) {
            guard let role = document.member("role", of: message) else { continue }
            endsWithToolResult = document.stringEquals(role, "tool")
            guard document.stringEquals(role, "user"), let content = document.member("content", of: message) else {
                continue
            }
            lastUserMessage = Self.text(document, content)
        }
    }

    /// The text of a message's content: a string, or the text parts of an array.
    static func text(_ document: borrowing JSONDocument, _ content: JSONNode) -> String {
        if let text = document.string(content) { return text }
        var text = ""
        for part in document.elements(of: content) {
            guard let value = document.member("text", of: part), let piece = document.string(value) else { continue }
            if !text.isEmpty { text += " " }
            text += piece
        }
        return text
    }

    private static func thinks(_ document: borrowing JSONDocument, _ facts: ModelFacts) -> Bool {
        let byDefault: Bool
        switch facts.thinking {
        case .always: return true
        case .never: byDefault = false
        case .hybrid(let value): byDefault = value
        }
        if facts.hasEffort, let effort = document.member("reasoning_effort", of: document.root) {
            return !document.stringEquals(effort, "none")
        }
        let asked = document.member("enable_thinking", of: document.root).flatMap { document.bool($0) }
        return asked ?? byDefault
    }

    private static func toolChoice(_ document: borrowing JSONDocument, _ value: JSONNode) -> ToolChoice {
        if document.stringEquals(value, "none") { return .none }
        if document.stringEquals(value, "required") { return .required }
        let function = document.member("function", of: value).flatMap { document.member("name", of: $0) }
        return function.flatMap { document.string($0) }.map { .function($0) } ?? .free
    }

    // MARK: Tools

    private static func tools(_ document: borrowing JSONDocument, _ value: JSONNode) -> [Tool] {
        var tools: [Tool] = []
        for element in document.elements(of: value) {
            guard let function = document.member("function", of: element),
                let name = document.member("name", of: function).flatMap({ document.string($0) })
            else { continue }
            let schema = document.member("parameters", of: function)
            tools.append(Tool(name: name, arguments: schema.map { arguments(document, $0) } ?? "{}"))
        }
        return tools
    }

    /// An object with every property of a schema, each with a value of its type.
    private static func arguments(_ document: borrowing JSONDocument, _ schema: JSONNode) -> String {
        guard let properties = document.member("properties", of: schema) else { return "{}" }
        var members: [String] = []
        for member in document.members(of: properties) {
            members.append(String(buffer: document.text(of: member.key)) + ": " + sample(document, member.value))
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    private static func sample(_ document: borrowing JSONDocument, _ property: JSONNode) -> String {
        if let choices = document.member("enum", of: property) {
            for choice in document.elements(of: choices) { return String(buffer: document.text(of: choice)) }
        }
        guard let type = document.member("type", of: property).flatMap({ document.string($0) }) else {
            return #""Paris""#
        }
        switch type {
        case "integer", "number": return "1"
        case "boolean": return "true"
        case "array": return "[]"
        case "object": return "{}"
        case "null": return "null"
        default: return #""Paris""#
        }
    }
}
