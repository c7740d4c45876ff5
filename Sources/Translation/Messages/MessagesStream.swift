package import JSON
package import NIOCore

/// The events of one streamed message, made of the chunks of a chat completion.
///
/// - `message_start` comes with the first chunk, and a `ping` behind it. Its usage is an estimate: Qwen counts at the
///   end, and `message_delta` tells the truth.
/// - A block is open at a time, with an index of its own: thoughts, text, then calls of tools in the order in which
///   they began. A call whose pieces come while another is open is held until that one's arguments are whole.
/// - `message_delta` and `message_stop` come when the stream is whole: when Qwen has given its `finish_reason` and then
///   says `[DONE]`, or ends cleanly after the usage. Any other end is a truncation, a `[DONE]` before the finish too.
package struct MessagesStream: Sendable {
    /// What Qwen has said of the tokens so far.
    package private(set) var usage: TokenUsage?
    /// Why the answer ended.
    package private(set) var finishReason: FinishReason?
    package private(set) var isDone = false
    /// Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`). Set it before the first event.
    package var isPartial: Bool

    private let identity: MessagesIdentity
    private let showsThinking: Bool
    private var counts: MessagesUsage
    /// `message_start` has been written.
    private var hasStarted = false
    /// Qwen has begun an answer.
    private var hasBegun = false
    private var isFinished = false
    /// The client was told that the stream broke: nothing may follow.
    private var isBroken = false
    private var stopSequence: ByteBuffer?
    private var content: MessagesStreamContent

    /// - Parameters:
    ///   - showsThinking: the client wants the thoughts.
    ///   - estimatedInputTokens: what the request costs, about.
    ///   - isPartial: Qwen says that the answer was cut short.
    ///   - heldBytes: the most bytes of calls and text that wait for another block to end.
    package init(
        identity: MessagesIdentity, showsThinking: Bool = true, estimatedInputTokens: Int = 0, isPartial: Bool = false,
        heldBytes: Int = 16 * 1024 * 1024
    ) {
        self.identity = identity
        self.showsThinking = showsThinking
        self.isPartial = isPartial
        counts = MessagesUsage(input: estimatedInputTokens)
        content = MessagesStreamContent(identity: identity, limit: heldBytes)
    }

    /// Takes one event's data and appends what the client is to get.
    ///
    /// An answer with too many calls, or with more held back than the limit, is malformed.
    package mutating func receive(
        _ data: ByteBuffer, document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action {
        if data.readableBytes == 0 || isDone || isBroken { return .proceed }
        if ChatStream.isDoneMarker(data) {
            // Without a finish it is not believed: the end of the response will tell.
            guard isFinished || (isPartial && hasBegun) else { return .proceed }
            close(into: &output)
            return .done
        }
        do {
            try document.scan(data)
        } catch {
            return .malformed
        }
        guard let chunk = ChatChunk(document) else { return .malformed }
        guard let choices = chunk.choices, !chunk.isFault else { return .fault }
        for node in document.elements(of: choices) {
            let choice = ChatChunkChoice(node, in: document)
            if let reason = choice.finishReason {
                if FinishReason.isError(reason, in: document) { return .fault }
                // An answer ends once: what a second end brings is the first one's again.
                if isFinished { continue }
            }
            // One is all that was asked for.
            guard choice.index == 0 else { continue }
            hasBegun = true
            start(into: &output)
            if let delta = choice.delta, !take(delta, in: document, into: &output) { return .malformed }
            if let reason = choice.finishReason { finish(node, reason, in: document, into: &output) }
        }
        if let node = chunk.usage, let reported = TokenUsage(node, in: document) {
            counts = MessagesUsage(reported)
            usage = reported
        }
        return .proceed
    }

    /// Qwen ended the response cleanly without `[DONE]`: appends the end if nothing else is missing.
    ///
    /// - Returns: whether the stream is whole.
    package mutating func end(into output: inout ByteBuffer) -> Bool {
        if isDone { return true }
        guard !isBroken, isPartial ? hasBegun : isFinished && usage != nil else { return false }
        close(into: &output)
        return true
    }

    /// Writes a sign of life, for clients that wait while Qwen is silent. The SDKs take no notice of it.
    package mutating func keepAlive(into output: inout ByteBuffer) {
        if isDone || isBroken { return }
        if hasStarted {
            output.writeStaticString(Self.ping)
        } else {
            start(into: &output)
        }
    }

    /// Tells the client that the stream broke. Nothing comes behind it, whatever is called.
    ///
    /// - Parameters:
    ///   - status: that the error would have had as an answer of its own.
    ///   - requestID: what the header `request-id` says.
    package mutating func fail(
        status: Int, message: String, code: String? = nil, requestID: String?, into output: inout ByteBuffer
    ) {
        if isDone || isBroken { return }
        isBroken = true
        output.writeStaticString("event: error\ndata: ")
        MessagesError.write(status: status, message: message, code: code, requestID: requestID, into: &output)
        output.writeStaticString("\n\n")
    }
}

// MARK: - The beginning, the middle and the end

extension MessagesStream {
    private static let ping: StaticString = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

    private mutating func start(into output: inout ByteBuffer) {
        if hasStarted { return }
        hasStarted = true
        output.writeStaticString("event: message_start\ndata: {\"type\":\"message_start\",\"message\":")
        identity.writeOpening(into: &output)
        output.writeStaticString(#"],"stop_reason":null,"stop_sequence":null,"usage":"#)
        counts.write(into: &output)
        output.writeStaticString("}}\n\n")
        output.writeStaticString(Self.ping)
    }

    /// Takes what a delta brings: thoughts before text before calls, whatever their order in it.
    private mutating func take(
        _ delta: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) -> Bool {
        var text: JSONNode?
        var calls: JSONNode?
        for member in document.members(of: delta) {
            if document.isNamed(member, "content") {
                text = member.value
            } else if document.isNamed(member, "reasoning_content") {
                guard showsThinking else { continue }
                if !content.take(member.value, as: .thinking, in: document, into: &output) { return false }
            } else if document.isNamed(member, "tool_calls") {
                calls = member.value
            }
        }
        if let text, !content.take(text, as: .text, in: document, into: &output) { return false }
        if let calls, !content.take(calls: calls, in: document, into: &output) { return false }
        return true
    }

    private mutating func finish(
        _ choice: JSONNode, _ reason: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        isFinished = true
        finishReason = isPartial ? .length : FinishReason(reason, in: document)
        stopSequence = MessagesStopReason.sequence(of: choice, in: document)
        content.finish(into: &output)
    }

    private mutating func close(into output: inout ByteBuffer) {
        isDone = true
        if isPartial { finishReason = .length }
        content.finish(into: &output)
        let reason = MessagesStopReason(
            finishReason, hasCalls: content.hasCalls, hasStopSequence: stopSequence != nil)
        output.writeStaticString("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{")
        reason.write(stopSequence, into: &output)
        output.writeStaticString(#"},"usage":"#)
        counts.write(into: &output)
        output.writeStaticString("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }
}
