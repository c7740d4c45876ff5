/// Text in log lines. Whatever a peer put into a value, it stays one value on one line: quotes, backslashes, control
/// characters (C0, DEL and C1) and the invisible characters that reorder or break text are written as `\u` escapes.
extension LineBytes {
    /// Writes text as it is.
    @inline(__always)
    mutating func write(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes text as it is. Not for literals, whose bytes need no look at how a string is stored.
    @_disfavoredOverload
    mutating func write(_ text: String) {
        let isWritten: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe append(contentsOf: UnsafeRawBufferPointer($0))
        }
        if isWritten == nil { for byte in text.utf8 { append(byte) } }
    }

    /// Writes a quoted JSON string (RFC 8259 §7), which is also the quoted form of the text format.
    mutating func writeQuoted(_ text: String) {
        append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars { writeEscaped(scalar) }
        append(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": write("\\\"")
        case "\\": write("\\\\")
        case "\n": write("\\n")
        case "\r": write("\\r")
        case "\t": write("\\t")
        default:
            if scalar.mustBeEscaped {
                write("\\u")
                for shift: UInt32 in [12, 8, 4, 0] { append(UInt8(hexDigit: scalar.value >> shift & 0xF)) }
            } else {
                write(String(scalar))
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether all bytes are ASCII that stands for itself between quotes: 0x20...0x7E without quote and backslash.
    var isPlain: Bool {
        guard let start = baseAddress else { return true }
        var marks: UInt64 = 0
        var offset = 0
        while count - offset >= 8 {
            marks |= unsafe Self.marks(in: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        // The bytes before the last word, which are looked at once more, are free; a short text is put into one.
        if offset < count {
            if count >= 8 {
                marks |= unsafe Self.marks(in: start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            } else {
                var word: UInt64 = 0x2020_2020_2020_2020
                for index in 0..<count {
                    word = unsafe word << 8 | UInt64(start.load(fromByteOffset: index, as: UInt8.self))
                }
                marks |= unsafe Self.marks(in: word)
            }
        }
        return marks == 0
    }

    /// Not zero if one of the eight bytes is not plain. A byte may be marked for its neighbour's sake, but none where
    /// all are plain.
    @inline(__always)
    private static func marks(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func below(_ word: UInt64, _ limit: UInt64) -> UInt64 { (word &- ones &* limit) & ~word }
        let isQuote = below(word ^ ones &* UInt64(UInt8(ascii: "\"")), 1)
        let isBackslash = below(word ^ ones &* UInt64(UInt8(ascii: "\\")), 1)
        // 0x7F overflows into the high bit; all above has it.
        let isHigh = word | (word &+ ones)
        return (below(word, 0x20) | isQuote | isBackslash | isHigh) & (ones &* 0x80)
    }
}

extension String.UTF8View {
    /// Whether the text must be quoted in the text format to be told from its neighbours.
    func needQuotes(maySpace: Bool) -> Bool {
        isEmpty || contains { $0 == UInt8(ascii: "=") || ($0 == UInt8(ascii: " ") && !maySpace) }
    }
}

extension Unicode.Scalar {
    /// Control characters, line and paragraph separators, marks that reorder what follows, the byte order mark: all
    /// of them in the Basic Multilingual Plane.
    fileprivate var mustBeEscaped: Bool {
        switch value {
        case 0x00...0x1F, 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        default: false
        }
    }
}

extension UInt8 {
    fileprivate init(hexDigit: UInt32) {
        self = (hexDigit < 10 ? 0x30 : 0x57) &+ UInt8(truncatingIfNeeded: hexDigit)
    }
}
