import NIOCore

/// What a body decoder found in its input.
enum BodyPiece {
    case needsMore
    /// Never empty; a slice of the input.
    case bytes(ByteBuffer)
    case end
}

/// Decodes the chunked transfer coding (RFC 9112 §7.1), strictly.
///
/// Chunk extensions must be well-formed and are ignored; trailer fields must be too, and are dropped (§7.1.2).
struct ChunkedDecoder {
    private enum State {
        case size, data(Int), dataEnd, trailers, end
    }

    /// Bytes of chunk extensions that one body may have.
    static let extensionLimit = 4096
    /// Hex digits that a chunk size may have.
    private static let sizeDigits = 16

    private let limits: HTTPLimits
    private var state = State.size
    private var line = LineScanner()
    private var extensionBytes = 0
    /// The decoded size and the number of the message's fields so far: trailers count with the header section.
    private var listSize: Int
    private var fieldCount: Int

    init(limits: HTTPLimits, listSize: Int, fieldCount: Int) {
        self.limits = limits
        self.listSize = listSize
        self.fieldCount = fieldCount
    }

    /// Consumes `input` up to the next piece of the body, or what it can of it.
    mutating func next(_ input: inout ByteBuffer) throws(RequestFault) -> BodyPiece {
        while true {
            switch state {
            case .size:
                guard let size = try readSize(&input) else { return .needsMore }
                state = size == 0 ? .trailers : .data(size)
            case .data(let remaining):
                let count = min(remaining, input.readableBytes)
                guard count > 0, let bytes = input.readSlice(length: count) else { return .needsMore }
                state = count == remaining ? .dataEnd : .data(remaining - count)
                return .bytes(bytes)
            case .dataEnd:
                // The data is followed by an empty rest of a line.
                guard let end = try endOfLine(input, limit: 0) else { return .needsMore }
                input.moveReaderIndex(forwardBy: end + 2)
                state = .size
            case .trailers:
                guard try readTrailers(&input) else { return .needsMore }
                state = .end
            case .end:
                return .end
            }
        }
    }

    private mutating func endOfLine(_ input: borrowing ByteBuffer, limit: Int) throws(RequestFault) -> Int? {
        try line.end(in: input.readableBytesSpan, from: 0, limit: limit, tooLong: .bad("A chunk is malformed."))
    }

    /// `chunk-size [ chunk-ext ] CRLF`, without any white space.
    private mutating func readSize(_ input: inout ByteBuffer) throws(RequestFault) -> Int? {
        let limit = Self.sizeDigits + Self.extensionLimit - extensionBytes
        guard let end = try endOfLine(input, limit: limit) else { return nil }
        let size = try parseSize(input.readableBytesSpan, end)
        input.moveReaderIndex(forwardBy: end + 2)
        return size
    }

    private mutating func parseSize(_ line: borrowing RawSpan, _ end: Int) throws(RequestFault) -> Int {
        var size = 0
        var offset = 0
        while offset < end, let digit = hexDigit(line.byte(at: offset)) {
            guard offset < Self.sizeDigits, size <= Int.max >> 4 else { throw .bad("A chunk size is too large.") }
            size = size << 4 | digit
            offset += 1
        }
        guard offset > 0 else { throw .bad("A chunk size must be a hexadecimal number.") }
        if offset < end {
            extensionBytes += end - offset
            guard extensionBytes <= Self.extensionLimit, isExtensions(line, offset..<end) else {
                throw .bad("A chunk size must be a hexadecimal number, followed by well-formed extensions at most.")
            }
        }
        return size
    }

    /// `*( ";" token [ "=" ( token / quoted-string ) ] )`
    private func isExtensions(_ bytes: borrowing RawSpan, _ range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        let end = range.upperBound
        while offset < end {
            guard bytes.byte(at: offset) == UInt8(ascii: ";") else { return false }
            let name = offset + 1
            offset = bytes.endOfRun(of: .token, from: name, to: end)
            guard offset > name else { return false }
            guard offset < end, bytes.byte(at: offset) == UInt8(ascii: "=") else { continue }
            let value = offset + 1
            if value < end, bytes.byte(at: value) == UInt8(ascii: "\"") {
                guard let close = endOfQuotedString(bytes, value + 1..<end) else { return false }
                offset = close
            } else {
                offset = bytes.endOfRun(of: .token, from: value, to: end)
                guard offset > value else { return false }
            }
        }
        return true
    }

    /// The offset past the closing quote of a quoted string (RFC 9110 §5.6.4) whose inside starts `range`.
    private func endOfQuotedString(_ bytes: borrowing RawSpan, _ range: Range<Int>) -> Int? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            switch bytes.byte(at: offset) {
            case UInt8(ascii: "\""): return offset + 1
            case UInt8(ascii: "\\"): offset += 2
            default: offset += 1
            }
        }
        return nil
    }

    private func hexDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }

    /// Consumes trailer field lines; true when the empty line has been passed.
    private mutating func readTrailers(_ input: inout ByteBuffer) throws(RequestFault) -> Bool {
        var offset = 0
        let isWhole = try passTrailers(input.readableBytesSpan, &offset)
        input.moveReaderIndex(forwardBy: offset)
        return isWhole
    }

    private mutating func passTrailers(_ input: borrowing RawSpan, _ offset: inout Int) throws(RequestFault) -> Bool {
        while true {
            let room = limits.headerListSize - listSize
            guard let end = try line.end(in: input, from: offset, limit: room, tooLong: .headersTooLarge) else {
                return false
            }
            let start = offset
            offset = end + 2
            if start == end { return true }
            let field = try FieldLine(input, start..<end)
            listSize += field.listSize
            fieldCount += 1
            if fieldCount > limits.headerCount || listSize > limits.headerListSize { throw .headersTooLarge }
        }
    }
}
