/// The secret that seals files, in memory that is wiped when it is dropped. It does not print itself.
package final class VaultSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The fewest bytes that a secret may have.
    package static let leastBytes = 16

    private let bytes: SecretBytes

    /// Takes a copy; the caller's bytes are the caller's to wipe.
    ///
    /// - Throws: `weakSecret` for fewer than 16 bytes. Which variable held them, only the caller knows.
    package init(_ secret: [UInt8]) throws(VaultError) {
        guard secret.count >= Self.leastBytes else {
            throw VaultError(
                .weakSecret,
                "the secret that seals the credentials has \(secret.count) bytes and needs \(Self.leastBytes) or more;"
                    + " `openssl rand -base64 32` makes a good one")
        }
        bytes = unsafe SecretBytes(count: secret.count) { unsafe $0.copyBytes(from: secret) }
    }

    /// The secret that a file holds: its content without the line end that editors and `echo` leave behind it.
    package convenience init(fileContent: [UInt8]) throws(VaultError) {
        var content = fileContent
        defer { content.wipe() }
        if content.last == UInt8(ascii: "\n") {
            content.removeLast()
            if content.last == UInt8(ascii: "\r") { content.removeLast() }
        }
        try self.init(content)
    }

    package var description: String { "[redacted]" }
    package var debugDescription: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { unsafe body($0) }
    }
}
