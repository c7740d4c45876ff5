import NIOCore

/// `application/x-www-form-urlencoded` as Qwen's client writes it: values are encoded as `encodeURIComponent` does, so
/// a space is `%20` and never `+`.
enum FormEncoding {
    private static let hexDigits = Array("0123456789ABCDEF".utf8)
    private static let plainMarks = Array("-_.!~*'()".utf8)

    static func encode(_ fields: [(name: StaticString, value: String)]) -> ByteBuffer {
        var body = ByteBuffer()
        for field in fields {
            if body.readableBytes > 0 { body.writeInteger(UInt8(ascii: "&")) }
            body.writeStaticString(field.name)
            body.writeInteger(UInt8(ascii: "="))
            write(field.value, into: &body)
        }
        return body
    }

    static func encodeComponent(_ text: String) -> String {
        var bytes = ByteBuffer()
        write(text, into: &bytes)
        return String(buffer: bytes)
    }

    private static func write(_ text: String, into output: inout ByteBuffer) {
        for byte in text.utf8 {
            if isPlain(byte) {
                output.writeInteger(byte)
            } else {
                output.writeBytes([UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]])
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: plainMarks.contains(byte)
        }
    }
}
