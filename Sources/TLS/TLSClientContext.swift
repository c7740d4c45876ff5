internal import COpenSSL

/// What the upstream sessions share: trusted roots and protocols. Verification of the server's certificate, and of its
/// name, is always on.
///
/// Immutable, so one context serves all event loops.
@safe
package final class TLSClientContext: Sendable {
    let context: SSLContext
    /// What sessions offer.
    let protocols: [ApplicationProtocol]

    /// Trusts the system's roots and, if it is named, every certificate in a PEM file. `alpn` is what the client
    /// offers, in its order of preference; nothing is offered when it is empty. Blocks while reading.
    package init(
        additionalTrustFile: String? = nil, alpn: [ApplicationProtocol] = [.http2, .http1]
    ) throws(TLSError) {
        context = try SSLContext(.client)
        protocols = alpn
        clearErrorQueue()
        guard unsafe SSL_CTX_set_default_verify_paths(context.pointer) == 1 else {
            throw .fromQueue(.internalFailure, "finding the system's trusted roots")
        }
        if let additionalTrustFile {
            try trust(PEMFile(path: additionalTrustFile))
        }
        unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        // A trusted certificate ends the chain, whether or not it signed itself: the file may name one server.
        unsafe X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.pointer), UInt(X509_V_FLAG_PARTIAL_CHAIN))

        let offered = ApplicationProtocol.wireFormat(of: alpn)
        // The one function of its kind that returns 0 for success.
        guard unsafe SSL_CTX_set_alpn_protos(context.pointer, offered, UInt32(offered.count)) == 0 else {
            throw .fromQueue(.internalFailure, "setting application protocols")
        }
        unsafe gw_SSL_CTX_set_session_cache_mode(
            context.pointer, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
        unsafe SSL_CTX_sess_set_new_cb(context.pointer) { ssl, session in
            guard let ssl = unsafe ssl, let session = unsafe session, let owner = unsafe gw_SSL_get_app_data(ssl) else {
                return 0
            }
            let token = unsafe TLSResumption(owning: session)
            unsafe Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue().received(token)
            return 1
        }
    }

    private func trust(_ file: PEMFile) throws(TLSError) {
        guard let store = unsafe SSL_CTX_get_cert_store(context.pointer) else {
            throw .fromQueue(.internalFailure, "opening the trust store")
        }
        for certificate in try X509Certificate.all(in: file) {
            clearErrorQueue()
            guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1 else {
                throw .fromQueue(.unusableCertificate, "a certificate in \(file.name) cannot be used")
            }
        }
    }
}
