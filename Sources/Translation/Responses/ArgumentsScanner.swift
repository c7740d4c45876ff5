import NIOCore

/// Finds the end of JSON text that is itself held as the escaped text of a JSON string.
struct ArgumentsScanner {
    private var depth = 0
    private var isInString = false
    /// The character before this one was a backslash inside a string of the inner text.
    private var isAfterBackslash = false
    private var isWhole = false

    /// Whether `body`, a JSON string's text without its quotation marks, holds an object or array up to its last
    /// bracket.
    static func isWhole(_ body: ByteBuffer) -> Bool {
        let bytes = body.readableBytesView
        guard let last = bytes.last(where: { $0 != UInt8(ascii: " ") }), last == UInt8(ascii: "}") || last == 0x5D
        else { return false }
        var scanner = ArgumentsScanner()
        var index = bytes.startIndex
        while index < bytes.endIndex {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\\"), index < bytes.endIndex {
                byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: "u") {
                    let end = min(index + 4, bytes.endIndex)
                    let unit = UInt16(String(decoding: bytes[index..<end], as: UTF8.self), radix: 16)
                    byte = unit.flatMap { UInt8(exactly: $0) } ?? UInt8(ascii: " ")
                    index = end
                } else if byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                    // What other escapes stand for, control characters and the slash, means nothing here.
                    byte = UInt8(ascii: " ")
                }
            }
            scanner.take(byte)
        }
        return scanner.isWhole
    }

    private mutating func take(_ character: UInt8) {
        if isInString {
            if isAfterBackslash {
                isAfterBackslash = false
            } else if character == UInt8(ascii: "\\") {
                isAfterBackslash = true
            } else if character == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
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
