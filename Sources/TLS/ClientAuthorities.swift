internal import COpenSSL

/// Whose certificates clients may present (RFC 8446 §4.3.2).
final class ClientAuthorities: Sendable {
    private let certificates: [X509Certificate]
    private let mode: TLSClientAuthentication.Mode
    /// What sessions belong to: a ticket that was issued while other authorities were trusted opens nothing, and the
    /// client has to show its certificate again.
    let sessionContext: [UInt8]

    /// The longest chain of a client, in bytes; OpenSSL's own limit is 100 KiB.
    private static let maximumChainSize = 32 << 10

    /// Reads the file, which blocks.
    init(_ settings: TLSClientAuthentication) throws(TLSError) {
        let file = try PEMFile(path: settings.authorityFile)
        certificates = try X509Certificate.all(in: file)
        mode = settings.mode
        let identity = Array("qwen-gateway \(settings.mode.rawValue) ".utf8) + file.bytes
        sessionContext = try SHA256Hasher().hash(identity.span).bytes
    }

    /// Makes a context ask for certificates, and verify them.
    func use(in context: SSLContext) throws(TLSError) {
        clearErrorQueue()
        guard let store = unsafe SSL_CTX_get_cert_store(context.pointer) else {
            throw .fromQueue(.internalFailure, "opening the trust store")
        }
        for certificate in certificates {
            guard
                unsafe X509_STORE_add_cert(store, certificate.pointer) == 1,
                unsafe gw_SSL_CTX_add1_to_client_CA_list(context.pointer, certificate.pointer) == 1
            else { throw .fromQueue(.unusableCertificate, "an authority of clients cannot be used") }
        }
        unsafe X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.pointer), UInt(X509_V_FLAG_PARTIAL_CHAIN))
        unsafe gw_SSL_CTX_set_max_cert_list(context.pointer, Self.maximumChainSize)
        let required = mode == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER | required, nil)
    }
}
