import JSON
import NIOCore

/// The arguments of a call, which a chat completion has as a string, as the object that a message has.
enum MessagesToolInput {
    /// Writes the object.
    ///
    /// No arguments are an empty one. Arguments that are no object, as when the answer was cut short, are kept in the
    /// member `INVALID_JSON`, the way Anthropic's guide has it: were they dropped, a tool could run as if it had been
    /// called without any.
    static func write(
        _ arguments: JSONNode?, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        guard let arguments, let object = object(arguments, in: document) else {
            return writeInvalid(arguments, in: document, into: &output)
        }
        output.writeImmutableBuffer(object)
    }

    /// The arguments' text, if they are an object; nil if they are nothing, or anything else.
    private static func object(_ arguments: JSONNode, in document: borrowing JSONDocument) -> ByteBuffer? {
        // Some servings forget the string.
        if document.kind(of: arguments) == .object { return document.text(of: arguments) }
        var text = ByteBuffer()
        document.writeString(arguments, into: &text)
        var inner = JSONDocument()
        guard (try? inner.scan(text)) != nil, inner.kind(of: inner.root) == .object else { return nil }
        return inner.text(of: inner.root)
    }

    private static func writeInvalid(
        _ arguments: JSONNode?, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        guard let arguments, !isBlank(arguments, in: document) else {
            output.writeStaticString("{}")
            return
        }
        output.writeStaticString(#"{"INVALID_JSON":"#)
        if document.kind(of: arguments) == .string {
            output.writeImmutableBuffer(document.text(of: arguments))
        } else {
            JSONWriter.writeString(utf8: document.text(of: arguments).readableBytesSpan, into: &output)
        }
        output.writeStaticString("}")
    }

    /// Null, or a string without characters but white space.
    private static func isBlank(_ arguments: JSONNode, in document: borrowing JSONDocument) -> Bool {
        if document.isNull(arguments) { return true }
        var text = ByteBuffer()
        guard document.writeString(arguments, into: &text) else { return false }
        return text.readableBytesView.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    }
}
