import JSON
import NIOCore

/// What a chunk of a streamed chat completion says, found in one pass. Of its choices there is one.
struct ResponsesChunk {
    /// There is a list of choices, though it may be empty.
    private(set) var hasChoices = false
    /// An error stands in the chunk, or in place of its end.
    private(set) var isFault = false
    private(set) var usage: JSONNode?
    /// The chunk speaks of the one choice.
    private(set) var hasChoice = false
    private(set) var finishReason: JSONNode?
    /// An array.
    private(set) var logprobs: JSONNode?
    private(set) var reasoning: JSONNode?
    private(set) var content: JSONNode?
    private(set) var toolCalls: JSONNode?

    /// Reads the document's root, an object.
    init(_ document: borrowing JSONDocument) {
        for member in document.members(of: document.root) {
            if document.isNamed(member, "choices") {
                hasChoices = true
                for choice in document.elements(of: member.value) { read(choice, in: document) }
            } else if document.isNamed(member, "usage") {
                usage = document.isNull(member.value) ? nil : member.value
            } else if document.isNamed(member, "error"), !document.isNull(member.value) {
                isFault = true
            }
        }
        if !hasChoices { isFault = true }
    }

    private mutating func read(_ choice: JSONNode, in document: borrowing JSONDocument) {
        var delta: JSONNode?
        var reason: JSONNode?
        var logprobs: JSONNode?
        for member in document.members(of: choice) {
            if document.isNamed(member, "delta") {
                delta = member.value
            } else if document.isNamed(member, "finish_reason") {
                reason = document.isNull(member.value) ? nil : member.value
            } else if document.isNamed(member, "logprobs") {
                logprobs = member.value
            } else if document.isNamed(member, "index") {
                // One choice was asked for.
                if document.integer(member.value) ?? 0 != 0 { return }
            }
        }
        hasChoice = true
        if let reason {
            finishReason = reason
            // Model serving reports some failures as an answer that ends for this reason.
            if document.stringEquals(reason, "error_finish") { isFault = true }
        }
        if let logprobs, let list = document.member("content", of: logprobs), document.kind(of: list) == .array {
            self.logprobs = list
        }
        if let delta { read(delta: delta, in: document) }
    }

    private mutating func read(delta: JSONNode, in document: borrowing JSONDocument) {
        for member in document.members(of: delta) {
            if document.isNamed(member, "content") {
                content = member.value
            } else if document.isNamed(member, "reasoning_content") {
                reasoning = member.value
            } else if document.isNamed(member, "tool_calls") {
                toolCalls = member.value
            }
        }
    }
}
