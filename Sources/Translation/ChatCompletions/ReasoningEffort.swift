import JSON

/// The values of `reasoning_effort` that are known, OpenAI's and Qwen's.
enum ReasoningEffort: String, Sendable, CaseIterable {
    case none, minimal, low, medium, high, xhigh, max

    /// nil if the string is none of them.
    init?(_ node: JSONNode, in document: borrowing JSONDocument) {
        guard let word = document.string(node), let effort = Self(rawValue: word) else { return nil }
        self = effort
    }

    /// The `thinking_budget` in tokens that Qwen itself gives the word. From `high` on it is the most that the model
    /// can do, which is what it does without a budget.
    var budget: Int? {
        switch self {
        case .none, .high, .xhigh, .max: nil
        case .minimal, .low: 4_096
        case .medium: 16_384
        }
    }

    /// The nearest of the two words that some models know.
    var highOrMax: ReasoningEffort {
        switch self {
        case .none, .minimal, .low, .medium, .high: .high
        case .xhigh, .max: .max
        }
    }
}
