package import NIOCore

/// Appends JSON text to a buffer that it owns, and sets the commas.
///
/// It is the caller's part to begin and end containers in turn and to give each member a key. Move a buffer in and
/// take it out again to write without a copy.
package struct JSONWriter: Sendable {
    package var buffer: ByteBuffer
    private var needsComma = false

    package init(_ buffer: ByteBuffer = ByteBuffer()) {
        self.buffer = buffer
    }

    package mutating func beginObject() { begin(UInt8(ascii: "{")) }
    package mutating func endObject() { end(UInt8(ascii: "}")) }
    package mutating func beginArray() { begin(UInt8(ascii: "[")) }
    package mutating func endArray() { end(UInt8(ascii: "]")) }

    /// Writes a member's key; its value comes next.
    package mutating func key(_ name: String) {
        writeComma()
        Self.writeString(name, into: &buffer)
        buffer.writeInteger(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func value(_ value: JSONFragment) {
        writeComma()
        value.write(into: &buffer)
        needsComma = true
    }

    /// Writes a string whose characters are UTF-8 bytes; what is not UTF-8 becomes U+FFFD.
    package mutating func value(utf8 bytes: RawSpan) {
        writeComma()
        Self.writeString(utf8: bytes, into: &buffer)
        needsComma = true
    }

    package mutating func member(_ name: String, _ value: JSONFragment) {
        key(name)
        self.value(value)
    }

    private mutating func begin(_ bracket: UInt8) {
        writeComma()
        buffer.writeInteger(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        buffer.writeInteger(bracket)
        needsComma = true
    }

    private mutating func writeComma() {
        if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
    }
}

// MARK: - Single values

extension JSONWriter {
    /// Appends a string with its quotation marks.
    package static func writeString(_ value: String, into output: inout ByteBuffer) {
        output.writeInteger(UInt8(ascii: "\""))
        writeStringBody(value, into: &output)
        output.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends a string with its quotation marks; what is not UTF-8 becomes U+FFFD.
    package static func writeString(utf8 bytes: RawSpan, into output: inout ByteBuffer) {
        output.writeInteger(UInt8(ascii: "\""))
        writeStringBody(utf8: bytes, into: &output)
        output.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends the characters of a string, escaped, without quotation marks: a string can be written in pieces.
    package static func writeStringBody(_ value: String, into output: inout ByteBuffer) {
        var value = value
        value.withUTF8 { unsafe writeStringBody(UnsafeRawBufferPointer($0), into: &output) }
    }

    /// As `writeStringBody` for UTF-8 bytes; what is not UTF-8 becomes U+FFFD. A character must not be divided
    /// between two pieces.
    package static func writeStringBody(utf8 bytes: RawSpan, into output: inout ByteBuffer) {
        unsafe bytes.withUnsafeBytes { unsafe writeStringBody($0, into: &output) }
    }

    package static func writeInteger(_ value: Int, into output: inout ByteBuffer) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = digits.count
        var rest = value.magnitude
        repeat {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if value < 0 {
            first -= 1
            digits[first] = UInt8(ascii: "-")
        }
        unsafe output.writeBytes(digits.span.extracting(first...).bytes)
    }

    /// Appends the shortest digits that give `value` again, or null if it is not finite: JSON has no such numbers.
    package static func writeDouble(_ value: Double, into output: inout ByteBuffer) {
        output.writeString(value.isFinite ? value.description : "null")
    }

    /// Escapes what must be escaped and nothing else (RFC 8259 §7).
    private static func writeStringBody(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        guard let base = bytes.baseAddress else { return }
        let end = bytes.count
        var offset = 0
        while true {
            let stop = unsafe JSONText.endOfPlainText(base, from: offset, to: end)
            unsafe output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<stop]))
            guard stop < end else { return }
            let byte = unsafe bytes[stop]
            if byte < 0x80 {
                writeEscape(of: byte, into: &output)
                offset = stop + 1
            } else {
                output.writeStaticString("\u{FFFD}")
                offset = unsafe stop + JSONText.invalidLength(base, at: stop, to: end)
            }
        }
    }

    private static func writeEscape(of byte: UInt8, into output: inout ByteBuffer) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        default:
            output.writeStaticString("\\u00")
            output.writeInteger(hexDigit(byte >> 4))
            output.writeInteger(hexDigit(byte & 0x0F))
            return
        }
        output.writeInteger(UInt16(UInt8(ascii: "\\")) << 8 | UInt16(letter))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
