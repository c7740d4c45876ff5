/// What is known of a model, as far as it changes how a request is translated.
///
/// Of a model that is not in the table nothing is assumed: what the client says goes through, and Qwen decides.
package struct ModelProfile: Sendable, Equatable {
    package enum Thinking: Sendable, Equatable {
        case unknown
        case never
        /// `enable_thinking` decides; `byDefault` is what the model does, or may do, when a request says nothing.
        case hybrid(byDefault: Bool)
        /// `enable_thinking: false` is refused.
        case always
    }

    /// What `reasoning_effort` means to a model.
    package enum Effort: Sendable, Equatable {
        case unknown
        /// It is none of the model's parameters; `enable_thinking` and `thinking_budget` say the same.
        case budget
        /// All of OpenAI's words; not together with `enable_thinking` or `thinking_budget`.
        case tiers
        /// The words `high` and `max` alone.
        case highOrMax
    }

    package var thinking: Thinking = .unknown
    package var effort: Effort = .unknown
    /// Answers come as event streams only.
    package var isStreamOnly = false
    /// Whether `max_completion_tokens` is one of the model's parameters; nil if that is not known.
    package var takesMaxCompletionTokens: Bool?
    /// Whether messages may hold images; nil if that is not known.
    package var takesImages: Bool?
}
