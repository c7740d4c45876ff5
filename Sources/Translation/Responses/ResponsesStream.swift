package import JSON
package import NIOCore

/// The events of one streamed response, made of the chunks of Qwen's chat completion.
///
/// Reasoning, text and each call become items of the output, in the order in which they begin. Reasoning and text end
/// when something else begins. Calls come one after the other, as OpenAI sends them, though Qwen's pieces of several
/// may alternate: some clients (LangChain for Python) mix up arguments that alternate. A call ends when its arguments
/// are whole and another one waits, or with the answer; what comes of others is held back until then.
///
/// A stream is whole when Qwen says `[DONE]`, or when it ends cleanly after the `finish_reason` and the usage: then it
/// ends with `response.completed`, or with `response.incomplete` if the answer was cut. Any other end is a truncation
/// and for `fail`.
package struct ResponsesStream: Sendable {
    /// `response.completed` or `response.incomplete` was written.
    package private(set) var isDone = false
    /// What Qwen has said of the tokens so far; the last word counts.
    package private(set) var usage: TokenUsage?

    let identity: ResponsesIdentity
    let template: ResponsesTemplate
    /// Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`). Set it before the first event.
    package var isPartial: Bool
    private let isStored: Bool
    private let limit: Int
    /// The next `sequence_number`.
    var sequence = 0
    var hasStarted = false
    var items: [ResponsesItem] = []
    /// How the answer ended, once Qwen has said why.
    var ending: ResponsesStatus?
    /// The stream broke, and the client was told.
    var hasFailed = false

    private var hasBegun = false
    /// The reasoning or text that is being written, by its place in `items`.
    private var speech: Int?
    private var slots = ToolCallSlots()
    private var calls: [ResponsesCall] = []
    /// The call that is being written, by its place in `calls`; those before it are done.
    private var openCall: Int?
    /// Bytes of text and logprobs that are held for the end.
    private var held = 0

    /// - Parameters:
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`).
    ///   - limit: the most bytes of text that an answer may have: all of it is repeated at the end. An answer that
    ///     is longer counts as malformed.
    package init(
        _ identity: ResponsesIdentity, echo: ResponsesEcho, isPartial: Bool = false, limit: Int = 64 * 1024 * 1024
    ) {
        self.identity = identity
        template = ResponsesTemplate(identity, echo)
        isStored = echo.isStored
        self.isPartial = isPartial
        self.limit = limit
    }

    /// Takes the data of one of Qwen's events and appends what the client is to get.
    package mutating func receive(
        _ data: ByteBuffer, document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action {
        if data.readableBytes == 0 || isDone || hasFailed { return .proceed }
        if Self.isDoneMarker(data) {
            guard hasBegun else { return .malformed }
            // Without the end of the answer it is not believed: the end of the response will tell.
            guard ending != nil || isPartial else { return .proceed }
            complete(into: &output)
            return .done
        }
        do {
            try document.scan(data)
        } catch {
            return .malformed
        }
        guard document.kind(of: document.root) == .object else { return .malformed }
        let chunk = ResponsesChunk(document)
        if chunk.isFault { return .fault }
        if let node = chunk.usage, let reported = TokenUsage(node, in: document) { usage = reported }
        guard chunk.hasChoice else { return .proceed }
        hasBegun = true
        // Some servings end an answer twice: the first end counts.
        if ending != nil { return .proceed }
        start(into: &output)
        if let reasoning = chunk.reasoning { say(reasoning, as: .reasoning, nil, in: document, into: &output) }
        if let content = chunk.content { say(content, as: .message, chunk.logprobs, in: document, into: &output) }
        if let toolCalls = chunk.toolCalls {
            for node in document.elements(of: toolCalls) {
                guard receive(ToolCallPiece(node, in: document), in: document, into: &output) else {
                    return .malformed
                }
            }
        }
        if let reason = chunk.finishReason {
            finish(isPartial ? .partial : ResponsesStatus(finishReason: reason, in: document), into: &output)
        }
        return held <= limit ? .proceed : .malformed
    }

    /// Qwen ended the response cleanly without `[DONE]`: ends the stream if nothing else is missing.
    ///
    /// - Returns: whether the stream is whole.
    package mutating func end(into output: inout ByteBuffer) -> Bool {
        if isDone { return true }
        guard !hasFailed, hasBegun, isPartial || (ending != nil && usage != nil) else { return false }
        complete(into: &output)
        return true
    }

    /// The response as it is kept, once the stream is done; nil if the client did not ask for it.
    package func storedResponse(for request: ResponsesRequest) -> StoredResponse? {
        guard isDone, isStored, let ending else { return nil }
        let response = template.response(ending, items, usage)
        return StoredResponse(
            id: identity.responseID, body: response.body, input: request.inputItems, output: response.items,
            previousID: request.references.previousResponseID)
    }

    static func isDoneMarker(_ data: ByteBuffer) -> Bool {
        guard data.readableBytes <= 16 else { return false }
        return data.readableBytesView.split(separator: UInt8(ascii: " ")).elementsEqual(["[DONE]"[...]]) {
            $0.elementsEqual($1.utf8)
        }
    }
}

// MARK: - Pieces

extension ResponsesStream {
    /// A piece of reasoning or text.
    private mutating func say(
        _ node: JSONNode, as kind: ResponsesItem.Kind, _ logprobs: JSONNode?, in document: borrowing JSONDocument,
        into output: inout ByteBuffer
    ) {
        let body = ResponsesReader.body(of: node, in: document)
        guard body.readableBytes > 0 else { return }
        let place: Int
        if let speech, items[speech].kind == kind {
            place = speech
        } else {
            if let speech { close(speech, .completed, into: &output) }
            place = add(kind, into: &output)
            speech = place
        }
        held += body.readableBytes
        guard let logprobs else { return writeDelta(body, of: place, into: &output) }
        let array = document.text(of: logprobs).withoutLineEnds
        held += array.readableBytes
        writeDelta(body, logprobs: array, of: place, into: &output)
    }

    /// A piece of a call; false if there are too many calls.
    private mutating func receive(
        _ piece: ToolCallPiece, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) -> Bool {
        guard let place = slots.place(piece, choice: 0, in: document) else { return false }
        // All calls are of one choice, so each new one has the next slot.
        let call = place.slot
        if call == calls.count { calls.append(ResponsesCall()) }
        if let arguments = piece.arguments, !place.isReplay {
            if call == openCall, let item = calls[call].item {
                let body = RawText.body(of: arguments, in: document)
                held += body.readableBytes
                if body.readableBytes > 0 { writeDelta(body, of: item, into: &output) }
            } else if calls[call].item == nil {
                // A call that has ended is sent again by some servings.
                held += calls[call].pending.append(arguments, in: document)
            }
        }
        while let next = nextCall() { announce(next, into: &output) }
        return true
    }

    /// The call that can be begun now: its id and name are known, and the one before it is over.
    private func nextCall() -> Int? {
        let next = openCall.map { $0 + 1 } ?? 0
        guard calls.indices.contains(next) else { return nil }
        let slot = slots.slots[next]
        guard slot.id != nil, slot.name != nil else { return nil }
        if let openCall, !slots.slots[openCall].arguments.isWhole { return nil }
        return next
    }

    /// Ends what is being written and tells the client of a call, whose id and name are known or will never be.
    private mutating func announce(
        _ call: Int, after status: ResponsesItem.Status = .completed, into output: inout ByteBuffer
    ) {
        if let speech { close(speech, .completed, into: &output) }
        speech = nil
        if let openCall, let item = calls[openCall].item { close(item, status, into: &output) }
        let place = items.count
        let slot = slots.slots[call]
        let id = slot.idBody ?? ByteBuffer(string: "call_\(identity.token)_\(place)")
        add(.call, callID: id, name: slot.nameBody ?? ByteBuffer(), into: &output)
        calls[call].item = place
        openCall = call
        let pending = calls[call].pending
        calls[call].pending = RawText()
        if !pending.isEmpty { writeDelta(pending.body, of: place, into: &output) }
    }

    /// The answer ends: so does everything in it.
    private mutating func finish(_ status: ResponsesStatus, into output: inout ByteBuffer) {
        for call in calls.indices where calls[call].item == nil {
            announce(call, after: status.ofLastItems, into: &output)
        }
        for place in items.indices where items[place].status == .inProgress {
            close(place, status.ofLastItems, into: &output)
        }
        speech = nil
        openCall = nil
        ending = status
    }

    private mutating func complete(into output: inout ByteBuffer) {
        start(into: &output)
        if ending == nil { finish(isPartial ? .partial : .completed, into: &output) }
        writeEnding(into: &output)
        isDone = true
    }
}
