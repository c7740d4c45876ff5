/// The models of Model Studio and of the portal, late 2026. One line tells of a family; the first that fits counts,
/// so the special ones stand in front of the general ones.
enum ModelTable {
    /// A family: the models whose name begins with `prefix` and, if there is an `infix`, holds that behind it.
    struct Family: Sendable {
        let prefix: StaticString
        var infix: StaticString?
        let profile: ModelProfile
    }

    static let families: [Family] = [
        // The portal's aliases.
        Family("coder-model", hybrid(byDefault: true, images: true)),
        Family("vision-model", ModelProfile(takesImages: true)),

        // Qwen 3.8 and later kin.
        Family("qwen3.8-max-preview", ModelProfile(thinking: .always, effort: .tiers, takesMaxCompletionTokens: true)),
        Family("qwen3.8-max", tiered(maxCompletionTokens: true, images: true)),
        Family("qwen3.8-", tiered()),
        Family("qwen3.", infix: "omni", omni(.hybrid(byDefault: false))),
        Family("qwen3.7-max", hybrid(byDefault: true, maxCompletionTokens: true)),
        Family("qwen3.7-plus", hybrid(byDefault: true, maxCompletionTokens: true, images: true)),
        Family("qwen3.7-", hybrid(byDefault: true, maxCompletionTokens: false)),
        Family("qwen3.6-plus", hybrid(byDefault: true, maxCompletionTokens: true, images: true)),
        Family("qwen3.6-", hybrid(byDefault: true, maxCompletionTokens: false)),
        Family("qwen3.5-plus", hybrid(byDefault: true, maxCompletionTokens: true, images: true)),
        Family("qwen3.5-", hybrid(byDefault: true, maxCompletionTokens: false)),
        Family("qwen3.", ModelProfile(thinking: .hybrid(byDefault: true))),

        // Qwen 3.
        Family("qwen3-coder", plain()),
        Family("qwen3-max", hybrid(byDefault: false, maxCompletionTokens: false)),
        Family("qwen3-omni", omni(.hybrid(byDefault: false))),
        Family("qwen3-vl", infix: "-thinking", stubborn(images: true)),
        Family("qwen3-vl", infix: "-instruct", plain(images: true)),
        Family("qwen3-vl", hybrid(byDefault: false, maxCompletionTokens: false, images: true)),
        Family("qwen3-", infix: "-thinking", stubborn()),
        Family("qwen3-", infix: "-instruct", plain()),
        Family("qwen3-0.6b", open), Family("qwen3-1.7b", open), Family("qwen3-4b", open), Family("qwen3-8b", open),
        Family("qwen3-14b", open), Family("qwen3-30b", open), Family("qwen3-32b", open), Family("qwen3-235b", open),

        // The names without a version, and the older ones.
        Family("qwq", stubborn()), Family("qvq", stubborn(images: true)),
        Family("qwen-plus-character", plain()),
        Family("qwen-plus", hybrid(byDefault: false, maxCompletionTokens: false)),
        Family("qwen-flash", hybrid(byDefault: false, maxCompletionTokens: false)),
        Family("qwen-turbo", hybrid(byDefault: false, maxCompletionTokens: false)),
        Family("qwen-max", plain()), Family("qwen-coder", plain()), Family("qwen-long", plain()),
        Family("qwen-mt", plain()),
        Family("qwen-vl", plain(images: true)),
        Family("qwen-omni", omni(.never)),
        Family("qwen2", infix: "omni", omni(.never)), Family("qwen2", plain(images: nil)),

        // Models of others.
        Family(
            "deepseek-v4",
            ModelProfile(
                thinking: .hybrid(byDefault: true), effort: .highOrMax, takesMaxCompletionTokens: true)),
        Family("deepseek-r1", ModelProfile(thinking: .always, effort: .budget)),
        Family("kimi-k2.", others), Family("kimi-k3", others),
        Family("glm-5", others),
        Family("minimax-m2.", others), Family("minimax-m3", others),
    ]

    // MARK: Kinds

    private static func hybrid(
        byDefault: Bool, maxCompletionTokens: Bool? = nil, images: Bool? = nil
    ) -> ModelProfile {
        ModelProfile(
            thinking: .hybrid(byDefault: byDefault), effort: .budget, takesMaxCompletionTokens: maxCompletionTokens,
            takesImages: images)
    }

    private static func tiered(maxCompletionTokens: Bool? = nil, images: Bool? = nil) -> ModelProfile {
        ModelProfile(
            thinking: .hybrid(byDefault: true), effort: .tiers, takesMaxCompletionTokens: maxCompletionTokens,
            takesImages: images)
    }

    /// They never think.
    private static func plain(images: Bool? = false) -> ModelProfile {
        ModelProfile(thinking: .never, effort: .budget, takesMaxCompletionTokens: false, takesImages: images)
    }

    /// They always think, and only stream.
    private static func stubborn(images: Bool? = false) -> ModelProfile {
        ModelProfile(
            thinking: .always, effort: .budget, isStreamOnly: true, takesMaxCompletionTokens: false,
            takesImages: images)
    }

    /// Open weights: they think unless told not to, and then only stream.
    private static let open = hybrid(byDefault: true, maxCompletionTokens: false, images: false)

    /// They only stream.
    private static func omni(_ thinking: ModelProfile.Thinking) -> ModelProfile {
        ModelProfile(
            thinking: thinking, effort: .budget, isStreamOnly: true, takesMaxCompletionTokens: false,
            takesImages: true)
    }

    /// Only that they take `max_completion_tokens` is known.
    private static let others = ModelProfile(takesMaxCompletionTokens: true)
}

extension ModelTable.Family {
    init(_ prefix: StaticString, infix: StaticString? = nil, _ profile: ModelProfile) {
        self.init(prefix: prefix, infix: infix, profile: profile)
    }

    fileprivate func holds(_ name: Span<UInt8>) -> Bool {
        guard name.holds(prefix, at: 0) else { return false }
        guard let infix else { return true }
        let (first, last) = (prefix.utf8CodeUnitCount, name.count - infix.utf8CodeUnitCount)
        guard first <= last else { return false }
        for offset in first...last where name.holds(infix, at: offset) { return true }
        return false
    }
}

extension Span<UInt8> {
    /// Whether `text` stands at `offset`.
    fileprivate func holds(_ text: StaticString, at offset: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count - offset >= length else { return false }
        for index in 0..<length where unsafe self[offset + index] != text.utf8Start[index] { return false }
        return true
    }
}

extension ModelProfile {
    /// The profile of the model that a request names; case is ignored, as some names are spelt both ways.
    package init(of model: String) {
        // The longest name in use has some forty characters. What is longer is no model, and not worth a search.
        let name = model.utf8.count <= 128 ? model.lowercased() : ""
        let bytes = name.utf8Span.span
        for family in ModelTable.families where family.holds(bytes) {
            self = family.profile
            return
        }
        self.init()
    }
}
