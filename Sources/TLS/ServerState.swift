internal import COpenSSL
internal import Glibc

/// What the callbacks of a server's contexts need: OpenSSL keeps it with each context, without a reference, and
/// `TLSServerContext` owns it. Immutable but for the ticket keys.
@safe
final class ServerState: Sendable {
    let ticketKeys: TicketKeyRing
    /// The default first.
    let contexts: [SSLContext]
    /// Host names, by the index of their context.
    let names: CertificateNames
    let unknownHost: UnknownHost
    private let staples: [(leaf: X509Certificate, staple: OCSPStaple)]

    init(
        ticketKeys: TicketKeyRing, contexts: [SSLContext], names: CertificateNames, unknownHost: UnknownHost,
        staples: [(leaf: X509Certificate, staple: OCSPStaple)]
    ) {
        self.ticketKeys = ticketKeys
        self.contexts = contexts
        self.names = names
        self.unknownHost = unknownHost
        self.staples = staples
    }

    /// Whether the name that a client asks for makes a difference.
    var choosesByName: Bool { contexts.count > 1 || unknownHost == .reject }
    var hasStaples: Bool { !staples.isEmpty }

    /// The state that belongs to a session.
    @inline(__always)
    static func of(_ ssl: OpaquePointer) -> ServerState? {
        guard let context = unsafe SSL_get_SSL_CTX(ssl), let data = unsafe gw_SSL_CTX_get_app_data(context) else {
            return nil
        }
        return unsafe Unmanaged<ServerState>.fromOpaque(data).takeUnretainedValue()
    }

    /// What to answer to a client that asks for the status of the certificate that it is shown.
    fileprivate func response(for leaf: OpaquePointer, now: Int64) -> [UInt8]? {
        for (certificate, staple) in staples where unsafe X509_cmp(certificate.pointer, leaf) == 0 {
            return staple.isExpired(at: now) ? nil : staple.response
        }
        return nil
    }
}

/// Looks at the name that a client asks for (SNI, RFC 6066 §3), and has the session go on with its certificate's context.
func chooseCertificate(ssl: OpaquePointer?, alert: UnsafeMutablePointer<CInt>?, _: UnsafeMutableRawPointer?) -> CInt {
    guard
        let ssl = unsafe ssl, let state = unsafe ServerState.of(ssl),
        let bytes = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
    else { return SSL_TLSEXT_ERR_NOACK }
    let name = unsafe String(cString: bytes)
    if let index = state.names.owner(ofHost: name) {
        // The session has a copy of the context's certificates from here on; its ticket keys are the same ones.
        if index > 0 { unsafe SSL_set_SSL_CTX(ssl, state.contexts[index].pointer) }
        return SSL_TLSEXT_ERR_OK
    }
    // There is no form for addresses, but some clients send them all the same.
    guard state.unknownHost == .reject, CertificateNames.address(name[...]) == nil else { return SSL_TLSEXT_ERR_NOACK }
    unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Answers a client's status_request (RFC 6066 §8).
func staple(ssl: OpaquePointer?, _: UnsafeMutableRawPointer?) -> CInt {
    guard
        let ssl = unsafe ssl, let state = unsafe ServerState.of(ssl), let leaf = unsafe SSL_get_certificate(ssl),
        let response = unsafe state.response(for: leaf, now: Int64(time(nil)))
    else { return SSL_TLSEXT_ERR_NOACK }
    // OpenSSL frees the copy.
    guard let copy = unsafe CRYPTO_memdup(response, response.count, nil, 0) else { return SSL_TLSEXT_ERR_NOACK }
    unsafe gw_SSL_set_tlsext_status_ocsp_resp(ssl, copy.assumingMemoryBound(to: UInt8.self), response.count)
    return SSL_TLSEXT_ERR_OK
}
