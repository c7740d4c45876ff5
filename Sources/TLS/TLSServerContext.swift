internal import COpenSSL
package import NIOCore

/// What the sessions of a listener share: certificate chain and key, protocols, ticket keys. TLS 1.2 and 1.3, with
/// resumption by stateless tickets and no early data (RFC 8470: calls that cost money must not be replayed).
///
/// Immutable but for its ticket keys, so one context serves all event loops; a reload makes a new one, and the
/// sessions of the old keep it alive until they end.
@safe
package final class TLSServerContext: Sendable {
    let context: SSLContext
    private let ticketKeys: TicketKeyRing
    private let protocols: ProtocolList

    /// Reads the chain, the server's own certificate first, and its private key from PEM files; the two may be the
    /// same file. `alpn` is in the server's order of preference; when it is empty, what clients offer is
    /// ignored. Blocks while reading.
    package convenience init(
        certificateChainFile: String, privateKeyFile: String, alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0],
        now: NIODeadline = .now()
    ) throws(TLSError) {
        try self.init(
            chain: PEMFile(path: certificateChainFile), key: PEMFile(path: privateKeyFile), alpn: alpn, now: now)
    }

    /// The same from PEM in memory.
    package convenience init(
        certificateChain: [UInt8], privateKey: [UInt8], alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0],
        now: NIODeadline = .now()
    ) throws(TLSError) {
        try self.init(
            chain: PEMFile(name: "the certificate chain", bytes: certificateChain),
            key: PEMFile(name: "the private key", bytes: privateKey), alpn: alpn, now: now)
    }

    private init(
        chain: PEMFile, key: PEMFile, alpn: [ApplicationProtocol], now: NIODeadline
    ) throws(TLSError) {
        context = try SSLContext(.server)
        ticketKeys = try TicketKeyRing(now: now)
        protocols = ProtocolList(alpn)
        try useCertificate(chain: chain, key: key)
        try useTickets()
        guard !alpn.isEmpty else { return }
        unsafe SSL_CTX_set_alpn_select_cb(
            context.pointer, selectProtocol, Unmanaged.passUnretained(protocols).toOpaque())
    }

    /// Makes the current ticket key the previous one and puts a fresh one in its place, if it has been in use for
    /// `ticketKeyLifetime` at this time. Tickets of the previous key are still accepted, older ones are not.
    /// Call it about once an hour. True when it rotated.
    @discardableResult
    package func rotateTicketKeys(now: NIODeadline) throws(TLSError) -> Bool {
        try ticketKeys.rotate(now: now)
    }

    /// How long a ticket key seals new tickets: 12 hours. It opens them for as long again.
    package static let ticketKeyLifetime = TicketKeyRing.keyLifetime

    private func useCertificate(chain: PEMFile, key: PEMFile) throws(TLSError) {
        let certificates = try X509Certificate.all(in: chain)
        let privateKey = try PrivateKey(key)
        clearErrorQueue()
        guard let leaf = certificates.first, unsafe SSL_CTX_use_certificate(context.pointer, leaf.pointer) == 1 else {
            throw .fromQueue(.unusableCertificate, "certificate \(chain.name) cannot be used")
        }
        guard unsafe X509_check_private_key(leaf.pointer, privateKey.pointer) == 1 else {
            throw TLSError(
                .keyMismatch,
                "private key \(key.name) does not match certificate \(chain.name); the server's own certificate must be the first in the file"
            )
        }
        guard unsafe SSL_CTX_use_PrivateKey(context.pointer, privateKey.pointer) == 1 else {
            throw .fromQueue(.unusablePrivateKey, "private key \(key.name) cannot be used")
        }
        for issuer in certificates.dropFirst() {
            guard unsafe gw_SSL_CTX_add1_chain_cert(context.pointer, issuer.pointer) == 1 else {
                throw .fromQueue(.unusableCertificate, "a certificate after the first in \(chain.name) cannot be used")
            }
        }
    }

    private func useTickets() throws(TLSError) {
        clearErrorQueue()
        // Sessions live in tickets only. One ticket for each handshake: HTTP clients keep one connection.
        unsafe gw_SSL_CTX_set_session_cache_mode(context.pointer, Int(SSL_SESS_CACHE_OFF))
        let name = Array("qwen-gateway".utf8)
        guard
            unsafe SSL_CTX_set_session_id_context(context.pointer, name, UInt32(name.count)) == 1,
            unsafe SSL_CTX_set_num_tickets(context.pointer, 1) == 1,
            unsafe SSL_CTX_set_max_early_data(context.pointer, 0) == 1,
            unsafe gw_SSL_CTX_set_app_data(context.pointer, Unmanaged.passUnretained(ticketKeys).toOpaque()) == 1,
            unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context.pointer, useTicketKey) == 1
        else { throw .fromQueue(.internalFailure, "configuring session tickets") }
        // A ticket lives no longer than the keys that open it.
        unsafe SSL_CTX_set_timeout(context.pointer, Int(Self.ticketKeyLifetime.nanoseconds / 1_000_000_000))
    }
}

/// The server's protocols in the form that OpenSSL compares and points into.
@safe
final class ProtocolList: Sendable {
    nonisolated(unsafe) let wire: UnsafeBufferPointer<UInt8>

    init(_ protocols: [ApplicationProtocol]) {
        let bytes = ApplicationProtocol.wireFormat(of: protocols)
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = unsafe buffer.initialize(from: bytes)
        unsafe wire = UnsafeBufferPointer(buffer)
    }

    deinit {
        unsafe wire.deallocate()
    }
}

/// Answers a client's ALPN extension: the first of the server's protocols that the client offers, or alert 120.
private func selectProtocol(
    _: OpaquePointer?, chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, chosenLength: UnsafeMutablePointer<UInt8>?,
    offered: UnsafePointer<UInt8>?, offeredLength: UInt32, list: UnsafeMutableRawPointer?
) -> CInt {
    guard let list = unsafe list, let chosen = unsafe chosen else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let wire = unsafe Unmanaged<ProtocolList>.fromOpaque(list).takeUnretainedValue().wire
    var selection: UnsafeMutablePointer<UInt8>?
    let result = unsafe SSL_select_next_proto(
        &selection, chosenLength, wire.baseAddress, UInt32(clamping: wire.count), offered, offeredLength)
    guard result == OPENSSL_NPN_NEGOTIATED, let selection = unsafe selection else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    unsafe chosen.pointee = UnsafePointer(selection)
    return SSL_TLSEXT_ERR_OK
}
