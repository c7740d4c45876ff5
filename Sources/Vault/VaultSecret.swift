internal import COpenSSL

/// The secret that seals files, in memory that is wiped when it is dropped.
package final class VaultSecret: Sendable {
    /// The fewest bytes that a secret may have.
    package static let leastBytes = 16
}
