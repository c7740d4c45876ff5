import JSON
import NIOCore

/// What characters cost, in sixtieths of a token.
enum MessagesTokenWeight {
    private static let token = 60
    private static let letter = 13
    private static let digit = 60
    private static let space = 10
    private static let mark = 30
    /// Of two bytes in UTF-8: Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
    private static let alphabetic = 24
    /// Of three bytes: Chinese, Japanese, Korean, the scripts of India.
    private static let ideographic = 40
    /// Of four bytes: emoji, rare signs.
    private static let rare = 120

    /// The tokens of a text, rounded up. It may be the body of a JSON string: escapes are the characters that they
    /// stand for.
    static func tokens(of text: ByteBuffer) -> Int {
        let bytes = text.readableBytesSpan
        var weight = 0
        var offset = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            offset += 1
            switch byte {
            case UInt8(ascii: "\\"): weight += escaped(bytes, &offset)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): weight += letter
            case UInt8(ascii: " "): weight += space
            case UInt8(ascii: "0")...UInt8(ascii: "9"): weight += digit
            case 0..<0x80: weight += mark
            // The rest of a sequence: its first byte stands for it.
            case 0x80..<0xC0: break
            case 0xC0..<0xE0: weight += alphabetic
            case 0xE0..<0xF0: weight += ideographic
            default: weight += rare
            }
        }
        return (weight + token - 1) / token
    }

    /// The tokens of a string, or of any other value as it is written; none for null.
    static func tokens(of node: JSONNode?, in document: borrowing JSONDocument) -> Int {
        guard let node, !document.isNull(node) else { return 0 }
        return tokens(of: document.rawStringBody(node) ?? document.text(of: node))
    }

    /// What the escape costs whose backslash is in front of `offset`; moves behind it.
    private static func escaped(_ bytes: RawSpan, _ offset: inout Int) -> Int {
        guard offset < bytes.byteCount else { return 0 }
        let letter = bytes.byte(at: offset)
        offset += 1
        guard letter == UInt8(ascii: "u"), offset + 4 <= bytes.byteCount else { return mark }
        var unit: UInt32 = 0
        for place in offset..<offset + 4 {
            let byte = bytes.byte(at: place)
            // The letters of either case have bit 6 set, and 1 to 6 in their low bits.
            unit = unit << 4 | UInt32(byte & 0x40 == 0 ? byte & 0x0F : byte & 0x0F &+ 9)
        }
        offset += 4
        switch unit {
        case 0..<0x80: return mark
        case 0..<0x800: return alphabetic
        // Half of a pair.
        case 0xD800..<0xE000: return rare / 2
        default: return ideographic
        }
    }
}

extension RawSpan {
    /// The byte at `offset`, which is checked.
    @inline(__always)
    fileprivate func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
