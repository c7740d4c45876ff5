package import NIOCore

/// Appends text/event-stream to a buffer (WHATWG HTML §9.2.5).
///
/// Names and comments come from the program's text and hold no line ends. Data may hold any: each of its lines
/// becomes a `data` line, and the reader joins them by LF.
package enum EventStreamWriter {
    /// Where the data of an event begins that is being written.
    package struct Mark {
        fileprivate let start: Int
    }

    /// Begins an event, of kind `name` if that is given. What is appended to `output` up to `endEvent` is its data.
    package static func beginEvent(_ name: StaticString? = nil, into output: inout ByteBuffer) -> Mark {
        if let name {
            output.writeStaticString("event: ")
            output.writeStaticString(name)
            output.writeStaticString("\ndata: ")
        } else {
            output.writeStaticString("data: ")
        }
        return Mark(start: output.writerIndex)
    }

    /// Ends the event that `mark` began.
    package static func endEvent(_ mark: Mark, into output: inout ByteBuffer) {
        splitLines(from: mark.start, of: &output)
        output.writeStaticString("\n\n")
    }

    /// Writes an event, of kind `name` if that is given.
    package static func writeEvent(_ name: StaticString? = nil, data: ByteBuffer, into output: inout ByteBuffer) {
        let mark = beginEvent(name, into: &output)
        output.writeImmutableBuffer(data)
        endEvent(mark, into: &output)
    }

    /// Writes an event whose data is a literal, as the `[DONE]` that ends a stream.
    package static func writeEvent(
        _ name: StaticString? = nil, data: StaticString, into output: inout ByteBuffer
    ) {
        let mark = beginEvent(name, into: &output)
        output.writeStaticString(data)
        endEvent(mark, into: &output)
    }

    /// Writes a comment, which readers skip, and a blank line.
    package static func writeComment(_ text: StaticString, into output: inout ByteBuffer) {
        output.writeStaticString(": ")
        output.writeStaticString(text)
        output.writeStaticString("\n\n")
    }

    /// Makes a data line of each line written from `start` on. Most data is one line, and only looked through.
    private static func splitLines(from start: Int, of output: inout ByteBuffer) {
        let offset = start - output.readerIndex
        guard LineScanner.firstLine(of: output.readableBytesSpan.extracting(offset...)).next != nil else { return }
        var data = ByteBuffer()
        data.writeBytes(output.readableBytesSpan.extracting(offset...))
        output.moveWriterIndex(to: start)
        while true {
            let (length, next) = LineScanner.firstLine(of: data.readableBytesSpan)
            output.writeBytes(data.readableBytesSpan.extracting(first: length))
            guard let next else { return }
            output.writeStaticString("\ndata: ")
            data.moveReaderIndex(forwardBy: next)
        }
    }
}
