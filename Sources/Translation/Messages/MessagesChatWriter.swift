import JSON
import NIOCore

/// Writes the chat completions request that a messages request becomes.
///
/// Strings of the client's are put together from their raw text, as it is escaped, so that nothing is decoded: the
/// pieces of a string are themselves the bodies of JSON strings.
struct MessagesChatWriter {
    var json: JSONWriter

    /// - Parameter capacity: the bytes that the request will need, about.
    init(capacity: Int) {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(capacity)
        json = JSONWriter(buffer)
    }

    /// Writes a member that is the client's own value.
    mutating func member(_ name: String, _ node: JSONNode, in document: borrowing JSONDocument) {
        json.member(name, .bytes(document.text(of: node)))
    }

    /// Writes the beginning of a string; pieces and `endString` follow.
    mutating func beginString() {
        json.value(.raw("\""))
    }

    /// Writes a piece of a string that needs no escapes, or has them.
    mutating func piece(_ text: StaticString) {
        json.buffer.writeStaticString(text)
    }

    /// Writes the characters of a string, or the text of any other value, as a piece of a string.
    mutating func piece(_ node: JSONNode, in document: borrowing JSONDocument) {
        let text = document.text(of: node)
        if document.kind(of: node) == .string {
            json.buffer.writeImmutableBuffer(Self.body(of: text))
        } else {
            JSONWriter.writeStringBody(utf8: text.readableBytesSpan, into: &json.buffer)
        }
    }

    mutating func endString() {
        json.buffer.writeStaticString("\"")
    }

    /// Writes the marker that has Qwen keep what stands before it in its cache. Anthropic's lifetimes and scopes are
    /// not Qwen's: what it knows is the plain form.
    mutating func cacheMarker() {
        json.member("cache_control", .raw(#"{"type":"ephemeral"}"#))
    }

    /// Writes a string as a part of a message's content.
    mutating func textPart(_ text: JSONNode, isMarked: Bool, in document: borrowing JSONDocument) {
        json.beginObject()
        json.member("type", .raw("\"text\""))
        member("text", text, in: document)
        if isMarked { cacheMarker() }
        json.endObject()
    }

    /// A string's text without its quotation marks.
    static func body(of string: ByteBuffer) -> ByteBuffer {
        string.getSlice(at: string.readerIndex + 1, length: string.readableBytes - 2) ?? ByteBuffer()
    }
}
