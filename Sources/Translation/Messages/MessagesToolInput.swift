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
        guard let arguments, !document.isNull(arguments) else { return output.writeStaticString("{}") }
        if document.kind(of: arguments) == .object {
            // Some servings forget the string.
            return output.writeImmutableBuffer(document.text(of: arguments))
        }
        var text = ByteBuffer()
        document.writeString(arguments, into: &text)
        if isBlank(text) { return output.writeStaticString("{}") }
        var inner = JSONDocument()
        if (try? inner.scan(text)) != nil, inner.kind(of: inner.root) == .object {
            output.writeImmutableBuffer(inner.text(of: inner.root))
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

    private static func isBlank(_ text: ByteBuffer) -> Bool {
        text.readableBytesView.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    }
}
