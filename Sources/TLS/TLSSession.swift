internal import COpenSSL
internal import Glibc
package import NIOCore

/// One TLS connection, server's or client's side, over memory: the caller moves the bytes. Owns an SSL and the BIO
/// below it. Confined to one event loop.
///
/// Each call takes the bytes it was given whole, and leaves in `output` whatever must be sent to the peer, in order.
/// A call that throws may have left an alert in `output`: send it, then close the connection. From then on every call
/// that can throw throws the same error again, and the others do nothing.
@safe
package final class TLSSession {
    /// The SSL; for this module's extensions and tests of its callbacks.
    let ssl: OpaquePointer
    private let records: RecordBIO
    /// The contexts' callbacks refer to objects that the context owns, so the session keeps it.
    private let origin: Origin
    private var failure: TLSError?
    private var isClosed = false
    private var watch = RecordWatch()
    private var helloGuard = ClientHelloGuard()

    /// True when the handshake is finished: data may be sent, and everything about the session is known.
    package private(set) var isEstablished = false
    /// True when the peer has sent close_notify: it sends nothing more, though it may still read (RFC 8446 §6.1).
    package private(set) var isClosedByPeer = false
    /// The protocol that ALPN chose; nil before the handshake is done, or when the client offered none.
    package private(set) var negotiatedProtocol: ApplicationProtocol?
    /// Who the client has proved to be with a certificate: the first DNS name, or else URI, or else email address that
    /// the certificate carries, or else its subject's common name. Nil where none was asked for or given.
    package private(set) var clientCertificateName: String?

    private enum Origin {
        case server(TLSServerContext)
        case client(TLSClientContext, serverName: String, TLSResumptionStore?)
    }

    /// A record carries at most 2^14 bytes (RFC 8446 §5.1).
    private static let maximumPlaintext = 16 << 10
    /// More than any record adds: header, nonce or content type, tag.
    private static let recordOverhead = 64

    /// The server's side of a connection that was accepted.
    package init(server context: TLSServerContext) throws(TLSError) {
        records = try RecordBIO()
        unsafe ssl = try unsafe Self.makeSSL(context.context, over: records)
        origin = .server(context)
        unsafe SSL_set_accept_state(ssl)
    }

    /// The client's side of a connection to `serverName`, a DNS name or an IP address without brackets, which the
    /// server's certificate must be valid for. A session is resumed if the store has one, and new ones are put there.
    package init(
        client context: TLSClientContext, serverName: String, resuming store: TLSResumptionStore? = nil
    ) throws(TLSError) {
        records = try RecordBIO()
        unsafe ssl = try unsafe Self.makeSSL(context.context, over: records)
        origin = .client(context, serverName: serverName, store)
        unsafe SSL_set_connect_state(ssl)
        try unsafe Self.expect(serverName, of: ssl)
        unsafe gw_SSL_set_app_data(ssl, Unmanaged.passUnretained(self).toOpaque())
        if let resumption = store?.take(for: serverName, context: context) {
            // A session that cannot be used is no error: the handshake is a full one.
            unsafe SSL_set_session(ssl, resumption.pointer)
        }
    }

    deinit {
        // Otherwise OpenSSL takes a connection that ended without close_notify as a reason not to resume its session,
        // a rule that TLS 1.1 dropped. A session that failed has been marked by then.
        if failure == nil {
            unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        }
        unsafe SSL_free(ssl)
    }

    /// Begins the handshake: a client's first flight. A server has nothing to say yet.
    package func start(into output: inout ByteBuffer) throws(TLSError) {
        if let failure { throw failure }
        guard case .client = origin, !isEstablished else { return }
        swap(&records.output, &output)
        defer { swap(&records.output, &output) }
        clearErrorQueue()
        let result = unsafe SSL_do_handshake(ssl)
        if result != 1, unsafe SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ { throw fail() }
    }

    /// Takes what arrived: goes on with the handshake or decrypts. All of `ciphertext` is consumed, all data in it is
    /// appended to `plaintext`, and what must be answered (handshake, tickets, alerts) to `output`. The answer to a
    /// key update goes out with the next data that is sent (RFC 8446 §4.6.3). `now` is what floods of records are
    /// measured by: whoever leaves it out lets a peer send in all what it may send in a second.
    package func receive(
        _ ciphertext: inout ByteBuffer, plaintext: inout ByteBuffer, output: inout ByteBuffer,
        now: NIODeadline = .uptimeNanoseconds(0)
    ) throws(TLSError) {
        if let failure {
            ciphertext.moveReaderIndex(to: ciphertext.writerIndex)
            throw failure
        }
        if !isEstablished, case .server = origin, !helloGuard.admits(ciphertext) {
            ciphertext.moveReaderIndex(to: ciphertext.writerIndex)
            throw fail(
                TLSError(.messageTooLarge, "a first message of more than \(ClientHelloGuard.maximumSize) bytes"))
        }
        swap(&records.input, &ciphertext)
        swap(&records.output, &output)
        defer {
            // What follows close_notify is ignored (RFC 8446 §6.1), what follows an error is worthless.
            records.input.moveReaderIndex(to: records.input.writerIndex)
            swap(&records.input, &ciphertext)
            swap(&records.output, &output)
        }
        while unsafe records.input.readableBytes > 0 || SSL_has_pending(ssl) == 1 {
            guard try readRecord(into: &plaintext, now) else { break }
        }
    }

    /// Encrypts all of `plaintext` in as few records as it fits in. Nothing may be sent before the handshake is done.
    package func send(_ plaintext: inout ByteBuffer, into output: inout ByteBuffer) throws(TLSError) {
        if let failure { throw failure }
        guard isEstablished, !isClosed else {
            throw TLSError(.notWritable, isClosed ? "the TLS session is closed" : "the TLS handshake is not finished")
        }
        let length = plaintext.readableBytes
        guard length > 0 else { return }
        output.reserveCapacity(
            minimumWritableBytes: length + (length / Self.maximumPlaintext + 1) * Self.recordOverhead)
        swap(&records.output, &output)
        defer { swap(&records.output, &output) }
        clearErrorQueue()
        var written = 0
        // The BIO takes everything, so this writes all or fails.
        let result = unsafe plaintext.withUnsafeReadableBytes {
            unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &written)
        }
        guard result == 1 else { throw fail() }
        plaintext.moveReaderIndex(forwardBy: written)
    }

    /// Says that nothing more will be sent (close_notify), once.
    package func close(into output: inout ByteBuffer) {
        guard failure == nil, isEstablished, !isClosed else { return }
        isClosed = true
        swap(&records.output, &output)
        defer { swap(&records.output, &output) }
        clearErrorQueue()
        _ = unsafe SSL_shutdown(ssl)
    }

    /// The connection's end was received. True when the peer had announced it (close_notify), false when what came
    /// before may have been cut short.
    package func receiveEnd() -> Bool {
        isClosedByPeer
    }

    /// Keeps a session that the server offers for resumption.
    func received(_ resumption: TLSResumption) {
        guard case .client(let context, let serverName, let store?) = origin else { return }
        store.insert(resumption, for: serverName, context: context)
    }

    var expectedName: String? {
        if case .client(_, let serverName, _) = origin { serverName } else { nil }
    }

    /// One step: a handshake message or a record. False when there is nothing more to read.
    private func readRecord(into plaintext: inout ByteBuffer, _ now: NIODeadline) throws(TLSError) -> Bool {
        let waiting = records.input.readableBytes
        // Room for what is about to come out: the rest of a decrypted record, or what has arrived of the next.
        let expected = unsafe min(max(waiting, Int(SSL_pending(ssl)), 512), Self.maximumPlaintext)
        clearErrorQueue()
        var result: CInt = 0
        unsafe plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: expected) { destination in
            result = unsafe SSL_read(ssl, destination.baseAddress, CInt(clamping: destination.count))
            return Int(max(result, 0))
        }
        if !isEstablished, unsafe SSL_is_init_finished(ssl) == 1 { try establish() }
        if result > 0 {
            if let excess = watch.dataRecord(bytes: Int(result), now: now) { throw fail(TLSError(excess)) }
            return true
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ:
            // With nothing of a record left over, what was read was one without data.
            if unsafe isEstablished && SSL_has_pending(ssl) == 0,
                let excess = watch.controlRecord(now: now)
            {
                throw fail(TLSError(excess))
            }
            let remaining = records.input.readableBytes
            return remaining > 0 && remaining < waiting
        case SSL_ERROR_ZERO_RETURN:
            isClosedByPeer = true
            return false
        default:
            throw fail()
        }
    }

    private func establish() throws(TLSError) {
        isEstablished = true
        var identifier: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &identifier, &length)
        negotiatedProtocol = unsafe ApplicationProtocol(
            identifier: UnsafeRawBufferPointer(start: identifier, count: Int(length)))
        if case .server(let context) = origin, context.asksForCertificates { try identify() }
        // OpenSSL's client takes whatever the server chose.
        if case .client(let context, _, _) = origin, length > 0 {
            guard let negotiatedProtocol, context.protocols.contains(negotiatedProtocol) else {
                throw fail(
                    TLSError(.protocolViolation, "the server chose an application protocol that was not offered"))
            }
        }
    }

    /// Takes note of the client's certificate. It was verified in this handshake or the one that this session resumes, and
    /// may have expired since.
    private func identify() throws(TLSError) {
        guard let pointer = unsafe SSL_get1_peer_certificate(ssl) else { return }
        let certificate = unsafe X509Certificate(owning: pointer)
        guard certificate.notAfter > Int64(time(nil)) else {
            throw fail(TLSError(.certificateInvalid(.expired), "the client's certificate has expired"))
        }
        clientCertificateName = certificate.identity
    }

    /// The server's context; nil on a client's side.
    var serverContext: TLSServerContext? {
        if case .server(let context) = origin { context } else { nil }
    }

    private func fail(_ error: TLSError? = nil) -> TLSError {
        let error =
            unsafe error ?? TLSError.ofSession(ssl, serverName: expectedName, established: isEstablished)
        failure = error
        return error
    }
}
