import JSON

/// Tools, thinking, limits.
extension ChatRequest {
    /// Resolves what Qwen refuses in combination, and gives the model its own names for things.
    static func adaptOptions(
        _ fields: ChatRequestFields, _ name: ModelName, _ profile: ModelProfile, wantsJSON: Bool,
        in document: inout JSONDocument
    ) throws(InvalidRequest) -> ThinkingPlan {
        try checkSuffix(name, profile)
        let hasTools = dropEmptyTools(fields, in: &document)
        let choice = hasTools ? document.given(fields.toolChoice) : nil
        var wish = ThinkingWish(
            suffix: name.thinking, enable: try document.flag(fields.enableThinking, "enable_thinking"),
            hasBudget: document.given(fields.thinkingBudget) != nil, wantsJSON: wantsJSON)
        wish.forcesTool =
            choice.map { document.kind(of: $0) == .object || document.stringEquals($0, "required") } ?? false
        if let effort = document.given(fields.reasoningEffort) {
            guard document.kind(of: effort) == .string else {
                throw InvalidRequest("'reasoning_effort' must be a string.", param: "reasoning_effort")
            }
            wish.effort = ReasoningEffort(effort, in: document).map { .known($0) } ?? .other
        }
        let plan = ThinkingPlan(wish, model: profile)
        apply(plan, fields, in: &document)
        if plan.dropsToolChoice, let choice { document.remove(choice, from: document.root) }
        if profile.takesMaxCompletionTokens == false { limitByMaxTokens(fields, in: &document) }
        return plan
    }

    /// A suffix that asks for what the model can't do: the client would wait in vain for it to show.
    private static func checkSuffix(_ name: ModelName, _ profile: ModelProfile) throws(InvalidRequest) {
        switch (name.thinking, profile.thinking) {
        case (true?, .never):
            throw InvalidRequest(
                "The model '\(name.plain)' can't think: name it without ':thinking'.", param: "model",
                code: "unsupported_value")
        case (false?, .always):
            throw InvalidRequest(
                "The model '\(name.plain)' always thinks: name it without ':no-think'.", param: "model",
                code: "unsupported_value")
        default: break
        }
    }

    /// Qwen refuses empty lists of tools. What says how to choose among them goes with them.
    ///
    /// - Returns: whether there are tools.
    private static func dropEmptyTools(_ fields: ChatRequestFields, in document: inout JSONDocument) -> Bool {
        let root = document.root
        if let functions = fields.functions, document.isEmptyList(functions) {
            document.remove(functions, from: root)
            if let call = fields.functionCall { document.remove(call, from: root) }
        }
        guard let tools = fields.tools else { return false }
        guard document.isEmptyList(tools) else { return true }
        document.remove(tools, from: root)
        if let choice = fields.toolChoice { document.remove(choice, from: root) }
        if let parallel = fields.parallelToolCalls { document.remove(parallel, from: root) }
        return false
    }

    private static func apply(
        _ plan: ThinkingPlan, _ fields: ChatRequestFields, in document: inout JSONDocument
    ) {
        change("enable_thinking", fields.enableThinking, plan.enable, in: &document) { .bool($0) }
        change("reasoning_effort", fields.reasoningEffort, plan.effort, in: &document) { .string($0.rawValue) }
        change("thinking_budget", fields.thinkingBudget, plan.budget, in: &document) { .integer($0) }
    }

    private static func change<Value>(
        _ name: String, _ node: JSONNode?, _ change: ThinkingPlan.Change<Value>, in document: inout JSONDocument,
        _ fragment: (Value) -> JSONFragment
    ) {
        switch (change, node) {
        case (.keep, _), (.remove, nil): break
        case (.remove, let node?): document.remove(node, from: document.root)
        case (.set(let value), nil): document.append(name, fragment(value), to: document.root)
        case (.set(let value), let node?): document.replace(node, with: fragment(value))
        }
    }

    /// `max_completion_tokens` becomes `max_tokens`, which then limits the answer alone and not the thinking. Where
    /// both are given, the one that the model knows stays.
    private static func limitByMaxTokens(_ fields: ChatRequestFields, in document: inout JSONDocument) {
        guard let limit = fields.maxCompletionTokens, !document.isNull(limit.value) else { return }
        if document.given(fields.maxTokens) != nil {
            document.remove(limit.value, from: document.root)
        } else {
            if let null = fields.maxTokens { document.remove(null, from: document.root) }
            document.rename(limit.key, to: "max_tokens")
        }
    }
}
