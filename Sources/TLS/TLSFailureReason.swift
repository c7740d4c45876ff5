/// Why a TLS session failed, in names that metrics can carry as a label. Stable.
package enum TLSFailureReason: String, Sendable, CaseIterable {
    case plainHTTP = "plain_http"
    case unsupportedVersion = "unsupported_version"
    case nothingInCommon = "nothing_in_common"
    case noApplicationProtocol = "no_application_protocol"
    case unrecognizedName = "unrecognized_name"
    case clientCertificateMissing = "client_certificate_missing"
    case certificateInvalid = "certificate_invalid"
    /// The peer's alert says that it does not accept our certificate.
    case certificateRefused = "certificate_refused"
    /// Any other alert of the peer's.
    case peerAlert = "peer_alert"
    case messageTooLarge = "message_too_large"
    case malformed = "malformed"
    case recordFlood = "record_flood"
    case protocolViolation = "protocol_violation"
    case truncated = "truncated"
    case internalFailure = "internal"
}

extension TLSError {
    /// The failure's name; `internal` for errors that no session ends with.
    package var failureReason: TLSFailureReason {
        switch code {
        case .plainHTTP: .plainHTTP
        case .unsupportedVersion: .unsupportedVersion
        case .nothingInCommon: .nothingInCommon
        case .noApplicationProtocol: .noApplicationProtocol
        case .unrecognizedName: .unrecognizedName
        case .clientCertificateMissing: .clientCertificateMissing
        case .certificateInvalid: .certificateInvalid
        // bad_certificate to unknown_ca, but for illegal_parameter (RFC 8446 §6.2).
        case .peerAlert(42...46), .peerAlert(48): .certificateRefused
        case .peerAlert: .peerAlert
        case .messageTooLarge: .messageTooLarge
        case .handshakeFailure: .malformed
        case .recordFlood: .recordFlood
        case .protocolViolation: .protocolViolation
        case .truncated: .truncated
        case .unreadableFile, .unusableCertificate, .unusablePrivateKey, .encryptedPrivateKey, .unusableOCSPResponse,
            .unusableTicketKeys, .keyMismatch, .invalidServerName, .notWritable, .internalFailure:
            .internalFailure
        }
    }

    /// What a peer overdid after the handshake.
    init(_ excess: RecordWatch.Excess) {
        switch excess {
        case .controlRecords:
            self.init(.recordFlood, "too many records without data, such as key updates")
        case .tinyRecords:
            self.init(
                .recordFlood,
                """
                more than \(RecordWatch.tinyRecordsPerSecond) records a second with fewer than \
                \(RecordWatch.tinySize) bytes
                """)
        }
    }
}
