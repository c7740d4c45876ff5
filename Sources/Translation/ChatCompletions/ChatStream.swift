import EventStream
package import JSON
package import NIOCore

/// The events of one streamed chat completion, from Qwen to the client: each is checked, then passed on as it is but
/// for what a client of OpenAI's would stumble over.
///
/// - `usage` is as OpenAI has it: asked for, it is null in every chunk and stands in one chunk without choices at the
///   end; otherwise there is none.
/// - Pieces of tool calls are cleaned by `ToolCallSlots`, and pass in Qwen's order. Nothing known of Qwen has pieces of
///   two calls alternate; if they did, clients that take a call for over when the next one begins (the stream helper of
///   OpenAI's library for Python, with strict tools) would be told so by their own parser, while to hold calls back would
///   cost all clients the stream of their arguments. Responses and messages, whose items may not overlap, put them in
///   order.
/// - Every chunk says when the answer was `created`, which Qwen may leave out or misspell.
/// - A choice ends once. Of a second chunk that ends it nothing but the usage is taken.
/// - An answer that Qwen calls partial ends with `length`.
///
/// A stream is whole when every choice had its `finish_reason` and Qwen says `[DONE]`, or when it ends cleanly after
/// that and the usage came, for which Qwen is always asked: then nothing is missing but the marker. Any other end is
/// a truncation.
package struct ChatStream: Sendable {
    /// What to do after an event.
    package enum Action: Equatable {
        /// The event was dealt with: it was passed on, or there was nothing in it for the client.
        case proceed
        /// `[DONE]` was passed on: the stream is whole.
        case done
        /// The event is an error of Qwen's: `document` holds it. Nothing was passed on.
        case fault
        /// The event is no JSON object: Qwen, or something before it, is broken. Nothing was passed on.
        case malformed
    }

    /// What Qwen has said of the tokens so far.
    package private(set) var usage: TokenUsage?
    /// Why a choice ended, the last one of several.
    package private(set) var finishReason: FinishReason?
    package private(set) var isDone = false

    let includesUsage: Bool
    /// Whether a text is no answer but an error event that somebody on the way has wrapped into a chunk.
    private let isWrappedError: @Sendable (String) -> Bool
    /// Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`). Set it before the first event.
    package var isPartial: Bool
    var progress = ChoiceProgress()
    var header = ChatHeader()
    /// Seconds since 1970: when the answer began, for chunks that do not say so.
    private let created: Int
    private var toolCalls = ToolCallSlots()
    /// The usage chunk, held back until the end: there may be more than one, and the last one counts.
    private var usageChunk: ByteBuffer?
    /// The client has got the role from a keep-alive chunk: it is not told twice.
    var hasToldRole = false

    /// - Parameters:
    ///   - includesUsage: the client asked for usage.
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`).
    ///   - created: when the answer began, in seconds since 1970, where Qwen does not say so.
    ///   - isWrappedError: whether a text is no answer but an error event that somebody on the way has wrapped into a
    ///     chunk. Asked of texts that begin like an event only.
    package init(
        includesUsage: Bool, isPartial: Bool = false, created: Int = 0,
        isWrappedError: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.includesUsage = includesUsage
        self.isPartial = isPartial
        self.created = created
        self.isWrappedError = isWrappedError
    }

    /// Takes one event's data and appends what the client is to get.
    package mutating func receive(
        _ data: ByteBuffer, document: inout JSONDocument, into output: inout ByteBuffer
    ) -> Action {
        if data.readableBytes == 0 || isDone { return .proceed }
        if Self.isDoneMarker(data) {
            // Without the end of every choice it is not believed: the end of the response will tell.
            guard progress.isComplete || (isPartial && progress.firstOpen != nil) else { return .proceed }
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
        var hasChoices = false
        var repeated: [JSONNode]?
        var hasNews = false
        for node in document.elements(of: choices) {
            hasChoices = true
            let choice = ChatChunkChoice(node, in: document)
            progress.begin(choice.index)
            if let reason = choice.finishReason {
                if FinishReason.isError(reason, in: document) { return .fault }
                if progress.isFinished(choice.index) {
                    repeated = (repeated ?? []) + [node]
                    continue
                }
                finish(choice.index, reason, in: &document)
            }
            hasNews = true
            if let delta = choice.delta, !clean(delta, of: choice.index, in: &document) { return .fault }
        }
        if hasChoices, header.isEmpty { header.fill(from: document) }
        if !chunk.hasCreated { date(&document) }
        let reported = chunk.usage.flatMap { TokenUsage($0, in: document) }
        if let reported { usage = reported }
        guard hasNews || (!hasChoices && reported == nil) else {
            if includesUsage, let node = chunk.usage, reported != nil {
                if hasChoices || document.kind(of: choices) != .array || !chunk.hasCreated {
                    hold(node, in: document)
                } else {
                    usageChunk = document.copiedText(of: document.root)
                }
            }
            return .proceed
        }
        if let repeated {
            for node in repeated { document.remove(node, from: choices) }
        }
        if includesUsage { nullUsage(chunk.usage, in: &document) }
        write(data, without: includesUsage ? nil : chunk.usage, &document, into: &output)
        return .proceed
    }

    /// Qwen ended the response cleanly without `[DONE]`: appends the marker if nothing else is missing.
    ///
    /// - Returns: whether the stream is whole.
    package mutating func end(into output: inout ByteBuffer) -> Bool {
        if isDone { return true }
        let isWhole = progress.isComplete || (isPartial && progress.firstOpen != nil)
        guard isWhole, usage != nil || isPartial else { return false }
        close(into: &output)
        return true
    }
}

// MARK: - Edits

extension ChatStream {
    private mutating func finish(_ index: Int, _ reason: JSONNode, in document: inout JSONDocument) {
        progress.finish(index)
        finishReason = isPartial ? .length : FinishReason(reason, in: document)
        if isPartial { document.replace(reason, with: .raw("\"length\"")) }
    }

    /// - Returns: false if the delta is an error in disguise.
    private mutating func clean(_ delta: JSONNode, of choice: Int, in document: inout JSONDocument) -> Bool {
        for member in document.members(of: delta) {
            if document.isNamed(member, "tool_calls") {
                for node in document.elements(of: member.value) {
                    toolCalls.clean(ToolCallPiece(node, in: document), choice: choice, in: &document)
                }
            } else if hasToldRole, choice == 0, document.isNamed(member, "role"),
                document.kind(of: member.value) == .string
            {
                document.remove(member.key, from: delta)
                hasToldRole = false
            } else if document.isNamed(member, "content"), Self.mayBeginEvent(document.text(of: member.value)),
                let text = document.string(member.value), isWrappedError(text)
            {
                return false
            }
        }
        return true
    }

    /// Whether a text begins like an event of Qwen's native interface: `id:`, `event:` or `:HTTP_STATUS`, behind its
    /// quotation mark.
    private static func mayBeginEvent(_ text: ByteBuffer) -> Bool {
        guard text.readableBytes >= 64 else { return false }
        let start = text.readableBytesView.dropFirst()
        return start.starts(with: "id:".utf8) || start.starts(with: "event:".utf8) || start.starts(with: ":HTTP".utf8)
    }

    /// Adds the time that a chunk lacks: the same in all of them.
    private mutating func date(_ document: inout JSONDocument) {
        header.fill(from: document)
        document.append("created", .bytes(header.created(or: created)), to: document.root)
    }

    /// A chunk with choices says nothing of usage: what it says is kept for the end.
    private mutating func nullUsage(_ node: JSONNode?, in document: inout JSONDocument) {
        guard let node else { return document.append("usage", .null, to: document.root) }
        guard !document.isNull(node) else { return }
        if usage != nil { hold(node, in: document) }
        document.replace(node, with: .null)
    }

    /// Keeps a usage object for the chunk at the end.
    private mutating func hold(_ usage: JSONNode, in document: borrowing JSONDocument) {
        header.fill(from: document)
        var chunk = ByteBuffer()
        header.writeOpening("chat.completion.chunk", into: &chunk)
        chunk.writeStaticString(",\"choices\":[],\"usage\":")
        chunk.writeImmutableBuffer(document.text(of: usage))
        chunk.writeStaticString("}")
        usageChunk = chunk
    }

    /// Writes the event: as it came, with one member cut out, or with all edits.
    private func write(
        _ data: ByteBuffer, without usage: JSONNode?, _ document: inout JSONDocument, into output: inout ByteBuffer
    ) {
        let mark = EventStreamWriter.beginEvent(into: &output)
        if document.isEdited {
            if let usage { document.remove(usage, from: document.root) }
            // The edits touch no byte twice, so this can't fail.
            if (try? document.write(into: &output)) == nil { output.writeImmutableBuffer(data) }
        } else if let usage {
            document.write(omitting: usage, from: document.root, into: &output)
        } else {
            output.writeImmutableBuffer(data)
        }
        EventStreamWriter.endEvent(mark, into: &output)
    }
}

// MARK: - The end

extension ChatStream {
    /// Writes what stands at the end of a whole stream.
    private mutating func close(into output: inout ByteBuffer) {
        isDone = true
        if isPartial { finishOpenChoices(into: &output) }
        if let usageChunk { EventStreamWriter.writeEvent(data: usageChunk, into: &output) }
        usageChunk = nil
        output.writeStaticString("data: [DONE]\n\n")
    }

    /// A partial answer may lack its finish: it is over all the same, for its length.
    private mutating func finishOpenChoices(into output: inout ByteBuffer) {
        while let index = progress.firstOpen {
            progress.finish(index)
            finishReason = .length
            writeChunk(choice: index, finishReason: "\"length\"", into: &output)
        }
    }

    /// Writes a chunk of the gateway's own, whose delta is empty.
    func writeChunk(
        choice index: Int, delta: StaticString = "{}", finishReason: StaticString, into output: inout ByteBuffer
    ) {
        let mark = EventStreamWriter.beginEvent(into: &output)
        header.writeOpening("chat.completion.chunk", into: &output)
        output.writeStaticString(",\"choices\":[{\"index\":")
        JSONWriter.writeInteger(index, into: &output)
        output.writeStaticString(",\"delta\":")
        output.writeStaticString(delta)
        output.writeStaticString(",\"finish_reason\":")
        output.writeStaticString(finishReason)
        output.writeStaticString(includesUsage ? "}],\"usage\":null}" : "}]}")
        EventStreamWriter.endEvent(mark, into: &output)
    }

    static func isDoneMarker(_ data: ByteBuffer) -> Bool {
        guard data.readableBytes <= 16 else { return false }
        return data.readableBytesView.trimmed.elementsEqual("[DONE]".utf8)
    }
}

extension ByteBufferView {
    /// Without spaces at either end.
    fileprivate var trimmed: ByteBufferView {
        var slice = self
        while slice.first == 0x20 { slice = slice.dropFirst() }
        while slice.last == 0x20 { slice = slice.dropLast() }
        return slice
    }
}
