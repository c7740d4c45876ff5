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
                throw .eventTooLarge(limit: limit)
            }
            guard let next else {
                carryOver(length, of: chunk)
                chunk.moveReaderIndex(forwardBy: length)
                return nil
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
