/// Finds the end of a protocol line (RFC 9112 §2.2) in input that arrives in pieces.
///
/// A line ends with CR LF. Any other control byte than TAB, a CR or LF on its own among them, makes it illegal, so
/// a line that was found holds none. What was looked at is not looked at again.
struct LineScanner {
    /// Bytes of the line that have been looked at already.
    private var scanned = 0

    /// The line that starts at `start`: the offset of its CR, or nil while its end has not come.
    ///
    /// The line may have `limit` bytes; past that, whether its end has come or not, it throws `tooLong`.
    @inline(__always)
    mutating func end(
        in input: borrowing RawSpan, from start: Int, limit: Int, tooLong: @autoclosure () -> RequestFault
    ) throws(RequestFault) -> Int? {
        let offset = input.firstControl(from: start &+ scanned)
        scanned = 0
        guard offset &- start <= limit else { throw tooLong() }
        if offset == input.byteCount {
            scanned = offset &- start
            return nil
        }
        guard input.byte(at: offset) == UInt8(ascii: "\r") else { throw .illegalByte }
        guard offset &+ 1 < input.byteCount else {
            scanned = offset &- start
            return nil
        }
        guard input.byte(at: offset &+ 1) == UInt8(ascii: "\n") else { throw .illegalByte }
        return offset
    }
}

/// One field line: `name: value` (RFC 9112 §5), as ranges of the input.
struct FieldLine {
    let name: Range<Int>
    let value: Range<Int>

    /// The decoded size, as HTTP/2 counts it (RFC 9113 §6.5.2).
    var listSize: Int { name.count + value.count + 32 }

    /// Reads the line in `range`, which holds no control byte but TAB.
    ///
    /// White space before the name is obsolete line folding or worse, and white space before the colon hides a name
    /// from others: both are refused (RFC 9112 §5.1, §5.2).
    @inline(__always)
    init(_ input: borrowing RawSpan, _ range: Range<Int>) throws(RequestFault) {
        let colon = input.endOfRun(of: .token, from: range.lowerBound, to: range.upperBound)
        guard colon > range.lowerBound, colon < range.upperBound, input.byte(at: colon) == UInt8(ascii: ":") else {
            throw .bad("A header field line must be a name, a colon and a value, on one line.")
        }
        name = range.lowerBound..<colon
        value = input.trimmed(colon &+ 1..<range.upperBound)
    }
}

extension RequestFault {
    static func bad(_ message: String) -> RequestFault { RequestFault(status: 400, message: message) }

    static var illegalByte: RequestFault {
        .bad("Lines must end with CR LF and hold no other control character.")
    }
}
