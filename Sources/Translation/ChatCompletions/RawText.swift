import JSON
import NIOCore

/// A string that comes in pieces. The pieces are joined as they are written, escaped: a surrogate pair that was divided
/// between two of them is whole again.
struct RawText: Sendable {
    private(set) var body = ByteBuffer()
    /// A piece has come, though it may be empty.
    private(set) var isPresent = false

    var isEmpty: Bool { body.readableBytes == 0 }

    /// Appends a string's text; gives back its length in bytes. What is no string, and not null, is appended as the
    /// JSON that it is.
    mutating func append(_ node: JSONNode, in document: borrowing JSONDocument) -> Int {
        var text = document.text(of: node)
        let before = body.writerIndex
        switch document.kind(of: node) {
        case .string:
            text.moveReaderIndex(forwardBy: 1)
            text.moveWriterIndex(to: text.writerIndex - 1)
            body.writeBuffer(&text)
        case .null: return 0
        default: JSONWriter.writeStringBody(utf8: text.readableBytesSpan, into: &body)
        }
        isPresent = true
        return body.writerIndex - before
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString("\"")
        output.writeImmutableBuffer(body)
        output.writeStaticString("\"")
    }
}
