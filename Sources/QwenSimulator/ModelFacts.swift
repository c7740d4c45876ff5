/// What is known of a model, as far as the simulator acts on it.
package struct ModelFacts: Sendable, Equatable {
    /// Whether it reasons before it answers.
    package enum Thinking: Sendable, Equatable {
        case never
        /// As the request says; `byDefault` where it says nothing.
        case hybrid(byDefault: Bool)
        case always
    }

    package var thinking = Thinking.never
    /// Refuses calls that do not stream.
    package var streamsOnly = false
    /// Refuses to think in calls that do not stream.
    package var thinksInStreamsOnly = false
    /// `reasoning_effort` takes the place of `enable_thinking` and `thinking_budget`.
    package var hasEffort = false
    /// Tokens; the largest `max_tokens`.
    package var largestOutput = 32_768

    /// The models in the list.
    package static let listed = [
        "qwen3.8-max", "qwen3.8-flash", "qwen3.7-max", "qwen3.7-plus", "qwen3.7-flash", "qwen3.6-plus",
        "qwen3.6-flash", "qwen3.5-plus", "qwen3-max", "qwen3-coder-plus", "qwen3-coder-flash", "qwen3-coder-next",
        "qwen-max", "qwen-plus", "qwen-flash", "qwen-turbo", "qwen3-vl-plus", "qwen-vl-max", "qwen3-omni-flash",
        "qwq-plus", "qvq-max", "qwen3-32b", "qwen3-235b-a22b-thinking-2507", "text-embedding-v4", "text-embedding-v3",
        "qwen3.7-text-embedding",
    ]

    /// The models of the portal.
    package static let ofPortal = ["coder-model", "vision-model", "qwen3-coder-plus", "qwen3-coder-flash"]

    /// What is known of a model by its name; an unknown name is a model that does not think.
    package init(_ model: String) {
        if model.hasPrefix("qwen3.8-max-preview") || model.contains("-thinking") {
            thinking = .always
            hasEffort = model.hasPrefix("qwen3.8-max")
            largestOutput = 131_072
        } else if model.hasPrefix("qwq") || model.hasPrefix("qvq") {
            thinking = .always
            streamsOnly = true
        } else if model.contains("omni") {
            streamsOnly = true
        } else if model.hasPrefix("qwen3.8") {
            thinking = .hybrid(byDefault: true)
            hasEffort = model.hasPrefix("qwen3.8-max")
            largestOutput = 131_072
        } else if model.hasPrefix("qwen3.7") {
            thinking = .hybrid(byDefault: true)
            largestOutput = 131_072
        } else if model.hasPrefix("qwen3.6") || model.hasPrefix("qwen3.5") {
            thinking = .hybrid(byDefault: true)
            largestOutput = 65_536
        } else if model == "coder-model" {
            thinking = .hybrid(byDefault: false)
            largestOutput = 65_536
        } else if model.hasPrefix("qwen3-coder") {
            largestOutput = 65_536
        } else if Self.isOpen(model) {
            thinking = .hybrid(byDefault: true)
            thinksInStreamsOnly = true
        } else if model.hasPrefix("qwen3-max") || model.hasPrefix("qwen-plus") || model.hasPrefix("qwen-flash")
            || model.hasPrefix("qwen-turbo")
        {
            thinking = .hybrid(byDefault: false)
        }
    }

    /// `qwen3-8b`, `qwen3-235b-a22b` and their like.
    private static func isOpen(_ model: String) -> Bool {
        guard model.hasPrefix("qwen3-") else { return false }
        let size = model.dropFirst(6).prefix { $0 != "-" }
        return size.last == "b" && size.dropLast().allSatisfy(\.isNumber) && size.count > 1
    }
}
