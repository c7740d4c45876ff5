import EventStream
package import JSON
package import NIOCore

/// The events of a streamed text completion, made of one or several streams of Qwen's: one for each call of a
/// `CompletionRequest`. Their events come out as they come in, told apart by the index of their choice.
///
/// A delta's text is copied as it is written, between pieces that are written once for the stream. Thoughts are left
/// out: this dialect has no place for them.
///
/// A call is whole by the rules of `ChatStream`; the stream is whole when every call is, and only then says `[DONE]`.
/// `usage` is as with `ChatStream`, all calls together.
package struct CompletionStream: Sendable {
    /// What is known of a call.
    private struct Call: Sendable {
        var hasBegun = false
        var isFinished = false
        var isOver = false
        var isPartial = false
        var usage: TokenUsage?
        var logprobs = CompletionLogprobs()
        /// What stands behind the text of a chunk that brings nothing else.
        let ending: ByteBuffer
    }

    /// All calls are whole, and `[DONE]` was passed on.
    package private(set) var isDone = false
    /// Why a choice ended, the last one of several.
    package private(set) var finishReason: FinishReason?

    private let includesUsage: Bool
    private let wantsLogprobs: Bool
    /// What stands in front of each chunk's text.
    private let opening: ByteBuffer
    private let identity: ChatIdentity
    /// What is repeated in front of each call's text.
    private let echoes: [ByteBuffer]?
    private var calls: [Call]
    private var openCalls: Int
    private var hasFailed = false

    /// - Parameter identity: of the stream; its id begins with `cmpl-`.
    package init(_ request: CompletionRequest, identity: ChatIdentity) {
        includesUsage = request.includesUsage
        wantsLogprobs = request.wantsLogprobs
        self.identity = identity
        var opening = ByteBuffer()
        identity.writeLegacyOpening(into: &opening)
        opening.writeStaticString("{\"text\":\"")
        self.opening = opening
        echoes = request.echoes.map { echoes in request.bodies.indices.map { echoes[request.prompt(of: $0)] } }
        calls = request.bodies.indices.map { [includesUsage] call in
            var ending = ByteBuffer()
            Self.writeIndex(call, into: &ending)
            ending.writeStaticString("null,\"finish_reason\":null")
            ending.writeStaticString(Self.closing(includesUsage))
            ending.writeStaticString("\n\n")
            return Call(ending: ending)
        }
        openCalls = request.bodies.count
    }

    /// What Qwen has said of the tokens so far, all calls together.
    package var usage: TokenUsage? {
        var sum: TokenUsage?
        for call in calls {
            guard let usage = call.usage else { continue }
            sum = sum?.adding(usage) ?? usage
        }
        return sum
    }

    /// Whether a call has ended and is whole.
    package func isOver(call: Int) -> Bool { calls[call].isOver }

    /// Qwen says that a call's answer is cut short (`x-dashscope-partialresponse: true`). Say it before its first
    /// event.
    package mutating func markPartial(call: Int = 0) { calls[call].isPartial = true }

    /// Takes one event's data of a call's stream and appends what the client is to get.
    ///
    /// - Returns: as `ChatStream.receive`, of the call: `.done` says that the call is whole, and `isDone` whether the
    ///   stream is.
    package mutating func receive(
        _ data: ByteBuffer, call: Int = 0, document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action {
        if data.readableBytes == 0 || hasFailed || calls[call].isOver { return .proceed }
        if ChatStream.isDoneMarker(data) {
            // Without the end of the answer it is not believed: the end of the response will tell.
            guard calls[call].isFinished || (calls[call].isPartial && calls[call].hasBegun) else { return .proceed }
            close(call, into: &output)
            return .done
        }
        guard (try? document.scan(data)) != nil, let chunk = ChatChunk(document) else { return .malformed }
        guard let choices = chunk.choices, !chunk.isFault else { return .fault }
        for node in document.elements(of: choices) {
            let choice = ChatChunkChoice(node, in: document)
            if let reason = choice.finishReason, FinishReason.isError(reason, in: document) { return .fault }
            // One choice was asked for.
            guard choice.index == 0 else { continue }
            pass(CompletionPiece(node, choice, in: document), call, in: document, into: &output)
        }
        if let reported = chunk.usage.flatMap({ TokenUsage($0, in: document) }) { calls[call].usage = reported }
        return .proceed
    }

    /// Qwen ended a call's response cleanly without `[DONE]`.
    ///
    /// - Returns: whether the call is whole; `isDone` says whether the stream is.
    package mutating func end(call: Int = 0, into output: inout ByteBuffer) -> Bool {
        let state = calls[call]
        if state.isOver { return true }
        guard !hasFailed, state.isFinished || (state.isPartial && state.hasBegun) else { return false }
        guard state.usage != nil || state.isPartial else { return false }
        close(call, into: &output)
        return true
    }
}

// MARK: - Chunks

extension CompletionStream {
    private mutating func pass(
        _ piece: CompletionPiece, _ call: Int, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        // A choice ends once; what a second end brings was there before.
        if calls[call].isFinished { return }
        var echo: ByteBuffer?
        if !calls[call].hasBegun {
            calls[call].hasBegun = true
            echo = echoes?[call]
        }
        let logprobs = wantsLogprobs ? piece.logprobs : nil
        if let text = piece.text, piece.finishReason == nil, echo == nil, logprobs == nil {
            // There are no line ends in a JSON string: the event is one line.
            output.writeStaticString("data: ")
            output.writeImmutableBuffer(opening)
            output.writeImmutableBuffer(text)
            output.writeImmutableBuffer(calls[call].ending)
            return
        }
        guard piece.text != nil || piece.finishReason != nil || echo != nil || logprobs != nil else { return }
        let mark = EventStreamWriter.beginEvent(into: &output)
        output.writeImmutableBuffer(opening)
        if let echo { output.writeImmutableBuffer(echo) }
        if let text = piece.text { output.writeImmutableBuffer(text) }
        Self.writeIndex(call, into: &output)
        if let logprobs {
            calls[call].logprobs.write(logprobs, in: document, into: &output)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString(",\"finish_reason\":")
        if let reason = piece.finishReason {
            calls[call].isFinished = true
            if calls[call].isPartial {
                finishReason = .length
                output.writeStaticString("\"length\"")
            } else {
                finishReason = FinishReason(reason, in: document)
                FinishReason.writeLegacy(reason, in: document, into: &output)
            }
        } else {
            output.writeStaticString("null")
        }
        end(mark, into: &output)
    }

    /// Writes what stands between a chunk's text and its log probabilities.
    private static func writeIndex(_ choice: Int, into output: inout ByteBuffer) {
        output.writeStaticString("\",\"index\":")
        JSONWriter.writeInteger(choice, into: &output)
        output.writeStaticString(",\"logprobs\":")
    }

    /// What ends a chunk that has one choice.
    private static func closing(_ includesUsage: Bool) -> StaticString {
        includesUsage ? "}],\"usage\":null}" : "}]}"
    }

    /// Ends a chunk that has one choice.
    private func end(_ mark: EventStreamWriter.Mark, into output: inout ByteBuffer) {
        output.writeStaticString(Self.closing(includesUsage))
        EventStreamWriter.endEvent(mark, into: &output)
    }

    /// Writes a chunk without text.
    private func writeEmptyChunk(
        choice: Int, finishReason: StaticString, into output: inout ByteBuffer
    ) {
        let mark = EventStreamWriter.beginEvent(into: &output)
        output.writeImmutableBuffer(opening)
        Self.writeIndex(choice, into: &output)
        output.writeStaticString("null,\"finish_reason\":")
        output.writeStaticString(finishReason)
        end(mark, into: &output)
    }

    /// Ends a whole call, and the stream with the last one.
    private mutating func close(_ call: Int, into output: inout ByteBuffer) {
        calls[call].isOver = true
        if calls[call].isPartial, !calls[call].isFinished {
            // It is over all the same, for its length.
            calls[call].isFinished = true
            finishReason = .length
            writeEmptyChunk(choice: call, finishReason: "\"length\"", into: &output)
        }
        openCalls -= 1
        guard openCalls == 0 else { return }
        isDone = true
        if includesUsage, let usage {
            let mark = EventStreamWriter.beginEvent(into: &output)
            identity.writeLegacyOpening(into: &output)
            output.writeStaticString("],\"usage\":")
            usage.writeLegacy(into: &output)
            output.writeStaticString("}")
            EventStreamWriter.endEvent(mark, into: &output)
        }
        output.writeStaticString("data: [DONE]\n\n")
    }
}

// MARK: - Silence and failure

extension CompletionStream {
    /// Writes a chunk without text, for clients that wait for events and do not count comments. Once every choice has
    /// ended it is a comment; after the end, nothing.
    package func writeKeepAliveChunk(into output: inout ByteBuffer) {
        if isDone || hasFailed { return }
        guard let open = calls.firstIndex(where: { !$0.isFinished }) else {
            output.writeStaticString(ChatStream.keepAliveComment)
            return
        }
        writeEmptyChunk(choice: open, finishReason: "null", into: &output)
    }

    /// Writes the error that breaks the stream off, which client libraries raise. Nothing follows it: no text, and no
    /// `[DONE]`.
    package mutating func fail(
        message: String, type: String, code: String?, param: String? = nil, into output: inout ByteBuffer
    ) {
        if isDone || hasFailed { return }
        hasFailed = true
        var error = JSONWriter()
        error.beginObject()
        error.key("error")
        error.beginObject()
        error.member("message", .string(message))
        error.member("type", .string(type))
        error.member("param", param.map { .string($0) } ?? .null)
        error.member("code", code.map { .string($0) } ?? .null)
        error.endObject()
        error.endObject()
        EventStreamWriter.writeEvent(data: error.buffer, into: &output)
    }
}
