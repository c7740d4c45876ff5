import JSON

/// How a response stands, as its object says.
enum ResponsesStatus: Sendable {
    case inProgress, completed
    case incomplete(reason: StaticString)
    case failed(code: String, message: String)

    /// The status of an answer that ended for this `finish_reason`, which is no error.
    init(finishReason: JSONNode?, in document: borrowing JSONDocument) {
        if let finishReason, document.stringEquals(finishReason, "content_filter") {
            self = .incomplete(reason: "content_filter")
        } else if let finishReason, !document.isNull(finishReason), !document.stringEquals(finishReason, "length") {
            self = .completed
        } else {
            self = .partial
        }
    }

    /// The answer was cut for its length.
    static let partial = ResponsesStatus.incomplete(reason: "max_output_tokens")

    /// The status of an item that was being written when the response ended.
    var ofLastItems: ResponsesItem.Status {
        if case .completed = self { .completed } else { .incomplete }
    }
}
