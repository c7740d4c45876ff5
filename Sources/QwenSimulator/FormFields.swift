/// The fields of a form or a query: `name=value&…`, percent-encoded (WHATWG URL §5.1).
struct FormFields {
    private var values: [String: String] = [:]

    init(_ text: some StringProtocol) {
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let value = equals < pair.endIndex ? pair[pair.index(after: equals)...] : pair[equals...]
            values[Self.decode(pair[..<equals])] = Self.decode(value)
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    private static func decode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var digits: [UInt8]?
        for byte in bytes {
            if var pending = digits {
                pending.append(byte)
                digits = pending
                guard pending.count == 2 else { continue }
                output.append(UInt8(String(decoding: pending, as: UTF8.self), radix: 16) ?? UInt8(ascii: "?"))
                digits = nil
            } else if byte == UInt8(ascii: "%") {
                digits = []
            } else {
                output.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

/// Text made of bytes.
enum EncodedBytes {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Base64url without padding (RFC 4648 §5).
    static func base64URL(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { output.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return String(decoding: output, as: UTF8.self)
    }

    /// A text that nobody can guess.
    static func random(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return base64URL((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// A code that people read off: eight letters in two groups.
    static func userCode() -> String {
        let letters = Array("BCDFGHJKLMNPQRSTVWXZ")
        var generator = SystemRandomNumberGenerator()
        let code = (0..<8).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] }
        return String(code[..<4]) + "-" + String(code[4...])
    }
}
