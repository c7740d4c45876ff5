import JSON
import NIOCore

/// Writes the blocks of a streamed message, one after the other.
struct MessagesStreamBlocks: Sendable {
    enum Block: Equatable {
        case thinking
        case text
        /// The position of the call.
        case call(Int)
    }

    /// The block that is open.
    private(set) var open: Block?
    /// The index of the block that was opened last.
    private var index = -1
    /// What stands in front of each delta of the open block, up to its string.
    private var prefix = ByteBuffer()

    mutating func begin(_ block: Block, into output: inout ByteBuffer) {
        switch block {
        case .thinking:
            begin(block, delta: #"{"type":"thinking_delta","thinking":"#, into: &output)
            output.writeStaticString(#"{"type":"thinking","thinking":"","signature":""}"#)
        case .text:
            begin(block, delta: #"{"type":"text_delta","text":"#, into: &output)
            output.writeStaticString(#"{"type":"text","text":""}"#)
        case .call: return
        }
        output.writeStaticString("}\n\n")
    }

    /// Begins the call at `position`; id and name are JSON strings.
    mutating func beginCall(_ position: Int, id: ByteBuffer, name: ByteBuffer, into output: inout ByteBuffer) {
        begin(.call(position), delta: #"{"type":"input_json_delta","partial_json":"#, into: &output)
        output.writeStaticString(#"{"type":"tool_use","id":"#)
        output.writeImmutableBuffer(id)
        output.writeStaticString(#","name":"#)
        output.writeImmutableBuffer(name)
        output.writeStaticString(",\"input\":{}}}\n\n")
    }

    private mutating func begin(_ block: Block, delta: StaticString, into output: inout ByteBuffer) {
        end(into: &output)
        open = block
        index += 1
        prefix.clear()
        prefix.writeStaticString("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":")
        JSONWriter.writeInteger(index, into: &prefix)
        prefix.writeStaticString(#","delta":"#)
        prefix.writeStaticString(delta)
        output.writeStaticString("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":")
        JSONWriter.writeInteger(index, into: &output)
        output.writeStaticString(#","content_block":"#)
    }

    /// Writes a delta of the open block: a JSON string as it came.
    @inline(__always)
    func writeDelta(_ string: ByteBuffer, into output: inout ByteBuffer) {
        output.writeImmutableBuffer(prefix)
        output.writeImmutableBuffer(string)
        output.writeStaticString("}}\n\n")
    }

    /// Writes a delta of the open block: the characters of a JSON string, without its quotation marks.
    func writeDelta(body: ByteBuffer, into output: inout ByteBuffer) {
        output.writeImmutableBuffer(prefix)
        output.writeStaticString("\"")
        output.writeImmutableBuffer(body)
        output.writeStaticString("\"}}\n\n")
    }

    /// Ends the open block, if there is one.
    mutating func end(into output: inout ByteBuffer) {
        if open == nil { return }
        open = nil
        output.writeStaticString("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":")
        JSONWriter.writeInteger(index, into: &output)
        output.writeStaticString("}\n\n")
    }
}
