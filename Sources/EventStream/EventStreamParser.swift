package import NIOCore

/// Splits text/event-stream into events (WHATWG HTML §9.2.6), fed with chunks that are cut anywhere.
///
/// An event whose lines lie each within one chunk is handed out as slices of the chunk: nothing is copied or
/// allocated. A line that a chunk ends in is carried over in a buffer, which is used again as soon as the events made
/// of it are gone. So are several data lines of one event, which must be joined.
package struct EventStreamParser: ~Copyable, Sendable {
    /// The end of the input, as `finish()` found it.
    package enum End: Sendable, Equatable {
        /// Nothing was left over.
        case clean
        /// The input ends inside an event or a line. A browser drops that; here the event is handed out if it has
        /// data, since an upstream may forget the blank line after an error.
        case incomplete(ServerSentEvent?)
    }

    /// The most bytes of one event.
    private let limit: Int
    /// An event was larger than that, and where the next one begins is not known.
    private var isBroken = false

    /// The beginning of a line whose end has not come yet.
    private var carry = ByteBuffer()
    private var isFirstLine = true
    /// The last line ended with a CR that was the last byte so far: an LF that comes next belongs to it.
    private var isAfterReturn = false
    private var event = PendingEvent()

    package init(limit: Int = 16 * 1024 * 1024) {
        self.limit = limit
    }

    /// The next complete event. Takes from `chunk` what it needs; gives nil when it has taken all and more must come.
    /// Once it has thrown, it throws the same error whenever it is called.
    package mutating func next(in chunk: inout ByteBuffer) throws(EventStreamError) -> ServerSentEvent? {
        guard !isBroken else { throw .eventTooLarge(limit: limit) }
        while chunk.readableBytes > 0 {
            if isAfterReturn {
                isAfterReturn = false
                if chunk.readableBytesSpan[0] == UInt8(ascii: "\n") {
                    chunk.moveReaderIndex(forwardBy: 1)
                    continue
                }
            }
            let (length, next) = LineScanner.firstLine(of: chunk.readableBytesSpan)
            guard event.size + carry.readableBytes + length <= limit else {
                isBroken = true
                carry = ByteBuffer()
                event = PendingEvent()
                throw .eventTooLarge(limit: limit)
            }
            guard let next else {
                carryOver(length, of: chunk)
                chunk.moveReaderIndex(forwardBy: length)
                return nil
            }
            if let event = soleData(of: chunk, length, next) {
                chunk.moveReaderIndex(forwardBy: event.length)
                return ServerSentEvent(data: event.data)
            }
            let isBlank: Bool
            if carry.readableBytes == 0 {
                isBlank = read(length, of: chunk)
            } else {
                carryOver(length, of: chunk)
                isBlank = readCarry()
            }
            isAfterReturn = next == chunk.readableBytes && chunk.readableBytesSpan[next - 1] == UInt8(ascii: "\r")
            chunk.moveReaderIndex(forwardBy: next)
            if isBlank, let event = event.take(isComplete: true) { return event }
        }
        return nil
    }

    /// The usual event at once: one data line, `length` bytes and up to `next`, and a blank line behind it. nil for
    /// everything else, which takes the long way.
    @inline(__always)
    private func soleData(of chunk: ByteBuffer, _ length: Int, _ next: Int) -> (data: ByteBuffer, length: Int)? {
        let bytes = chunk.readableBytesSpan
        guard length >= 6, next < bytes.byteCount, event.isEmpty, carry.readableBytes == 0, !isFirstLine,
            bytes.starts(with: "data:")
        else { return nil }
        let end: Int
        if bytes[next] == UInt8(ascii: "\n") {
            end = next + 1
        } else if bytes[next] == UInt8(ascii: "\r"), next + 1 < bytes.byteCount, bytes[next + 1] == UInt8(ascii: "\n") {
            end = next + 2
        } else {
            return nil
        }
        let start = bytes[5] == UInt8(ascii: " ") ? 6 : 5
        guard let data = chunk.getSlice(at: chunk.readerIndex + start, length: length - start) else { return nil }
        return (data, end)
    }

    /// Tells that no more comes, and makes the parser ready for another stream.
    package mutating func finish() -> End {
        let hasLine = carry.readableBytes > 0
        if hasLine { _ = readCarry() }
        let isClean = !isBroken && !hasLine && event.isEmpty
        let last = event.take(isComplete: false)
        isBroken = false
        isFirstLine = true
        isAfterReturn = false
        return isClean ? .clean : .incomplete(last)
    }

    /// Reads the line of the first `length` bytes of `buffer`; true if it is blank.
    private mutating func read(_ length: Int, of buffer: ByteBuffer) -> Bool {
        var start = 0
        if isFirstLine {
            isFirstLine = false
            if LineScanner.startsWithByteOrderMark(buffer.readableBytesSpan) { start = 3 }
        }
        guard start < length else { return true }
        event.read(start..<length, of: buffer)
        return false
    }

    private mutating func readCarry() -> Bool {
        let line = carry
        // The bytes stay where they are until the buffer is used again.
        carry.moveReaderIndex(to: carry.writerIndex)
        return read(line.readableBytes, of: line)
    }

    private mutating func carryOver(_ length: Int, of chunk: ByteBuffer) {
        if carry.readableBytes == 0 {
            if carry.capacity > PendingEvent.largestKeptBuffer { carry = ByteBuffer() }
            carry.clear()
        }
        carry.writeBytes(chunk.readableBytesSpan.extracting(first: length))
    }
}
