import JSON
import NIOCore

/// What an answer says of itself, streamed or not.
package struct MessagesIdentity: Sendable, Equatable {
    /// `msg_…`, of letters, digits, `_` and `-`.
    package var id: String
    /// The model, by the name that the client is to see.
    package var model: String

    package init(id: String, model: String) {
        self.id = id
        self.model = model
    }

    /// Writes the members of a message up to its content.
    func writeOpening(into output: inout ByteBuffer) {
        output.writeStaticString(#"{"id":"#)
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(#","type":"message","role":"assistant","model":"#)
        JSONWriter.writeString(model, into: &output)
        output.writeStaticString(#","content":["#)
    }

    /// Writes an id, as a JSON string, for the tool call at `position` of an answer to which Qwen gave none.
    func writeCallID(_ position: Int, into output: inout ByteBuffer) {
        output.writeStaticString("\"toolu_")
        JSONWriter.writeInteger(position, into: &output)
        output.writeStaticString("_")
        JSONWriter.writeStringBody(id, into: &output)
        output.writeStaticString("\"")
    }
}
