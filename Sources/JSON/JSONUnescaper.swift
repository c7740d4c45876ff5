internal import Glibc

/// Undoes the escapes of a string that the scanner has checked (RFC 8259 §7).
enum JSONUnescaper {
    /// Hands the UTF-8 that `body`, a string without its quotation marks, stands for to `visit`, piece by piece, until
    /// that returns false. Returns false if it did. A surrogate without its partner becomes U+FFFD.
    static func forEachPiece(
        of body: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        guard let base = body.baseAddress else { return true }
        let end = body.count
        var offset = 0
        while offset < end {
            let rest = unsafe base + offset
            let length = unsafe memchr(rest, 0x5C, end - offset).map { unsafe UnsafeRawPointer($0) - rest }
            let plain = length ?? end - offset
            if plain > 0 {
                guard unsafe visit(UnsafeRawBufferPointer(start: rest, count: plain)) else { return false }
                offset += plain
            }
            guard offset < end else { break }
            let scalar = unsafe decodeEscape(body, &offset)
            guard unsafe visitEncoded(scalar, visit) else { return false }
        }
        return true
    }

    private static func visitEncoded(_ scalar: Unicode.Scalar, _ visit: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var word: UInt32 = 0
        var count = 0
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            word |= UInt32(byte) << (8 * UInt32(count))
            count += 1
        }
        return unsafe withUnsafeBytes(of: word.littleEndian) { word in
            unsafe visit(UnsafeRawBufferPointer(rebasing: word[..<count]))
        }
    }

    /// The scalar of the escape sequence at `offset`, or of the two that make a surrogate pair; moves behind it.
    private static func decodeEscape(_ body: UnsafeRawBufferPointer, _ offset: inout Int) -> Unicode.Scalar {
        let letter = unsafe offset + 1 < body.count ? body[offset + 1] : 0
        guard letter == UInt8(ascii: "u") else {
            offset += 2
            switch letter {
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{C}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            default: return Unicode.Scalar(letter)
            }
        }
        let unit = unsafe codeUnit(body, at: offset) ?? 0
        offset += 6
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, let low = unsafe codeUnit(body, at: offset), (0xDC00..<0xE000).contains(low) else {
            return "\u{FFFD}"
        }
        offset += 6
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    /// The UTF-16 code unit of the `\uXXXX` at `offset`, nil if there is none.
    private static func codeUnit(_ body: UnsafeRawBufferPointer, at offset: Int) -> UInt32? {
        guard offset + 6 <= body.count, unsafe body[offset] == UInt8(ascii: "\\"),
            unsafe body[offset + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for index in (offset + 2)..<(offset + 6) {
            let byte = unsafe body[index]
            // The letters of either case have bit 6 set, and 1 to 6 in their low bits.
            unit = unit << 4 | UInt32(byte & 0x40 == 0 ? byte & 0x0F : byte & 0x0F + 9)
        }
        return unit
    }
}
