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
        /// A file holds no OCSP response, one of another certificate, or one that says that the certificate is not good.
        case unusableOCSPResponse
        /// A file holds no session ticket keys, or others can read it.
        case unusableTicketKeys
        /// The private key is not the one that the certificate was issued for.
        case keyMismatch
        /// The name of the server to connect to is empty, too long or has a NUL in it.
        case invalidServerName

        /// The handshake failed for a reason without a case of its own: bytes that are not TLS, for one.
        case handshakeFailure
        /// The peer speaks none of the versions that are spoken here (alert 70).
        case unsupportedVersion
        /// No cipher suite, group or signature algorithm in common (alert 40).
        case nothingInCommon
        /// The client asked for a host name that no certificate carries (alert 112).
        case unrecognizedName
        /// The client did not show the certificate that it takes (alert 116).
        case clientCertificateMissing
        /// A message of the handshake, or a chain of certificates, was larger than any honest one.
        case messageTooLarge
        /// The client offered application protocols and none that the server speaks (alert 120, RFC 7301 §3.2).
        case noApplicationProtocol
        /// The peer's certificate was not accepted.
        case certificateInvalid(CertificateFault)
        /// The peer ended the session with this fatal alert (RFC 8446 §6).
        case peerAlert(UInt8)
        /// The client spoke plain HTTP.
        case plainHTTP
        /// The peer broke the protocol after the handshake: a forged or malformed record.
        case protocolViolation
        /// The peer sent more records without data, or more tiny ones, than an honest peer has use for.
        case recordFlood
        /// The connection ended without close_notify: what was received may have been cut short (RFC 8446 §6.1).
        case truncated
        /// The session was asked to send before its handshake was finished, or after `close`.
        case notWritable
        /// OpenSSL ran out of memory or failed in a way that no peer should be able to cause.
        case internalFailure
    }

    /// What is wrong with a peer's certificate.
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
