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
            if document.isPlainName(member.key, "choices") {
                hasChoices = true
                for choice in document.elements(of: member.value) { read(choice, in: document) }
            } else if document.isPlainName(member.key, "usage") {
                usage = document.isNull(member.value) ? nil : member.value
            } else if document.isPlainName(member.key, "error"), !document.isNull(member.value) {
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
            if document.isPlainName(member.key, "delta") {
                delta = member.value
            } else if document.isPlainName(member.key, "finish_reason") {
                reason = document.isNull(member.value) ? nil : member.value
            } else if document.isPlainName(member.key, "logprobs") {
                logprobs = member.value
            } else if document.isPlainName(member.key, "index") {
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
            if document.isPlainName(member.key, "content") {
                content = member.value
            } else if document.isPlainName(member.key, "reasoning_content") {
                reasoning = member.value
            } else if document.isPlainName(member.key, "tool_calls") {
                toolCalls = member.value
            }
        }
    }
}

extension JSONDocument {
    /// Whether a key is this name, written without escapes, as Qwen writes all of its names. Most are told apart by
    /// their length.
    @inline(__always)
    fileprivate func isPlainName(_ key: JSONNode, _ name: StaticString) -> Bool {
        range(of: key).count == name.utf8CodeUnitCount + 2 && stringEquals(key, name)
    }
}
