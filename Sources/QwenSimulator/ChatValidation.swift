import JSON

/// The checks that Qwen makes before it answers a chat completion, and its words for what is wrong.
enum ChatValidation {
    private static let algorithm = "<400> InternalError.Algo.InvalidParameter: "

    /// The first thing that is wrong with a request, or nil.
    static func fault(in document: borrowing JSONDocument, _ request: ChatRequest) -> SimulatedError? {
        guard !request.model.isEmpty else {
            return SimulatedError(
                refusing: "you must provide a model parameter", code: "invalid_request_error")
        }
        let facts = ModelFacts(request.model)
        let message =
            messageFault(document) ?? rangeFault(document, facts) ?? toolFault(document, request)
            ?? formatFault(document, request, facts) ?? thinkingFault(document, request, facts)
        return message.map { SimulatedError(refusing: $0) }
    }

    // MARK: Numbers

    private static func rangeFault(_ document: borrowing JSONDocument, _ facts: ModelFacts) -> String? {
        let root = document.root
        if let value = document.member("temperature", of: root).flatMap({ document.double($0) }),
            value < 0 || value >= 2
        {
            return "Temperature should be in [0.0, 2.0)"
        }
        if let value = document.member("top_p", of: root).flatMap({ document.double($0) }), value <= 0 || value > 1 {
            return "Range of top_p should be (0.0, 1.0]"
        }
        if let value = document.member("presence_penalty", of: root).flatMap({ document.double($0) }),
            value < -2 || value > 2
        {
            return "Presence_penalty should be in [-2.0, 2.0]"
        }
        if let value = document.member("n", of: root).flatMap({ document.integer($0) }), !(1...4).contains(value) {
            return "Range of n should be [1, 4]"
        }
        if let value = document.member("seed", of: root).flatMap({ document.integer($0) }),
            !(0...Int(Int32.max)).contains(value)
        {
            return "Range of seed should be [0, 2147483647]"
        }
        if let value = document.member("max_tokens", of: root).flatMap({ document.integer($0) }),
            !(1...facts.largestOutput).contains(value)
        {
            return "Range of max_tokens should be [1, \(facts.largestOutput)]"
        }
        return nil
    }

    // MARK: Messages

    private static func messageFault(_ document: borrowing JSONDocument) -> String? {
        guard let messages = document.member("messages", of: document.root), document.kind(of: messages) == .array
        else { return "Required body invalid, please check the request body format." }
        var count = 0
        var hasUser = false
        /// The calls of the last assistant message that no tool message has answered.
        var open: Set<String> = []
        for message in document.elements(of: messages) {
            let role = document.member("role", of: message).flatMap { document.string($0) } ?? ""
            if role == "tool" {
                let id = document.member("tool_call_id", of: message).flatMap { document.string($0) } ?? ""
                guard open.remove(id) != nil else {
                    return algorithm + #"messages with role "tool" must be a response to a preceeding message with "#
                        + #""tool_calls"."#
                }
            } else {
                guard open.isEmpty else { return unanswered }
                guard ["system", "user", "assistant", "function"].contains(role) else {
                    return "'\(role)' is not one of ['system', 'assistant', 'user', 'tool', 'function'] - "
                        + "'messages.['\(count)].role'"
                }
                hasUser = hasUser || role == "user"
                if role == "assistant" { open = calls(document, message) }
            }
            count += 1
        }
        guard count > 0 else { return "[] is too short - 'messages'" }
        guard open.isEmpty else { return unanswered }
        return hasUser ? nil : algorithm + "The messages must contain at least one message with role \"user\"."
    }

    private static let unanswered =
        algorithm + #"An assistant message with "tool_calls" must be followed by tool messages responding to each "#
        + #""tool_call_id"."#

    private static func calls(_ document: borrowing JSONDocument, _ message: JSONNode) -> Set<String> {
        var calls: Set<String> = []
        guard let list = document.member("tool_calls", of: message) else { return calls }
        for call in document.elements(of: list) {
            if let id = document.member("id", of: call).flatMap({ document.string($0) }) { calls.insert(id) }
        }
        return calls
    }

    // MARK: Tools, formats, thinking

    private static func toolFault(_ document: borrowing JSONDocument, _ request: ChatRequest) -> String? {
        if let tools = document.member("tools", of: document.root), document.kind(of: tools) == .array {
            guard !document.elements(of: tools).isEmpty else { return "[] is too short - 'tools'" }
        }
        if request.tools.contains(where: { $0.name == "search" }) {
            return algorithm + "The tool name 'search' is not allowed."
        }
        let count = document.member("n", of: document.root).flatMap { document.integer($0) } ?? 1
        return count > 1 && !request.tools.isEmpty ? "Only n=1 is supported with tools." : nil
    }

    private static func formatFault(
        _ document: borrowing JSONDocument, _ request: ChatRequest, _ facts: ModelFacts
    ) -> String? {
        guard let format = document.member("response_format", of: document.root),
            let type = document.member("type", of: format), document.stringEquals(type, "json_object")
        else { return nil }
        if request.thinks, facts.thinksInStreamsOnly {
            return "Json mode response is not supported when enable_thinking is true"
        }
        guard let messages = document.member("messages", of: document.root) else { return nil }
        for message in document.elements(of: messages) {
            guard let content = document.member("content", of: message) else { continue }
            if ChatRequest.text(document, content).lowercased().contains("json") { return nil }
        }
        return algorithm + "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            + "'json_object'."
    }

    private static func thinkingFault(
        _ document: borrowing JSONDocument, _ request: ChatRequest, _ facts: ModelFacts
    ) -> String? {
        let root = document.root
        if facts.streamsOnly, !request.streams {
            return "This model only support stream mode, please enable the stream parameter to access the model."
        }
        let asked = document.member("enable_thinking", of: root).flatMap { document.bool($0) }
        if facts.thinking == .always, asked == false {
            return "The value of the enable_thinking parameter is restricted to True."
        }
        if request.thinks, facts.thinksInStreamsOnly, !request.streams {
            return "parameter.enable_thinking must be set to false for non-streaming calls"
        }
        if request.thinks, request.toolChoice.isForced {
            return algorithm + "The tool_choice parameter does not support being set to required or object in thinking "
                + "mode"
        }
        if document.member("reasoning_effort", of: root) != nil, document.member("thinking_budget", of: root) != nil {
            return algorithm + "The reasoning_effort and thinking_budget parameters can not be set together."
        }
        return nil
    }
}

extension JSONElements {
    /// Whether nothing is left.
    fileprivate var isEmpty: Bool {
        var copy = self
        return copy.next() == nil
    }
}
