import JSON
import NIOCore

/// What a request says of thinking (`thinking`, `output_config.effort`), as Qwen's parameters for it.
struct MessagesThinking {
    private static let efforts = ["low", "medium", "high", "xhigh", "max"]

    /// `enable_thinking`; nil leaves it to the model.
    private(set) var isEnabled: Bool?
    /// `thinking_budget`, in tokens.
    private(set) var budget: Int?
    /// `reasoning_effort`.
    private(set) var effort: String?
    /// The thoughts are part of the answer.
    private(set) var isShown = true

    init(_ document: borrowing JSONDocument) throws(InvalidRequest) {
        if let thinking = document.given(document.member("thinking", of: document.root)) {
            try read(thinking, in: document)
        }
        guard let config = document.given(document.member("output_config", of: document.root)) else { return }
        let path = MessagesPath("output_config")
        try path.checkObject(config, in: document)
        guard let node = try path.optionalString("effort", of: config, in: document) else { return }
        guard let effort = document.string(node), Self.efforts.contains(effort) else {
            throw path.fault("effort", "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
        }
        // Without thinking it says how many words to make, which is not Qwen's to choose.
        if isEnabled != false { self.effort = effort }
    }

    private mutating func read(_ thinking: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        let path = MessagesPath("thinking")
        try path.checkObject(thinking, in: document)
        let type = try path.type(of: thinking, in: document)
        switch type {
        case "enabled":
            isEnabled = true
            let node = try path.required("budget_tokens", of: thinking, in: document)
            guard let tokens = document.integer(node) else {
                throw path.fault("budget_tokens", "Input should be a valid integer")
            }
            guard tokens >= 1 else {
                throw path.fault("budget_tokens", "Input should be greater than or equal to 1")
            }
            budget = tokens
        case "adaptive", "between_tools": isEnabled = true
        case "disabled": isEnabled = false
        default: throw path.unknownType(type, expected: ["adaptive", "between_tools", "disabled", "enabled"])
        }
        if let display = try path.optionalString("display", of: thinking, in: document) {
            isShown = !document.stringEquals(display, "omitted")
        }
    }

    /// - Parameter continuesAnswer: the model is to go on with an answer that the client has begun.
    func write(continuesAnswer: Bool, into body: inout MessagesChatWriter) {
        if let enabled = isEnabled ?? (continuesAnswer && effort == nil ? false : nil) {
            body.json.member("enable_thinking", .bool(enabled))
        }
        if let budget { body.json.member("thinking_budget", .integer(budget)) }
        if let effort { body.json.member("reasoning_effort", .string(effort)) }
    }
}
