internal import COpenSSL
package import NIOCore

/// What the sessions of a listener share: certificates, protocols, ticket keys, whom clients' certificates are accepted
/// from. Resumption is by stateless tickets, and there is no early data (RFC 8470: calls that cost money must not be
/// replayed).
///
/// Immutable but for its ticket keys, so one context serves all event loops. A reload makes a new one with the same
/// ticket keys; the sessions of the old keep it alive until they end.
@safe
package final class TLSServerContext: Sendable {
    /// What a session begins with: the default certificate's.
    let context: SSLContext
    let state: ServerState
    private let protocols: ProtocolList
    let authorities: ClientAuthorities?
    /// The certificates that clients may be shown.
    let certificates: [ServerCertificate]
    /// What the reading of the files had to say.
    package let report: TLSServerReport

    /// Reads all files, which blocks.
    ///
    /// - Parameter previous: what is in force so far. Its ticket keys go on, and where a file of it cannot be used any
    ///   more, what was read of it before stays: `report` tells.
    /// - Throws: when a file cannot be used that nothing takes the place of.
    package convenience init(
        _ settings: TLSServerSettings, replacing previous: TLSServerContext? = nil, now: NIODeadline = .now()
    ) throws(TLSError) {
        var loader = ServerFilesLoader(previous: previous)
        let certificates = try loader.certificates(settings)
        let authorities = try loader.authorities(settings)
        let staples = try loader.staples(settings, certificates)
        let file = try loader.ticketKeys(settings)
        let ticketKeys: TicketKeyRing
        if let previous {
            ticketKeys = previous.state.ticketKeys
        } else {
            ticketKeys = try TicketKeyRing(file, now: now)
        }
        try self.init(
            settings, certificates, authorities, staples, ticketKeys, loader.report(certificates, staples))
        // Once nothing can fail any more.
        if previous != nil, let file { ticketKeys.replace(with: file) }
    }

    /// One certificate and its key from PEM files; see `TLSServerSettings`.
    package convenience init(
        certificateChainFile: String, privateKeyFile: String, alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0],
        now: NIODeadline = .now()
    ) throws(TLSError) {
        var settings = TLSServerSettings(certificates: [.init(chain: certificateChainFile, key: privateKeyFile)])
        settings.alpn = alpn
        try self.init(settings, now: now)
    }

    /// The same from PEM in memory.
    package convenience init(
        certificateChain: [UInt8], privateKey: [UInt8], alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0],
        now: NIODeadline = .now()
    ) throws(TLSError) {
        var settings = TLSServerSettings(certificates: [])
        settings.alpn = alpn
        let files = TLSCertificateFiles(chain: "the certificate chain", key: "the private key")
        let certificate = try ServerCertificate(
            files, chain: PEMFile(name: files.chain, bytes: certificateChain),
            key: PEMFile(name: files.key, bytes: privateKey))
        try self.init(settings, [certificate], nil, [:], TicketKeyRing(nil, now: now), TLSServerReport())
    }

    private init(
        _ settings: TLSServerSettings, _ certificates: [ServerCertificate], _ authorities: ClientAuthorities?,
        _ staples: [Int: OCSPStaple], _ ticketKeys: TicketKeyRing, _ report: TLSServerReport
    ) throws(TLSError) {
        let plan = CertificatePlan(certificates)
        var contexts: [SSLContext] = []
        for group in plan.groups {
            let context = try SSLContext(.server, settings.profile)
            for index in group { try certificates[index].use(in: context) }
            contexts.append(context)
        }
        guard let first = contexts.first else {
            throw TLSError(.unusableCertificate, "there is no certificate")
        }
        context = first
        state = ServerState(
            ticketKeys: ticketKeys, contexts: contexts, names: plan.names, unknownHost: settings.unknownHost,
            staples: staples.map { (certificates[$0.key].leaf, $0.value) })
        protocols = ProtocolList(settings.alpn)
        self.authorities = authorities
        self.certificates = certificates
        self.report = report
        for context in contexts { try configure(context, settings) }
    }

    private func configure(_ context: SSLContext, _ settings: TLSServerSettings) throws(TLSError) {
        unsafe gw_SSL_CTX_set_app_data(context.pointer, Unmanaged.passUnretained(state).toOpaque())
        try useTickets(in: context, authorities?.sessionContext ?? Array("qwen-gateway".utf8))
        try authorities?.use(in: context)
        if state.choosesByName {
            unsafe gw_SSL_CTX_set_tlsext_servername_callback(context.pointer, chooseCertificate)
        }
        if state.hasStaples { unsafe gw_SSL_CTX_set_tlsext_status_cb(context.pointer, staple) }
        guard !settings.alpn.isEmpty else { return }
        unsafe SSL_CTX_set_alpn_select_cb(
            context.pointer, selectProtocol, Unmanaged.passUnretained(protocols).toOpaque())
    }

    /// Makes the current ticket key the previous one and puts a fresh one in its place, if it has been in use for
    /// `ticketKeyLifetime` at this time. Tickets of the previous key are still accepted, older ones are not. Keys that
    /// come from a file stay. Call it about once an hour. True when it rotated.
    @discardableResult
    package func rotateTicketKeys(now: NIODeadline) throws(TLSError) -> Bool {
        try state.ticketKeys.rotate(now: now)
    }

    /// How long a ticket key seals new tickets: 12 hours. It opens them for as long again.
    package static let ticketKeyLifetime = TicketKeyRing.keyLifetime

    /// The names that requests may be for; nil where any will do.
    package var requiredNames: CertificateNames? {
        state.unknownHost == .defaultCertificate ? nil : state.names
    }

    /// Whether clients are asked for certificates.
    var asksForCertificates: Bool { authorities != nil }

    /// What there is to know of each certificate, the default first.
    package var certificateFacts: [TLSCertificateFacts] { certificates.map(\.facts) }

    private func useTickets(in context: SSLContext, _ identity: [UInt8]) throws(TLSError) {
        clearErrorQueue()
        // Sessions live in tickets only. One ticket for each handshake: HTTP clients keep one connection.
        unsafe gw_SSL_CTX_set_session_cache_mode(context.pointer, Int(SSL_SESS_CACHE_OFF))
        guard
            unsafe SSL_CTX_set_session_id_context(context.pointer, identity, UInt32(identity.count)) == 1,
            unsafe SSL_CTX_set_num_tickets(context.pointer, 1) == 1,
            unsafe SSL_CTX_set_max_early_data(context.pointer, 0) == 1,
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
