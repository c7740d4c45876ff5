import JSON

/// The tokens that an answer has cost, as Qwen counts them. What Qwen does not say is zero.
package struct TokenUsage: Sendable, Equatable {
    /// All of the prompt, `cached` and `written` among them.
    package var prompt = 0
    /// All that was generated, `reasoning` among them.
    package var completion = 0
    package var total = 0
    /// Read from Qwen's cache: `prompt_tokens_details.cached_tokens`.
    package var cached = 0
    /// Written to Qwen's cache, where a request had markers (`cache_control`).
    package var written = 0
    /// `completion_tokens_details.reasoning_tokens`.
    package var reasoning = 0

    package init(
        prompt: Int = 0, completion: Int = 0, total: Int = 0, cached: Int = 0, written: Int = 0, reasoning: Int = 0
    ) {
        self.prompt = prompt
        self.completion = completion
        self.total = total
        self.cached = cached
        self.written = written
        self.reasoning = reasoning
    }

    /// Reads a `usage` object; nil if the node is none.
    init?(_ usage: JSONNode, in document: borrowing JSONDocument) {
        guard document.kind(of: usage) == .object else { return nil }
        var writtenInDetails: Int?
        for member in document.members(of: usage) {
            if document.isNamed(member, "prompt_tokens") {
                prompt = Self.count(member.value, in: document)
            } else if document.isNamed(member, "completion_tokens") {
                completion = Self.count(member.value, in: document)
            } else if document.isNamed(member, "total_tokens") {
                total = Self.count(member.value, in: document)
            } else if document.isNamed(member, "prompt_tokens_details") {
                cached = Self.count(document.member("cached_tokens", of: member.value), in: document)
                writtenInDetails = Self.written(member.value, in: document)
            } else if document.isNamed(member, "completion_tokens_details") {
                reasoning = Self.count(document.member("reasoning_tokens", of: member.value), in: document)
            }
        }
        written = Self.written(usage, in: document) ?? writtenInDetails ?? 0
        total = max(total, prompt + completion)
    }

    /// Where Qwen puts the count of what went into the cache differs: it stands in `usage` or its details, by itself or
    /// by its lifetime.
    private static func written(_ object: JSONNode, in document: borrowing JSONDocument) -> Int? {
        if let node = document.member("cache_creation_input_tokens", of: object), document.integer(node) != nil {
            return count(node, in: document)
        }
        guard let creation = document.member("cache_creation", of: object),
            let node = document.member("ephemeral_5m_input_tokens", of: creation), document.integer(node) != nil
        else { return nil }
        return count(node, in: document)
    }

    /// More than any model can take: what is above is nonsense, and sums of it must not overflow.
    private static let most = 1 << 40

    private static func count(_ node: JSONNode?, in document: borrowing JSONDocument) -> Int {
        min(max(node.flatMap { document.integer($0) } ?? 0, 0), most)
    }
}

extension TokenUsage {
    /// The tokens of two answers together.
    func adding(_ other: TokenUsage) -> TokenUsage {
        TokenUsage(
            prompt: prompt + other.prompt, completion: completion + other.completion, total: total + other.total,
            cached: cached + other.cached, written: written + other.written, reasoning: reasoning + other.reasoning)
    }
}
