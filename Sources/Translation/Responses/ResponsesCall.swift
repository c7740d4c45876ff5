import JSON
import NIOCore

/// One call of a streamed response, while it comes.
struct ResponsesCall: Sendable {
    /// In `ToolCallSlots.slots`, where id and name are.
    let slot: Int
    /// What came of the arguments before the client was told of the call.
    var pending = RawText()
    /// The call's place in the output, once the client was told.
    var item: Int?
}

extension ToolCallSlots.Slot {
    /// Id and name as they are written, without quotation marks; nil where they are not known.
    var idBody: ByteBuffer? { id.map(Self.body) }
    var nameBody: ByteBuffer? { name.map(Self.body) }

    private static func body(of string: ByteBuffer) -> ByteBuffer {
        string.getSlice(at: string.readerIndex + 1, length: string.readableBytes - 2) ?? ByteBuffer()
    }
}
