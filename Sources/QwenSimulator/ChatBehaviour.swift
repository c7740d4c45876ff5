/// How one chat completion is answered: its text, its pace, its quirks and its failure.
///
/// The default is an answer as Qwen gives it on a good day. A client steers it with words in its last user message,
/// `chunks=100 size=10 delay=20`: words that are no switch are ignored, so that an ordinary question gets an ordinary
/// answer.
package struct ChatBehaviour: Sendable, Equatable {
    /// How an answer goes wrong, after so many pieces.
    package enum Failure: Sendable, Equatable {
        /// `fail=cut@K`: the TCP connection is closed.
        case cut(after: Int)
        /// `fail=reset@K`: the stream is reset; on HTTP/1.1 the connection closes.
        case reset(after: Int)
        /// `fail=end@K`: the response ends as if it were whole, without the rest.
        case end(after: Int)
        /// `fail=middle@K`: the response ends as if it were whole, in the middle of a frame.
        case middle(after: Int)
        /// `fail=stall@K`: silence.
        case stall(after: Int)
        /// `fail=error@K`: an error in the form of an event.
        case error(after: Int)
    }

    /// A pause in mid-stream.
    package struct Pause: Sendable, Equatable {
        package var milliseconds: Int
        /// The number of pieces before it.
        package var after: Int

        package init(milliseconds: Int, after: Int) {
            self.milliseconds = milliseconds
            self.after = after
        }
    }

    /// What a model writes into its text that does not belong there.
    package enum Leak: String, Sendable, CaseIterable {
        /// `<think>` tags around the reasoning.
        case think
        /// A tool call in the form of XML.
        case tool
    }

    /// The chunks that say how the answer ended.
    package enum Finish: String, Sendable, CaseIterable {
        case one, two, none
    }

    /// Where the token counts go.
    package enum Usage: String, Sendable, CaseIterable {
        /// Into a last chunk of their own, if the request asks for it.
        case asked
        /// Into a last chunk of their own, asked for or not.
        case always
        case never
        /// Onto the finish chunk.
        case finish
    }

    /// What later chunks say of the role that the first one gave.
    package enum Role: String, Sendable, CaseIterable {
        case absent, null, every
    }

    /// The key of the time in each chunk.
    package enum Created: String, Sendable, CaseIterable {
        case right
        /// `"reated"`, as in some samples of Qwen's documentation.
        case typo
        case absent
    }

    // MARK: Text and pace

    /// How many pieces of text.
    package var chunks: Int?
    /// Bytes of text in each.
    package var size = 10
    /// The text of each piece, all alike.
    package var text: String?
    /// Milliseconds between two pieces.
    package var delay = 0
    /// Milliseconds before the first byte of the answer.
    package var first = 0
    /// Silence in mid-stream, after which the answer goes on.
    package var idle: Pause?
    /// Pieces of reasoning; nil leaves it to the request and the model.
    package var reasoning: Int?
    package var leak: Leak?
    /// `finish_reason`, where it is not `stop` or `tool_calls`.
    package var reason: String?
    /// A whole answer is cut off at its time limit: `x-dashscope-partialresponse`.
    package var isPartial = false

    // MARK: Tool calls

    package var tools = ToolCallBehaviour()

    // MARK: Chunks

    package var finish = Finish.one
    package var usage = Usage.asked
    package var role = Role.absent
    package var created = Created.right
    /// Whether `data: [DONE]` ends the stream.
    package var sendsDone = true
    package var framing = Framing()

    // MARK: Errors

    package var failure: Failure?
    /// Answer with an error of this status; with `error`, the status of that error.
    package var status: Int?
    /// One of `SimulatedError.all`.
    package var error: String?
    /// The shape of the error; nil for the error's own.
    package var envelope: ErrorEnvelope?
    /// The error comes inside a stream with status 200, after so many pieces; 0 puts it before the first chunk.
    package var errorPosition: Int?
    /// Seconds in a Retry-After field of an error.
    package var retryAfter: Int?

    package init() {}

    /// The behaviour that the words of a message ask for.
    package init(_ message: String) {
        apply(message: message)
    }

    /// Takes over what the words of a message ask for.
    package mutating func apply(message: String) {
        for word in message.utf8.split(whereSeparator: { $0 <= UInt8(ascii: " ") }) {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(Substring(word[..<equals]))
            guard let set = Switch.perMessage[name] else { continue }
            _ = set(&self, Substring(word[word.index(after: equals)...]))
        }
    }
}

/// How tools are called, where the request offers any.
package struct ToolCallBehaviour: Sendable, Equatable {
    /// What is odd about the deltas of a call.
    package enum Quirk: String, Sendable, CaseIterable {
        /// Nothing: later deltas have an index and arguments only.
        case clean
        /// A delta whose name and arguments are both null.
        case null
        /// The identifier and the name come with the last delta.
        case lateID = "late-id"
        /// Every call has index 0: a new identifier begins a new call.
        case reuseIndex = "reuse-index"
        /// A finished call is sent again.
        case replay
        /// The arguments stay empty.
        case noArguments = "no-arguments"
        /// The arguments end within a string.
        case unterminated
        /// The deltas of several calls take turns.
        case interleave
    }

    /// How many calls; nil for none, unless the request forces one.
    package var count: Int?
    /// The function to call; nil takes the request's tools in turn.
    package var function: String?
    /// The arguments, JSON without white space; nil makes them up from the tool's schema.
    package var arguments: String?
    /// In how many deltas the arguments of a call come.
    package var pieces = 2
    package var quirks: Set<Quirk> = []
    package init() {}
}
