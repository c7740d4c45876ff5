import JSON

/// The members of a scanned chunk that the gateway interprets.
struct ChatChunk {
    private(set) var choices: JSONNode?
    private(set) var usage: JSONNode?
    private(set) var error: JSONNode?
    private(set) var hasCreated = false

    /// Reads the chunk that `document` holds; nil if it is no object.
    init?(_ document: borrowing JSONDocument) {
        guard document.kind(of: document.root) == .object else { return nil }
        for member in document.members(of: document.root) {
            if document.isNamed(member, "choices") {
                choices = member.value
            } else if document.isNamed(member, "usage") {
                usage = member.value
            } else if document.isNamed(member, "created") {
                hasCreated = true
            } else if document.isNamed(member, "error") {
                if !document.isNull(member.value) { error = member.value }
            }
        }
    }

    /// Whether this is no chunk but an error of Qwen's: an `error` member, or the flat form, which has no choices.
    var isFault: Bool { error != nil || choices == nil }
}

/// The members of one element of a chunk's `choices` that the gateway interprets.
struct ChatChunkChoice {
    /// 0 if there is none that makes sense.
    private(set) var index = 0
    /// nil if it is null.
    private(set) var finishReason: JSONNode?
    /// The member's value, be it null.
    private(set) var finish: JSONNode?
    private(set) var delta: JSONNode?
    private(set) var logprobs: JSONNode?

    init(_ node: JSONNode, in document: borrowing JSONDocument) {
        for member in document.members(of: node) {
            if document.isNamed(member, "delta") {
                delta = member.value
            } else if document.isNamed(member, "finish_reason") {
                finish = member.value
                if !document.isNull(member.value) { finishReason = member.value }
            } else if document.isNamed(member, "index") {
                index = document.integer(member.value) ?? 0
            } else if document.isNamed(member, "logprobs") {
                logprobs = member.value
            }
        }
    }
}

/// Which choices of an answer have begun, and which have ended: those with an index up to 63.
struct ChoiceProgress: Sendable, Equatable {
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0

    var hasBegun: Bool { begun != 0 }

    /// Every choice that has begun, of which there is one at least, has ended.
    var isComplete: Bool { begun != 0 && begun == finished }

    /// The first choice that has begun and not ended.
    var firstOpen: Int? {
        let open = begun & ~finished
        return open == 0 ? nil : open.trailingZeroBitCount
    }

    mutating func begin(_ index: Int) { begun |= Self.bit(index) }
    mutating func finish(_ index: Int) { finished |= Self.bit(index) }
    func isFinished(_ index: Int) -> Bool { finished & Self.bit(index) != 0 }

    private static func bit(_ index: Int) -> UInt64 {
        (0..<64).contains(index) ? 1 << UInt64(index) : 0
    }
}
