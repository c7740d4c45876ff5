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
        if document.isNull(node) { return 0 }
        isPresent = true
        return body.writeImmutableBuffer(Self.body(of: node, in: document))
    }

    /// A string's text, without its quotation marks and without a copy; of what is no string the JSON that it is,
    /// escaped, and of null nothing.
    static func body(of node: JSONNode, in document: borrowing JSONDocument) -> ByteBuffer {
        if let body = document.rawStringBody(node) { return body }
        var body = ByteBuffer()
        if !document.isNull(node) {
            JSONWriter.writeStringBody(utf8: document.text(of: node).readableBytesSpan, into: &body)
        }
        return body
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString("\"")
        output.writeImmutableBuffer(body)
        output.writeStaticString("\"")
    }
}
