/// Why a TLS context could not be made, or a session failed. `code` is stable and for programs, `reason` is for people.
package struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// A file could not be read.
        case unreadableFile
        /// A file or buffer holds no PEM certificate, or one that cannot be parsed or is too weak to be used.
        case unusableCertificate
        /// A file or buffer holds no PEM private key, or one that cannot be parsed.
        case unusablePrivateKey
        /// The private key is encrypted with a passphrase.
        case encryptedPrivateKey
        /// The private key is not the one that the certificate was issued for.
        case keyMismatch
        /// The name of the server to connect to is empty, too long or has a NUL in it.
        case invalidServerName

        /// The handshake failed: no common version, suite or group, or bytes that are not TLS.
        case handshakeFailure
        /// The client offered application protocols and none that the server speaks (alert 120, RFC 7301 §3.2).
        case noApplicationProtocol
        /// The server's certificate was not accepted.
        case certificateInvalid(CertificateFault)
        /// The peer ended the session with this fatal alert (RFC 8446 §6).
        case peerAlert(UInt8)
        /// The client spoke plain HTTP.
        case plainHTTP
        /// The peer broke the protocol after the handshake: a forged or malformed record, too many control records.
        case protocolViolation
        /// The connection ended without close_notify: what was received may have been cut short (RFC 8446 §6.1).
        case truncated
        /// The session was asked to send before its handshake was finished, or after `close`.
        case notWritable
        /// OpenSSL ran out of memory or failed in a way that no peer should be able to cause.
        case internalFailure
    }

    /// What is wrong with a server's certificate.
    package enum CertificateFault: Hashable, Sendable {
        /// Its validity period is over.
        case expired
        /// Its validity period has not begun.
        case notYetValid
        /// Neither it nor an issuer of it is trusted.
        case unknownAuthority
        /// It was issued for another host name or address.
        case nameMismatch
        /// Anything else; the reason says what.
        case other
    }

    /// The kind of failure.
    package let code: Code
    /// What happened, what it happened to and, for an operator's mistake, what to do. Holds no secrets.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}
