import JSON

/// The members of a completion request that the gateway interprets, and those that it passes on as they are.
struct CompletionFields {
    private(set) var model: JSONNode?
    private(set) var prompt: JSONNode?
    private(set) var suffix: JSONNode?
    private(set) var n: JSONNode?
    private(set) var bestOf: JSONNode?
    private(set) var echo: JSONNode?
    private(set) var logprobs: JSONNode?
    private(set) var maxTokens: JSONNode?
    private(set) var stream: JSONNode?
    private(set) var streamOptions: JSONNode?
    private(set) var seed: JSONNode?
    /// The request says itself how many tokens it wants, or whether the model is to think.
    private(set) var limitsCompletionTokens = false
    private(set) var speaksOfThinking = false
    /// A member of chat completions that can't be answered with a text.
    private(set) var foreign: JSONMember?
    private(set) var others: [JSONMember] = []

    init(_ document: borrowing JSONDocument) {
        for member in document.members(of: document.root) {
            let value = member.value
            if document.isNamed(member, "model") {
                model = value
            } else if document.isNamed(member, "prompt") {
                prompt = value
            } else if document.isNamed(member, "suffix") {
                suffix = value
            } else if document.isNamed(member, "n") {
                n = value
            } else if document.isNamed(member, "best_of") {
                bestOf = value
            } else if document.isNamed(member, "echo") {
                echo = value
            } else if document.isNamed(member, "logprobs") {
                logprobs = value
            } else if document.isNamed(member, "max_tokens") {
                maxTokens = value
            } else if document.isNamed(member, "stream") {
                stream = value
            } else if document.isNamed(member, "stream_options") {
                streamOptions = value
            } else if document.isNamed(member, "seed") {
                seed = value
            } else {
                keep(member, document)
            }
        }
    }

    private mutating func keep(_ member: JSONMember, _ document: borrowing JSONDocument) {
        let isNull = document.isNull(member.value)
        if document.isNamed(member, "max_completion_tokens") {
            limitsCompletionTokens = !isNull
        } else if Self.isAboutThinking(member, document) {
            if isNull { return }
            speaksOfThinking = true
        } else if Self.isForeign(member, document) {
            if isNull { return }
            foreign = foreign ?? member
        }
        others.append(member)
    }

    private static func isAboutThinking(_ member: JSONMember, _ document: borrowing JSONDocument) -> Bool {
        document.isNamed(member, "enable_thinking") || document.isNamed(member, "thinking_budget")
            || document.isNamed(member, "reasoning_effort")
    }

    private static func isForeign(_ member: JSONMember, _ document: borrowing JSONDocument) -> Bool {
        document.isNamed(member, "messages") || document.isNamed(member, "tools")
            || document.isNamed(member, "tool_choice") || document.isNamed(member, "functions")
            || document.isNamed(member, "function_call") || document.isNamed(member, "top_logprobs")
            || document.isNamed(member, "modalities") || document.isNamed(member, "audio")
    }
}
