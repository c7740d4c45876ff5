import TLS

/// A proof that who takes a login's token is who began the login (RFC 7636), with the method S256.
package struct PKCE: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// A secret until it has been used.
    let verifier: String
    /// What is sent ahead of it: BASE64URL(SHA256(verifier)).
    let challenge: String

    /// Bytes of randomness in a verifier, which make 43 characters (RFC 7636 §4.1).
    static let randomBytes = 32

    /// - Parameter random: `randomBytes` bytes that nobody can guess.
    init(random: [UInt8]) throws(TLSError) {
        verifier = Base64URL.encode(random)
        challenge = Base64URL.encode(try SHA256Hasher().hash(Array(verifier.utf8).span).bytes)
    }

    package var description: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Base 64 with the URL-safe alphabet and without padding (RFC 4648 §5).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for digit in 0...group.count { text.append(alphabet[Int(word >> UInt32(18 - 6 * digit) & 63)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Random identifiers (RFC 9562 §5.4).
enum UUIDv4 {
    /// - Parameter random: 16 bytes.
    static func text(random: [UInt8]) -> String {
        var text = ""
        for (index, byte) in random.prefix(16).enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            let byte = index == 6 ? byte & 0x0F | 0x40 : index == 8 ? byte & 0x3F | 0x80 : byte
            text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
        return text
    }
}
