import JSON

/// Why a choice ended (`finish_reason`).
package enum FinishReason: String, Sendable, Equatable, CaseIterable {
    case stop
    case length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
    case functionCall = "function_call"
    /// A word that OpenAI does not know.
    case other

    init(_ node: JSONNode, in document: borrowing JSONDocument) {
        if document.stringEquals(node, "stop") {
            self = .stop
        } else {
            self = document.string(node).flatMap { Self(rawValue: $0) } ?? .other
        }
    }

    /// Model serving reports some failures as an answer that ends for this reason, with the error as its text.
    static func isError(_ node: JSONNode, in document: borrowing JSONDocument) -> Bool {
        document.stringEquals(node, "error_finish")
    }
}
