internal import COpenSSL

/// Empties the thread's error queue: before each call whose failure will be looked up in it.
@inline(__always)
func clearErrorQueue() {
    gw_ERR_clear_error()
}

extension TLSError {
    private static func text(of error: UInt) -> String {
        guard error != 0, let text = unsafe ERR_reason_error_string(error) else { return "no reason given" }
        return unsafe String(cString: text)
    }

    /// An error that says what was attempted and what OpenSSL says about it: its oldest entry, the cause of the others.
    @inline(never)
    static func fromQueue(_ code: Code, _ attempt: String) -> TLSError {
        TLSError(code, "\(attempt): \(text(of: ERR_peek_error()))")
    }

    /// The failure that a call on a session left in the error queue.
    @inline(never)
    static func ofSession(_ ssl: OpaquePointer, serverName: String?, established: Bool) -> TLSError {
        // The newest entry is OpenSSL's verdict on the session; what led to it, if anything, is older.
        let error = ERR_peek_last_error()
        let reason = gw_ERR_get_lib(error) == ERR_LIB_SSL ? gw_ERR_get_reason(error) : 0
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return unsafe ofVerification(SSL_get_verify_result(ssl), serverName: serverName ?? "the peer")
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return TLSError(.noApplicationProtocol, "the client offers no application protocol that is spoken here")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH, SSL_R_UNKNOWN_PROTOCOL:
            return TLSError(.unsupportedVersion, "TLS handshake failed: no version in common")
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
            SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_GROUPS:
            return TLSError(.nothingInCommon, "TLS handshake failed: \(text(of: error))")
        case SSL_R_CALLBACK_FAILED where !established:
            return TLSError(.unrecognizedName, "the client asks for a host name that no certificate carries")
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return TLSError(.clientCertificateMissing, "the client shows no certificate")
        case SSL_R_EXCESSIVE_MESSAGE_SIZE:
            return TLSError(.messageTooLarge, "a message of the handshake is too large")
        case SSL_R_TOO_MANY_KEY_UPDATES, SSL_R_TOO_MANY_WARN_ALERTS, SSL_R_RECORD_TOO_SMALL:
            return TLSError(.recordFlood, "TLS session failed: \(text(of: error))")
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return TLSError(.plainHTTP, "a plain HTTP request instead of TLS")
        case SSL_AD_REASON_OFFSET...SSL_AD_REASON_OFFSET + 255:
            // Alerts that the peer sent have reasons of their own, numbered after the alert.
            let alert = UInt8(truncatingIfNeeded: reason - SSL_AD_REASON_OFFSET)
            return TLSError(.peerAlert(alert), "the peer sent a fatal alert: \(text(of: error))")
        default:
            return established
                ? TLSError(.protocolViolation, "TLS session failed: \(text(of: error))")
                : TLSError(.handshakeFailure, "TLS handshake failed: \(text(of: error))")
        }
    }

    private static func ofVerification(_ result: Int, serverName: String) -> TLSError {
        let text = unsafe String(cString: X509_verify_cert_error_string(result))
        let fault: CertificateFault
        let advice: String
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            fault = .expired
            advice = ""
        case X509_V_ERR_CERT_NOT_YET_VALID:
            fault = .notYetValid
            advice = " (is this machine's clock right?)"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            fault = .nameMismatch
            advice = ": it was issued for another name"
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            fault = .unknownAuthority
            advice = ": if its authority is to be trusted, set UPSTREAM_CA_FILE to that authority's certificate"
        default:
            fault = .other
            advice = ""
        }
        return TLSError(.certificateInvalid(fault), "certificate of \(serverName) refused: \(text)\(advice)")
    }
}
