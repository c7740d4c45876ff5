internal import COpenSSL

/// Owns one SSL_CTX, with the settings that both sides share: one of Mozilla's configurations 6.0.
///
/// Set up by the initialisers of `TLSServerContext` and `TLSClientContext` and unchanged from then on; OpenSSL makes
/// sessions from an unchanging SSL_CTX safely on any thread.
@safe
final class SSLContext: @unchecked Sendable {
    enum Role {
        case server
        case client
    }

    let pointer: OpaquePointer

    init(_ role: Role, _ profile: TLSProfile = .intermediate) throws(TLSError) {
        _ = RecordMemory.isInstalled
        clearErrorQueue()
        let method = unsafe role == .server ? TLS_server_method() : TLS_client_method()
        guard let pointer = unsafe SSL_CTX_new(method) else {
            throw .fromQueue(.internalFailure, "making a TLS context")
        }
        unsafe self.pointer = pointer
        guard
            unsafe gw_SSL_CTX_set_min_proto_version(
                pointer, profile == .modern ? TLS1_3_VERSION : TLS1_2_VERSION) == 1,
            unsafe gw_SSL_CTX_set_max_proto_version(pointer, TLS1_3_VERSION) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, Self.suites12) == 1,
            unsafe SSL_CTX_set_ciphersuites(pointer, Self.suites13) == 1,
            Self.groups.contains(where: { unsafe gw_SSL_CTX_set1_groups_list(pointer, $0) == 1 })
        else { throw .fromQueue(.internalFailure, "configuring a TLS context") }
        unsafe gw_SSL_CTX_forbid_renegotiation_and_compression(pointer)
        // A session that is waiting holds no record buffers (2 × 17 KiB). The chain that is sent is the one that was
        // loaded: otherwise OpenSSL looks for issuers anew in each handshake. A buffer may move between two writes.
        unsafe gw_SSL_CTX_set_mode(
            pointer,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_NO_AUTO_CHAIN) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // SSL_read comes back after each record without data, so that TLSSession can count those.
        unsafe gw_SSL_CTX_clear_mode(pointer, Int(SSL_MODE_AUTO_RETRY))
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
    }

    /// TLS 1.2: ephemeral ECDH with an AEAD, none of them in RFC 9113 appendix A, so each may carry HTTP/2.
    private static let suites12 = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    private static let suites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// Key exchange groups, best first; the post-quantum hybrid comes with OpenSSL 3.5.
    private static let groups = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"]
}
