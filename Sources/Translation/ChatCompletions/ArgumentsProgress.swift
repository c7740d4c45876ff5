import NIOCore

/// Whether the arguments of a tool call, of which one piece comes after the other, are a whole JSON object yet.
///
/// Counts brackets outside strings. What is no object is never whole.
struct ArgumentsProgress: Sendable, Equatable {
    private(set) var isWhole = false
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// Takes the next piece.
    ///
    /// - Parameter text: as it stands in Qwen's event, a JSON string with its quotation marks.
    mutating func take(_ text: ByteBuffer) {
        var bytes = text.readableBytesView.dropFirst().dropLast()
        while let byte = bytes.popFirst(), !isWhole {
            guard byte == UInt8(ascii: "\\") else {
                takeCharacter(byte)
                continue
            }
            // One character of the arguments, written as an escape.
            let kind = bytes.popFirst()
            if kind == UInt8(ascii: "u") {
                takeCharacter(Self.ascii(bytes.prefix(4)))
                bytes = bytes.dropFirst(4)
            } else if let kind {
                takeCharacter(kind == UInt8(ascii: "\"") || kind == UInt8(ascii: "\\") ? kind : 0x20)
            }
        }
    }

    private mutating func takeCharacter(_ character: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if character == UInt8(ascii: "\\") { isEscaped = true }
            if character == UInt8(ascii: "\"") { isInString = false }
        } else {
            switch character {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                isWhole = depth == 0
            default: break
            }
        }
    }

    /// The character of four hexadecimal digits, where it may matter; else a letter that does not.
    private static func ascii(_ digits: ByteBufferView) -> UInt8 {
        let digits = String(decoding: digits, as: UTF8.self)
        return UInt16(digits, radix: 16).flatMap { UInt8(exactly: $0) } ?? UInt8(ascii: "x")
    }
}
