internal import COpenSSL
internal import NIOCore
internal import TestSupport

/// A peer that is OpenSSL and nothing else, for what this project's own sessions refuse to do: old versions, other
/// protocols, renegotiation, key updates.
@safe
final class RawPeer {
    let ssl: OpaquePointer
    private let context: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    struct Failure: Error {}

    private init(_ method: OpaquePointer?) throws {
        guard
            let context = unsafe SSL_CTX_new(method), let ssl = unsafe SSL_new(context),
            let incoming = unsafe BIO_new(BIO_s_mem()), let outgoing = unsafe BIO_new(BIO_s_mem())
        else { throw Failure() }
        unsafe (self.context, self.ssl, self.incoming, self.outgoing) = (context, ssl, incoming, outgoing)
        // Empty means that more may come, not that the end was reached.
        unsafe gw_BIO_set_mem_eof_return(incoming, -1)
        unsafe SSL_set_bio(ssl, incoming, outgoing)
    }

    /// A client of one version of TLS, which offers these protocols (as RFC 7301 §3.1 lists them) and suites of TLS 1.2.
    convenience init(version: CInt, alpn: [UInt8] = [], suites: String = "ALL") throws {
        try unsafe self.init(TLS_client_method())
        unsafe SSL_set_connect_state(ssl)
        // OpenSSL offers versions before 1.2 at security level 0 only.
        unsafe SSL_set_security_level(ssl, 0)
        guard
            unsafe gw_SSL_set_version(ssl, version) == 1,
            unsafe SSL_set_cipher_list(ssl, suites + ":@SECLEVEL=0") == 1,
            unsafe alpn.isEmpty || SSL_set_alpn_protos(ssl, alpn, UInt32(alpn.count)) == 0
        else { throw Failure() }
    }

    /// A server that chooses HTTP/2, whatever the client offers.
    convenience init(choosingHTTP2 issued: TestCertificates.Issued) throws {
        try unsafe self.init(TLS_server_method())
        unsafe SSL_set_accept_state(ssl)
        unsafe SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, length, _, _, _ in
                unsafe chosen?.pointee = unsafe UnsafePointer(
                    UnsafeRawPointer(http2.utf8Start).assumingMemoryBound(to: UInt8.self))
                unsafe length?.pointee = 2
                return SSL_TLSEXT_ERR_OK
            }, nil)
        guard
            unsafe SSL_use_certificate_file(ssl, issued.certificateFile, SSL_FILETYPE_PEM) == 1,
            unsafe SSL_use_PrivateKey_file(ssl, issued.privateKeyFile, SSL_FILETYPE_PEM) == 1
        else { throw Failure() }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe SSL_CTX_free(context)
    }

    /// True when the handshake is finished.
    func handshake() -> Bool {
        ERR_clear_error()
        return unsafe SSL_do_handshake(ssl) == 1
    }

    func send(_ text: String) -> Bool {
        ERR_clear_error()
        return unsafe SSL_write(ssl, text, CInt(text.utf8.count)) == CInt(text.utf8.count)
    }

    /// What has been received and decrypted.
    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var total = 0
        while total < bytes.count {
            ERR_clear_error()
            let read = unsafe bytes.withUnsafeMutableBytes {
                unsafe SSL_read(ssl, $0.baseAddress?.advanced(by: total), CInt($0.count - total))
            }
            guard read > 0 else { break }
            total += Int(read)
        }
        return Array(bytes.prefix(total))
    }

    /// The ciphertext that must go to the server.
    func takeOutput() -> ByteBuffer {
        var buffer = ByteBuffer()
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(BIO_ctrl_pending(outgoing))) {
            max(0, unsafe Int(BIO_read(outgoing, $0.baseAddress, CInt($0.count))))
        }
        return buffer
    }

    func deliver(_ buffer: ByteBuffer) {
        unsafe buffer.withUnsafeReadableBytes { bytes in
            _ = unsafe BIO_write(incoming, bytes.baseAddress, CInt(bytes.count))
        }
    }
}

private let http2: StaticString = "h2"
