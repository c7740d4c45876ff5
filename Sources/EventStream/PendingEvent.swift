import NIOCore

/// The fields of an event whose blank line has not come yet.
struct PendingEvent: Sendable {
    private enum Data: Sendable {
        case none
        /// One line, as a slice of where it was found.
        case line(ByteBuffer)
        /// Several lines, in `joined`.
        case lines
    }

    /// A buffer of more bytes than this is not kept for the next event.
    static let largestKeptBuffer = 262_144

    private var data = Data.none
    private var name: ByteBuffer?
    private var id: ByteBuffer?
    private var status: Int?
    private var joined = ByteBuffer()
    /// How many bytes the lines have whose fields are kept.
    private(set) var size = 0

    var isEmpty: Bool { size == 0 && status == nil }

    /// Takes in a line that is not blank: the bytes `line` of `buffer`, counted from its reader index.
    mutating func read(_ line: Range<Int>, of buffer: ByteBuffer) {
        let bytes = buffer.readableBytesSpan
        switch bytes[line.lowerBound] {
        case UInt8(ascii: "d"):
            guard let value = Self.value(of: "data", bytes, line) else { return }
            append(Self.slice(value, of: buffer))
            size += line.count
        case UInt8(ascii: "e"):
            guard let value = Self.value(of: "event", bytes, line) else { return }
            name = value.isEmpty ? nil : Self.slice(value, of: buffer)
            size += line.count
        case UInt8(ascii: "i"):
            guard let value = Self.value(of: "id", bytes, line) else { return }
            // An id with a NUL is ignored.
            guard !value.contains(where: { bytes[$0] == 0 }) else { return }
            id = Self.slice(value, of: buffer)
            size += line.count
        case UInt8(ascii: ":"):
            if let value = Self.status(bytes, line) { status = value }
        default:
            break
        }
    }

    private mutating func append(_ value: ByteBuffer) {
        switch data {
        case .none:
            data = .line(value)
        case .line(let first):
            if joined.capacity > Self.largestKeptBuffer { joined = ByteBuffer() }
            joined.clear()
            joined.writeImmutableBuffer(first)
            data = .lines
            fallthrough
        case .lines:
            joined.writeInteger(UInt8(ascii: "\n"))
            joined.writeImmutableBuffer(value)
        }
    }

    /// Gives the event away and begins the next one; nil if it has no data, as the standard has it.
    mutating func take(isComplete: Bool) -> ServerSentEvent? {
        let data: ByteBuffer?
        switch self.data {
        case .none: data = nil
        case .line(let line): data = line
        case .lines: data = joined
        }
        defer {
            self.data = .none
            name = nil
            id = nil
            status = nil
            size = 0
        }
        guard let data else { return nil }
        return ServerSentEvent(data: data, name: name, id: id, status: status, isComplete: isComplete)
    }
}

// MARK: - Fields

extension PendingEvent {
    /// Where the value of a line lies whose field is `name`: behind the colon and one space. nil for another field.
    @inline(__always)
    private static func value(of name: StaticString, _ bytes: RawSpan, _ line: Range<Int>) -> Range<Int>? {
        guard bytes.extracting(line).starts(with: name) else { return nil }
        let end = line.lowerBound + name.utf8CodeUnitCount
        guard end < line.upperBound else { return end..<end }
        guard bytes[end] == UInt8(ascii: ":") else { return nil }
        let hasSpace = end + 1 < line.upperBound && bytes[end + 1] == UInt8(ascii: " ")
        return (hasSpace ? end + 2 : end + 1)..<line.upperBound
    }

    /// The number of a comment `:HTTP_STATUS/429`; nil for another comment.
    private static func status(_ bytes: RawSpan, _ line: Range<Int>) -> Int? {
        let prefix: StaticString = ":HTTP_STATUS/"
        guard line.count == prefix.utf8CodeUnitCount + 3, bytes.extracting(line).starts(with: prefix) else {
            return nil
        }
        var number = 0
        for index in line.suffix(3) {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    @inline(__always)
    private static func slice(_ range: Range<Int>, of buffer: ByteBuffer) -> ByteBuffer {
        buffer.getSlice(at: buffer.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }
}
