import JSON
import NIOCore

/// The events, each on one line of data: everything in them is JSON without line ends.
extension ResponsesStream {
    /// Writes what a stream begins with, unless that was done.
    mutating func start(into output: inout ByteBuffer) {
        guard !hasStarted else { return }
        hasStarted = true
        writeResponse("response.created", .inProgress, into: &output)
        writeResponse("response.in_progress", .inProgress, into: &output)
    }

    mutating func writeResponse(
        _ type: StaticString, _ status: ResponsesStatus, into output: inout ByteBuffer
    ) {
        beginEvent(type, into: &output)
        output.writeStaticString(",\"response\":")
        template.write(status, items, usage, into: &output)
        endEvent(into: &output)
    }

    /// Writes the event that ends a whole stream.
    mutating func writeEnding(into output: inout ByteBuffer) {
        guard let ending else { return }
        if case .completed = ending {
            writeResponse("response.completed", ending, into: &output)
        } else {
            writeResponse("response.incomplete", ending, into: &output)
        }
    }

    // MARK: Items

    /// Begins an item: gives back its place.
    @discardableResult
    mutating func add(
        _ kind: ResponsesItem.Kind, callID: ByteBuffer = ByteBuffer(), name: ByteBuffer = ByteBuffer(),
        into output: inout ByteBuffer
    ) -> Int {
        var item = ResponsesItem(kind, index: items.count, identity: identity, isStreamed: true)
        item.callID = callID
        item.name = name
        beginEvent("response.output_item.added", into: &output)
        writeItem(item, isNew: true, into: &output)
        switch kind {
        case .reasoning: writePart("response.reasoning_summary_part.added", of: item, isNew: true, into: &output)
        case .message: writePart("response.content_part.added", of: item, isNew: true, into: &output)
        case .call: break
        }
        items.append(item)
        return item.index
    }

    /// Writes a piece of an item's text, and keeps it for the end.
    @inline(__always)
    mutating func writeDelta(_ body: ByteBuffer, of place: Int, into output: inout ByteBuffer) {
        items[place].text.writeImmutableBuffer(body)
        output.writeImmutableBuffer(items[place].deltaPrefix)
        output.writeInteger(UInt8(ascii: "\""))
        output.writeImmutableBuffer(body)
        output.writeInteger(UInt8(ascii: "\""))
        output.writeStaticString(items[place].deltaSuffix)
        endSequenced(into: &output)
    }

    /// As `writeDelta`, with the logprobs (a JSON array) of the piece.
    mutating func writeDelta(
        _ body: ByteBuffer, logprobs: ByteBuffer, of place: Int, into output: inout ByteBuffer
    ) {
        items[place].text.writeImmutableBuffer(body)
        items[place].addLogprobs(logprobs)
        output.writeImmutableBuffer(items[place].deltaPrefix)
        output.writeInteger(UInt8(ascii: "\""))
        output.writeImmutableBuffer(body)
        output.writeStaticString("\",\"logprobs\":")
        output.writeImmutableBuffer(logprobs)
        output.writeStaticString(",\"sequence_number\":")
        endSequenced(into: &output)
    }

    /// Ends an item with its whole text. A call without arguments gets the empty object that they stand for.
    mutating func close(_ place: Int, _ status: ResponsesItem.Status, into output: inout ByteBuffer) {
        if items[place].lacksArguments(status) {
            writeDelta(ResponsesItem.noArguments, of: place, into: &output)
        }
        items[place].status = status
        let item = items[place]
        switch item.kind {
        case .reasoning:
            writeText("response.reasoning_summary_text.done", of: item, ",\"text\":\"", into: &output)
            endEvent(into: &output)
            writePart("response.reasoning_summary_part.done", of: item, into: &output)
        case .message:
            writeText("response.output_text.done", of: item, ",\"text\":\"", into: &output)
            output.writeStaticString(",\"logprobs\":[")
            output.writeImmutableBuffer(item.logprobs)
            output.writeStaticString("]")
            endEvent(into: &output)
            writePart("response.content_part.done", of: item, into: &output)
        case .call:
            writeText("response.function_call_arguments.done", of: item, ",\"arguments\":\"", into: &output)
            output.writeStaticString(",\"name\":\"")
            output.writeImmutableBuffer(item.name)
            output.writeStaticString("\"")
            endEvent(into: &output)
        }
        beginEvent("response.output_item.done", into: &output)
        writeItem(item, isNew: false, into: &output)
    }

    private mutating func writeItem(_ item: ResponsesItem, isNew: Bool, into output: inout ByteBuffer) {
        output.writeStaticString(",\"output_index\":")
        JSONWriter.writeInteger(item.index, into: &output)
        output.writeStaticString(",\"item\":")
        item.write(isNew: isNew, into: &output)
        endEvent(into: &output)
    }

    private mutating func writePart(
        _ type: StaticString, of item: ResponsesItem, isNew: Bool = false, into output: inout ByteBuffer
    ) {
        beginEvent(type, into: &output)
        item.writePlace(into: &output)
        output.writeStaticString(",\"part\":")
        item.writePart(isNew: isNew, into: &output)
        endEvent(into: &output)
    }

    private func writeText(
        _ type: StaticString, of item: ResponsesItem, _ key: StaticString, into output: inout ByteBuffer
    ) {
        beginEvent(type, into: &output)
        item.writePlace(into: &output)
        output.writeStaticString(key)
        output.writeImmutableBuffer(item.text)
        output.writeStaticString("\"")
    }

    // MARK: Frames

    func beginEvent(_ type: StaticString, into output: inout ByteBuffer) {
        output.writeStaticString("event: ")
        output.writeStaticString(type)
        output.writeStaticString("\ndata: {\"type\":\"")
        output.writeStaticString(type)
        output.writeStaticString("\"")
    }

    mutating func endEvent(into output: inout ByteBuffer) {
        output.writeStaticString(",\"sequence_number\":")
        endSequenced(into: &output)
    }

    /// Ends an event behind the name of its sequence number.
    @inline(__always)
    mutating func endSequenced(into output: inout ByteBuffer) {
        JSONWriter.writeInteger(sequence, into: &output)
        output.writeStaticString("}\n\n")
        sequence += 1
    }
}
