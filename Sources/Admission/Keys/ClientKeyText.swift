package import TLS

/// A client key that the gateway makes: `qgw_`, the eight letters of the record's id, and a secret of 256 random bits in
/// letters and digits: `qgw_k7Qz2MbX_…`. The prefix and the id are no secret: the one lets scanners find keys that were
/// published by mistake, the other lets people find a key's record.
package struct ClientKeyText: Sendable, CustomStringConvertible, CustomReflectable {
    package static let prefix = "qgw_"
    package static let idLength = 8
    /// 62^43 is a little more than 2^256.
    private static let secretLength = 43

    /// Longer keys, whoever made them, are not looked at: hashing them would cost more than it is worth.
    package static let longest = 1024

    /// Of a whole key.
    package static let length = prefix.utf8.count + idLength + 1 + secretLength

    /// The key. It is shown once, to who asked for it.
    package let secret: String
    package let id: String

    /// Makes a key.
    ///
    /// - Parameter id: of the record that it belongs to; nil makes one up.
    package init(id: String? = nil) throws(ClientKeyStoreError) {
        let id = if let id { id } else { try Self.randomText(Self.idLength) }
        self.id = id
        secret = try "\(Self.prefix)\(id)_\(Self.randomText(Self.secretLength))"
    }

    /// What is kept of a key: with 256 random bits in it no slower hash is called for.
    package static func digest(of key: String) throws(ClientKeyStoreError) -> SHA256Digest {
        do throws(TLSError) {
            return try SHA256Hasher().hash(Array(key.utf8).span)
        } catch {
            throw ClientKeyStoreError(.internalFailure, error.reason)
        }
    }

    /// Random letters and digits, each as probable as any other.
    private static func randomText(_ count: Int) throws(ClientKeyStoreError) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        let fair = 256 - 256 % alphabet.count
        var text: [UInt8] = []
        while text.count < count {
            do throws(TLSError) {
                for byte in try secureRandomBytes(count) where Int(byte) < fair && text.count < count {
                    text.append(alphabet[Int(byte) % alphabet.count])
                }
            } catch {
                throw ClientKeyStoreError(.internalFailure, error.reason)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    package var description: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
