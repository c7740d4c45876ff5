import JSON
import NIOCore

/// One call of a streamed response, while it comes. Its id and its name are at its place in `ToolCallSlots.slots`.
struct ResponsesCall: Sendable {
    /// What came of the arguments before the client was told of the call.
    var pending = RawText()
    /// The call's place in the output, once the client was told.
    var item: Int?
}

extension ToolCallSlots.Slot {
    /// Id and name as they are written, without quotation marks; nil where they are not known.
    var idBody: ByteBuffer? { id.map(MessagesChatWriter.body) }
    var nameBody: ByteBuffer? { name.map(MessagesChatWriter.body) }
}
