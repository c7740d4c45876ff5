import JSON

/// The members of a request that the gateway interprets, found in one pass. A member whose value is null counts as
/// absent, but for `model`, whose place is filled, and the lists, which are dropped when there is nothing in them.
struct ChatRequestFields {
    private(set) var model: JSONNode?
    private(set) var messages: JSONNode?
    private(set) var stream: JSONNode?
    private(set) var streamOptions: JSONNode?
    private(set) var tools: JSONNode?
    private(set) var toolChoice: JSONNode?
    private(set) var parallelToolCalls: JSONNode?
    private(set) var functions: JSONNode?
    private(set) var functionCall: JSONNode?
    private(set) var enableThinking: JSONNode?
    private(set) var thinkingBudget: JSONNode?
    private(set) var reasoningEffort: JSONNode?
    private(set) var maxTokens: JSONNode?
    private(set) var maxCompletionTokens: JSONMember?
    private(set) var responseFormat: JSONNode?

    init(_ document: borrowing JSONDocument) {
        for member in document.members(of: document.root) {
            let value = member.value
            if document.isNamed(member, "model") {
                model = value
            } else if document.isNamed(member, "messages") {
                messages = value
            } else if document.isNamed(member, "stream") {
                stream = value
            } else if document.isNamed(member, "stream_options") {
                streamOptions = value
            } else if document.isNamed(member, "tools") {
                tools = value
            } else if document.isNamed(member, "tool_choice") {
                toolChoice = value
            } else if document.isNamed(member, "parallel_tool_calls") {
                parallelToolCalls = value
            } else if document.isNamed(member, "functions") {
                functions = value
            } else if document.isNamed(member, "function_call") {
                functionCall = value
            } else if document.isNamed(member, "enable_thinking") {
                enableThinking = value
            } else if document.isNamed(member, "thinking_budget") {
                thinkingBudget = value
            } else if document.isNamed(member, "reasoning_effort") {
                reasoningEffort = value
            } else if document.isNamed(member, "max_tokens") {
                maxTokens = value
            } else if document.isNamed(member, "max_completion_tokens") {
                maxCompletionTokens = member
            } else if document.isNamed(member, "response_format") {
                responseFormat = value
            }
        }
    }
}

extension JSONDocument {
    /// The node, unless it is null or there is none.
    func given(_ node: JSONNode?) -> JSONNode? {
        node.flatMap { isNull($0) ? nil : $0 }
    }

    /// A list in which there is nothing.
    func isEmptyList(_ node: JSONNode) -> Bool {
        if isNull(node) { return true }
        var elements = elements(of: node)
        return kind(of: node) == .array && elements.next() == nil
    }

    /// Throws if an object that is interpreted names a member twice: the next reader may choose the other one.
    func checkUniqueKeys(of object: JSONNode, param: @autoclosure () -> String?) throws(InvalidRequest) {
        do {
            try checkUniqueKeys(of: object)
        } catch {
            throw InvalidRequest("\(error)", param: param())
        }
    }

    /// A Boolean member that may be missing or null.
    func flag(_ node: JSONNode?, _ name: String) throws(InvalidRequest) -> Bool? {
        guard let node = given(node) else { return nil }
        guard let value = bool(node) else { throw InvalidRequest("'\(name)' must be true or false.", param: name) }
        return value
    }
}
