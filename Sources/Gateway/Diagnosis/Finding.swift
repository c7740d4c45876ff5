package import JSON

/// What `qwen-gateway doctor` has found out about one thing.
package struct Finding: Sendable, Equatable {
    package enum State: String, Sendable {
        case ok
        /// It works, and will not for long, or not for all.
        case warning
        /// The gateway can not do its work.
        case problem
        /// It could not be looked at, because of something else.
        case skipped
    }

    /// What was looked at: `certificate`, `port`, …
    package var subject: String
    package var state: State
    /// What was found, in a sentence without a secret.
    package var text: String
    /// What to do about it; nil where there is nothing to do.
    package var advice: String?

    package init(_ subject: String, _ state: State, _ text: String, advice: String? = nil) {
        self.subject = subject
        self.state = state
        self.text = text
        self.advice = advice
    }

    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("subject", .string(subject))
        writer.member("state", .string(state.rawValue))
        writer.member("text", .string(text))
        if let advice { writer.member("advice", .string(advice)) }
        writer.endObject()
    }
}
