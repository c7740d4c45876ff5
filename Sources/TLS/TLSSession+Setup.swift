internal import COpenSSL

extension TLSSession {
    /// A new SSL over a transport; the caller frees it.
    static func makeSSL(_ context: SSLContext, over records: RecordBIO) throws(TLSError) -> OpaquePointer {
        clearErrorQueue()
        guard let ssl = unsafe SSL_new(context.pointer) else { throw .fromQueue(.internalFailure, "making a session") }
        unsafe records.attach(to: ssl)
        return unsafe ssl
    }

    /// Demands that the certificate is valid for this name or address, and asks for the name's certificate (SNI,
    /// RFC 6066 §3, which has no form for addresses).
    static func expect(_ serverName: String, of ssl: OpaquePointer) throws(TLSError) {
        // An empty name would turn the check off, and a NUL would end the name early.
        guard (1...253).contains(serverName.utf8.count), !serverName.utf8.contains(0) else {
            throw TLSError(.invalidServerName, "a server name has 1 to 253 bytes and no NUL")
        }
        clearErrorQueue()
        let parameters = unsafe SSL_get0_param(ssl)
        // Also what tells an address from a name.
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return }
        // As RFC 9525 has it: a wildcard is a whole label, and the subject's common name is no name.
        unsafe X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        guard
            unsafe X509_VERIFY_PARAM_set1_host(parameters, serverName, serverName.utf8.count) == 1,
            unsafe gw_SSL_set_tlsext_host_name(ssl, serverName) == 1
        else { throw .fromQueue(.invalidServerName, "server name \(serverName) cannot be used") }
    }
}
