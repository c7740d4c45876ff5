internal import COpenSSL

/// What the handshake agreed on, for logs and decisions.
extension TLSSession {
    /// "TLSv1.3" or "TLSv1.2".
    package var version: String {
        switch unsafe SSL_version(ssl) {
        case TLS1_3_VERSION: "TLSv1.3"
        case TLS1_2_VERSION: "TLSv1.2"
        default: unsafe String(cString: SSL_get_version(ssl))
        }
    }

    /// The cipher suite by its registered name, for example "TLS_AES_128_GCM_SHA256"; empty before the handshake.
    package var cipher: String {
        guard let current = unsafe SSL_get_current_cipher(ssl), let name = unsafe SSL_CIPHER_standard_name(current)
        else {
            return ""
        }
        return unsafe String(cString: name)
    }

    /// The host name that the client asked for (SNI) or that this client connects to; nil when none was named.
    package var serverName: String? {
        if let expectedName { return expectedName }
        guard let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return nil }
        return unsafe String(cString: name)
    }

    /// True when the handshake took up an earlier session and did without certificates.
    package var wasResumed: Bool {
        unsafe SSL_session_reused(ssl) == 1
    }

    /// The group of the key exchange, for example "x25519"; nil before the handshake.
    package var group: String? {
        guard let name = unsafe gw_SSL_get_negotiated_group_name(ssl) else { return nil }
        return unsafe String(cString: name)
    }

    /// Whether requests are served for names of certificates only.
    package var requiresKnownNames: Bool {
        serverContext.map { $0.state.unknownHost != .defaultCertificate } ?? false
    }

    /// Whether the server's certificates carry the host of this authority.
    package func carries(authority: String) -> Bool {
        serverContext?.state.names.contains(authority: authority) ?? true
    }
}
