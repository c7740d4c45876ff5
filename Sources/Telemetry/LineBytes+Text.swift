/// Text in log lines. Whatever a peer put into a value, it stays one value on one line: quotes, backslashes, control
/// characters (C0, DEL and C1) and the invisible characters that reorder or break text are written as `\u` escapes.
extension LineBytes {
    /// Writes text as it is.
    @inline(__always)
    mutating func write(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes text as it is.
    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { unsafe append(contentsOf: UnsafeRawBufferPointer($0)) }
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

extension Span<UInt8> {
    /// Whether all bytes are ASCII that stands for itself between quotes.
    var isPlain: Bool {
        unsafe withUnsafeBufferPointer { bytes in
            var marks: UInt8 = 0
            for index in 0..<bytes.count {
                let byte = unsafe bytes[index]
                // 0x20...0x7E without quote and backslash; no early exit, so that the loop becomes vector code.
                marks |= (byte &- 0x20 >= 0x5F ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0)
            }
            return marks == 0
        }
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
