/// What a request asks about thinking, in all the ways there are to ask.
struct ThinkingWish {
    enum Effort: Equatable {
        case known(ReasoningEffort)
        /// A word that is not known: Qwen may know it.
        case other
    }

    /// The suffix of the model's name.
    var suffix: Bool?
    /// `enable_thinking`.
    var enable: Bool?
    /// `reasoning_effort`.
    var effort: Effort?
    /// `thinking_budget` is there.
    var hasBudget = false
    /// `tool_choice` demands a call.
    var forcesTool = false
    /// `response_format` is `json_object`.
    var wantsJSON = false
}

/// What to send to Qwen about thinking, so that it neither refuses the request nor ignores what was meant.
///
/// - The suffix wins over all fields: clients that let their users choose no more than a model often set the fields on
///   their own. `enable_thinking` wins over `reasoning_effort`.
/// - `reasoning_effort` and `thinking_budget` exclude each other. On a model with tiers the effort stays, and
///   `enable_thinking` goes too; on one without, the effort is put into the other two, and a budget that was given
///   stays.
/// - Qwen refuses a forced `tool_choice` while a model thinks. Who forces a call depends on it, so thinking is switched
///   off; where it can't be, the choice is left to the model.
/// - `json_object` comes out unstructured, or is refused, while a model thinks: thinking that was not asked for is
///   switched off.
/// - What Qwen alone defines is never bent: `enable_thinking: false` to a model that must think is Qwen's to refuse.
struct ThinkingPlan: Equatable {
    enum Change<Value: Equatable>: Equatable {
        case keep
        case remove
        case set(Value)
    }

    var enable = Change<Bool>.keep
    var effort = Change<ReasoningEffort>.keep
    var budget = Change<Int>.keep
    var dropsToolChoice = false
    /// Whether the model thinks, or may.
    var thinks = false

    init(_ wish: ThinkingWish, model: ModelProfile) {
        switch model.thinking {
        case .never:
            effort = .remove
        case .always:
            thinks = true
            dropsToolChoice = wish.forcesTool
            if wish.suffix == true, wish.enable == false { enable = .set(true) }
            planEffort(wish, model)
        case .hybrid(let byDefault):
            let wanted = wish.suffix ?? wish.enable ?? wish.effort.map { $0 != .known(.none) }
            thinks = wanted ?? byDefault
            let isOff = wanted == false || (thinks && wish.forcesTool) || (wanted == nil && thinks && wish.wantsJSON)
            if isOff {
                switchOff(wish)
            } else if thinks {
                if wish.suffix == true, wish.enable != true { enable = .set(true) }
                planEffort(wish, model)
            }
        case .unknown:
            let wanted = wish.suffix ?? wish.enable
            thinks = wanted == true
            if wish.suffix == false || (thinks && wish.forcesTool) {
                switchOff(wish)
            } else if wish.suffix == true {
                if wish.enable != true { enable = .set(true) }
                if wish.effort == .known(.none) { effort = .remove }
            }
        }
    }

    private mutating func switchOff(_ wish: ThinkingWish) {
        thinks = false
        if wish.enable != false { enable = .set(false) }
        effort = .remove
        budget = .remove
    }

    /// The model thinks: how much?
    private mutating func planEffort(_ wish: ThinkingWish, _ model: ModelProfile) {
        guard let wished = wish.effort else { return }
        if wished == .known(.none) {
            // Overruled by the suffix or `enable_thinking`, or said to a model that always thinks.
            effort = .remove
            return
        }
        switch (model.effort, wished) {
        case (.unknown, _), (_, .other): break
        case (.tiers, _):
            // A model that must think is left with its refusal.
            if wish.enable != false || enable != .keep { enable = .remove }
            budget = .remove
        case (.highOrMax, .known(let word)):
            if word.highOrMax != word { effort = .set(word.highOrMax) }
            budget = .remove
        case (.budget, .known(let word)):
            effort = .remove
            if wish.enable != true, model.thinking != .always { enable = .set(true) }
            if !wish.hasBudget, let tokens = word.budget { budget = .set(tokens) }
        }
    }
}
