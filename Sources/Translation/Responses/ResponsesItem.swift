import JSON
import NIOCore

/// One item of a response's output. Strings are held as they are written in JSON, without quotation marks.
///
/// The model's reasoning is shown as the item's summary: that is where OpenAI's clients look for it, and its whole text
/// comes back from there in the next request.
struct ResponsesItem: Sendable {
    enum Kind: Sendable {
        case reasoning, message, call
    }

    enum Status: Sendable {
        case inProgress, completed
        /// The response ended while the item was being written.
        case incomplete

        var word: StaticString {
            switch self {
            case .inProgress: "in_progress"
            case .completed: "completed"
            case .incomplete: "incomplete"
            }
        }
    }

    let kind: Kind
    let id: String
    /// `output_index`.
    let index: Int
    var status = Status.inProgress
    /// The text, or the call's arguments.
    var text = ByteBuffer()
    /// Elements of `logprobs`, with commas between them.
    var logprobs = ByteBuffer()
    /// The call's id and name.
    var callID = ByteBuffer()
    var name = ByteBuffer()
    /// The beginning of an event with a piece of the text, up to the piece.
    private(set) var deltaPrefix = ByteBuffer()

    init(_ kind: Kind, index: Int, identity: ResponsesIdentity, isStreamed: Bool) {
        self.kind = kind
        self.index = index
        id = identity.itemID(kind, index)
        if isStreamed { writeDeltaPrefix() }
    }

    /// The type of the events with pieces of the text.
    var deltaType: StaticString {
        switch kind {
        case .reasoning: "response.reasoning_summary_text.delta"
        case .message: "response.output_text.delta"
        case .call: "response.function_call_arguments.delta"
        }
    }

    /// The end of such an event, between the piece and the sequence number.
    var deltaSuffix: StaticString {
        kind == .message ? ",\"logprobs\":[],\"sequence_number\":" : ",\"sequence_number\":"
    }

    private mutating func writeDeltaPrefix() {
        deltaPrefix.writeStaticString("event: ")
        deltaPrefix.writeStaticString(deltaType)
        deltaPrefix.writeStaticString("\ndata: {\"type\":\"")
        deltaPrefix.writeStaticString(deltaType)
        deltaPrefix.writeStaticString("\"")
        writePlace(into: &deltaPrefix)
        deltaPrefix.writeStaticString(",\"delta\":")
    }

    /// Writes the members that say where in the output something belongs, each with a comma in front.
    func writePlace(into output: inout ByteBuffer) {
        output.writeStaticString(",\"item_id\":\"")
        output.writeString(id)
        output.writeStaticString("\",\"output_index\":")
        JSONWriter.writeInteger(index, into: &output)
        switch kind {
        case .reasoning: output.writeStaticString(",\"summary_index\":0")
        case .message: output.writeStaticString(",\"content_index\":0")
        case .call: break
        }
    }

    /// Appends a chunk's logprobs, an array's text.
    mutating func addLogprobs(_ array: ByteBuffer) {
        var elements = array.withoutLineEnds
        elements.moveReaderIndex(forwardBy: 1)
        elements.moveWriterIndex(to: elements.writerIndex - 1)
        guard elements.readableBytesView.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return }
        if logprobs.readableBytes > 0 { logprobs.writeStaticString(",") }
        logprobs.writeImmutableBuffer(elements)
    }

    /// What the arguments of a call are that has none: Qwen leaves the string empty, which is no JSON.
    static let noArguments = ByteBuffer(string: "{}")

    /// Whether the item is a call that has no arguments and needs them to end with this status.
    func lacksArguments(_ status: Status) -> Bool {
        kind == .call && text.readableBytes == 0 && status == .completed
    }

    // MARK: JSON

    /// Writes the item. One that has just begun is empty: a message has no parts yet, a call no arguments.
    func write(isNew: Bool = false, into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":\"")
        output.writeString(id)
        switch kind {
        case .reasoning:
            output.writeStaticString("\",\"type\":\"reasoning\",\"summary\":[")
            if !isNew { writePart(into: &output) }
            output.writeStaticString("]}")
        case .message:
            output.writeStaticString("\",\"type\":\"message\",\"status\":\"")
            output.writeStaticString(status.word)
            output.writeStaticString("\",\"role\":\"assistant\",\"content\":[")
            if !isNew { writePart(into: &output) }
            output.writeStaticString("]}")
        case .call:
            output.writeStaticString("\",\"type\":\"function_call\",\"status\":\"")
            output.writeStaticString(status.word)
            output.writeStaticString("\",\"call_id\":\"")
            output.writeImmutableBuffer(callID)
            output.writeStaticString("\",\"name\":\"")
            output.writeImmutableBuffer(name)
            output.writeStaticString("\",\"arguments\":\"")
            if !isNew { output.writeImmutableBuffer(text) }
            output.writeStaticString("\"}")
        }
    }

    /// Writes the part that holds the text.
    func writePart(isNew: Bool = false, into output: inout ByteBuffer) {
        output.writeStaticString(kind == .reasoning ? "{\"type\":\"summary_text\"" : "{\"type\":\"output_text\"")
        output.writeStaticString(",\"text\":\"")
        if !isNew { output.writeImmutableBuffer(text) }
        output.writeStaticString("\"")
        if kind == .message {
            output.writeStaticString(",\"annotations\":[],\"logprobs\":[")
            if !isNew { output.writeImmutableBuffer(logprobs) }
            output.writeStaticString("]")
        }
        output.writeStaticString("}")
    }
}
