import NIOCore

/// Base64 (RFC 4648 §4, padded) of floats as four bytes each, the lowest first: what OpenAI's client libraries ask for
/// with `encoding_format: base64`.
enum Base64Floats {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// How many characters so many floats take.
    static func length(of count: Int) -> Int {
        (count * 4 + 2) / 3 * 4
    }

    static func write(_ floats: Span<Float>, into output: inout ByteBuffer) {
        let letters = alphabet.span
        output.writeWithOutputRawSpan(minimumWritableBytes: length(of: floats.count)) { output in
            // Bits that are not written yet, in the order of the bytes; at most four are left over from one float.
            var bits: UInt64 = 0
            var count = 0
            for index in floats.indices {
                bits = bits << 32 | UInt64(floats[index].bitPattern.byteSwapped)
                count += 32
                while count >= 6 {
                    count -= 6
                    output.append(letters[Int(truncatingIfNeeded: bits >> UInt64(count) & 63)])
                }
            }
            guard count > 0 else { return }
            output.append(letters[Int(truncatingIfNeeded: bits << UInt64(6 - count) & 63)])
            // Four bits are left of one byte more than a multiple of three, two of two bytes more.
            for _ in 0..<(count == 2 ? 2 : 1) { output.append(UInt8(ascii: "=")) }
        }
    }
}
