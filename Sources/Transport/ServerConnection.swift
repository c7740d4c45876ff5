package import HTTP
package import NIOCore
import TLS

/// One client's TCP connection: it owns the TLS session, the HTTP engine and the exchanges, and is the channel's only
/// handler (design: one handler for each connection, which trades bytes with the channel).
package final class ServerConnection: ChannelInboundHandler, Flushable {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// Where the connection stands.
    enum Phase {
        /// A trusted proxy has to say whose connection it is.
        indirect case proxyHeader(ProxyHeader)
        /// Before the first byte.
        case new
        /// A plain-text request to the TLS port. Indirect, so that the state is a pointer, and cheap to look at.
        indirect case plain(PlainHTTPResponder)
        case tls(TLSSession)
        /// Plain text on a listener that wants no other.
        case cleartext
        case closing
    }

    let loop: LoopContext
    let server: ServerLoop
    var phase = Phase.new
    var engine: (any ServerEngine)?
    var exchanges = StreamTable<ServerExchange>()
    /// Nil before the channel is there and after it is gone.
    var context: ChannelHandlerContext?
    var channel: (any Channel)? { context?.channel }
    /// Handshake bytes, tickets and alerts that wait for the end of the pass.
    var records = ByteBuffer()

    var isFlushScheduled = false
    private var isFlushing = false
    /// Bytes of frames that are encrypted in one go.
    private static let writeSize = 64 * 1024
    /// A response was ended before its request: the engine has more to say once the response is out.
    var hasEarlyAnswer = false {
        didSet { if hasEarlyAnswer { hasAnsweredEarly = true } }
    }
    /// A response was ended before its request at some time: the client may still be sending.
    private(set) var hasAnsweredEarly = false
    /// A response was broken off.
    var hasBrokenOff = false
    var sweepIndex = -1
    /// Its place among the connections of its loop.
    var serverIndex = -1

    /// How the connection is counted among those of all loops.
    var place: ConnectionPlace
    let opened: NIODeadline
    /// When the engine was made.
    private(set) var established: NIODeadline?
    /// A byte of HTTP has come.
    private(set) var hasBegun = false
    private(set) var idleSince: NIODeadline
    /// How fast the socket takes what is written to it, and how much has been.
    var output = PaceWatch()
    private(set) var bytesWritten = 0
    /// Output that waits, as of the last look.
    var outputHold = MemoryHold()
    private(set) var isReadPaused = false

    /// The other end of the TCP connection.
    package private(set) var remoteAddress: SocketAddress?
    /// The client's address: that of the other end, or the one that a trusted proxy has put in front of the connection.
    /// Nil for what is not of the Internet.
    package internal(set) var clientAddress: NetworkAddress?
    /// The same, for logs.
    package private(set) lazy var clientAddressText = clientAddress?.description ?? "-"
    /// The client is a trusted proxy, which says in each request whose it is.
    var isTrustedProxy = false

    // Of the end, in ServerConnection+Closing.swift:
    var closesWhenSent = false
    var isFaultReported = false
    var lingersSince: NIODeadline?
    var discarded = 0

    init(server: ServerLoop, place: ConnectionPlace) {
        self.server = server
        self.place = place
        self.loop = server.loop
        self.opened = loop.updateTime()
        self.idleSince = opened
    }

    /// The TLS session; nil for plain text, and once the connection closes.
    var tlsSession: TLSSession? {
        guard case .tls(let session) = phase else { return nil }
        return session
    }
    /// What is known of the session's names, and why it failed.
    var tlsNotes = TLSNotes()

    /// Whether the socket's queue has room: told by the channel, kept here because it is asked for often.
    private var isWritable = true

    /// Whether an exchange is open.
    var isBusy: Bool { !exchanges.isEmpty }
    /// Whether it is kept alive for a next request and for nothing else.
    var isIdle: Bool {
        guard let engine, exchanges.isEmpty, engine.headBegan == nil else { return false }
        if case .closing = phase { return false }
        return true
    }

    func forEachExchange(_ body: (ServerExchange) -> Void) {
        for exchange in exchanges.all { body(exchange) }
    }

    // MARK: Channel events

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // The channel knows it; the context would ask the system again.
        remoteAddress = context.channel.remoteAddress
        clientAddress = remoteAddress.flatMap { NetworkAddress($0) }
        if server.proxyProtocol != .off {
            phase = .proxyHeader(ProxyHeader(expecting: server.proxyProtocol))
        } else if let clientAddress {
            isTrustedProxy = server.isTrusted(clientAddress)
        }
        server.opened(self)
        loop.register(self)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        loop.updateTime()
        finish()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        finish()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.updateTime()
        var bytes = unwrapInboundIn(data)
        if case .proxyHeader(let header) = phase { receive(&bytes, header) }
        if case .new = phase, bytes.readableBytes > 0 { begin(bytes) }
        switch phase {
        case .tls(let session): receive(&bytes, session)
        case .cleartext:
            if feed(&bytes) { scheduleFlush() }
        case .plain(let responder): receivePlain(&bytes, responder)
        case .closing: discard(bytes.readableBytes)
        case .new, .proxyHeader: break
        }
        loop.giveBackReceiveBuffer(bytes)
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return }
        for exchange in exchanges.all where engine?.queuedBytes(exchange.id) == 0 {
            exchange.handler?.responseDrained()
        }
        scheduleFlush()
    }

    // MARK: In

    /// The first byte tells a TLS record from a plain request.
    private func begin(_ bytes: ByteBuffer) {
        guard let tls = server.tls else {
            phase = .cleartext
            return makeEngine(nil, scheme: "http")
        }
        switch PlainHTTPResponder.opening(bytes.getInteger(at: bytes.readerIndex) ?? 0) {
        case .tls:
            guard let session = try? TLSSession(server: tls) else { return abandon() }
            phase = .tls(session)
        case .plainHTTP: phase = .plain(PlainHTTPResponder())
        case .neither: abandon()
        }
    }

    /// A plain-text request is sent to `https://`.
    private func receivePlain(_ bytes: inout ByteBuffer, _ responder: PlainHTTPResponder) {
        var responder = responder
        if let response = responder.receive(&bytes) {
            write(response)
            context?.flush()
            close()
        } else {
            phase = .plain(responder)
        }
    }

    private func receive(_ bytes: inout ByteBuffer, _ session: TLSSession) {
        loop.plaintextIn.clear()
        do {
            try session.receive(&bytes, plaintext: &loop.plaintextIn, output: &records, now: loop.now)
        } catch {
            tlsNotes.failure = error.failureReason
            server.handshakeFailed(self, error, wasEstablished: engine != nil)
            fail()
            return
        }
        if engine == nil, session.isEstablished {
            makeEngine(session.negotiatedProtocol, scheme: "https")
            server.service.handshakeFinished(self)
        }
        if engine != nil, loop.plaintextIn.readableBytes > 0 {
            var plaintext = loop.plaintextIn
            loop.plaintextIn = ByteBuffer()
            defer { reclaim(plaintext) }
            guard feed(&plaintext) else { return }
        }
        if session.isClosedByPeer {
            // The client is done: whatever is unanswered it no longer waits for.
            flush()
            close()
            return
        }
        scheduleFlush()
    }

    /// Gives the engine what arrived; false when that ended the connection.
    private func feed(_ plaintext: inout ByteBuffer) -> Bool {
        hasBegun = true
        do {
            try engine?.receive(&plaintext, now: loop.now)
            handleEvents()
        } catch {
            handleEvents()
            flush()
            reportFault()
            close()
            return false
        }
        updateReading()
        return true
    }

    /// Puts the loop's plaintext buffer back once the engine is done with it.
    private func reclaim(_ buffer: ByteBuffer) {
        if buffer.capacity <= 256 * 1024 { loop.plaintextIn = buffer }
    }

    private func makeEngine(_ applicationProtocol: ApplicationProtocol?, scheme: String) {
        idleSince = loop.now
        established = loop.now
        place.handshakeEnded()
        switch applicationProtocol {
        case .http2: engine = HTTP2Server(limits: server.limits)
        case .http1, .http1_0, nil: engine = HTTP1Server(limits: server.limits, scheme: scheme)
        }
        if server.isDraining { engine?.shutdown() }
    }

    func handleEvents() {
        guard let engine else { return }
        while let event = engine.nextEvent() {
            if case .closing = phase { return }
            switch event {
            case .head(let id, let head, let hasBody):
                let exchange = open(id)
                if isTrustedProxy { exchange.forwardedAddress = server.client(of: head, from: clientAddress) }
                if place.isDeclined {
                    decline(exchange, head)
                } else {
                    exchange.handler = server.service.exchange(exchange, began: head, hasBody: hasBody)
                }
            case .body(let id, let bytes):
                guard let exchange = exchanges[id] else { break }
                exchange.bytesIn += bytes.readableBytes
                exchange.handler?.bodyReceived(bytes)
            case .end(let id):
                guard let exchange = exchanges[id] else { break }
                exchange.requestEnded = true
                exchange.handler?.requestEnded()
            case .fault(let id, let fault):
                hasEarlyAnswer = true
                if let exchange = exchanges[id] {
                    exchange.requestEnded = true
                    exchange.handler?.requestFailed(fault)
                } else {
                    let exchange = open(id)
                    exchange.requestEnded = true
                    exchange.handler = server.service.exchange(exchange, refused: fault)
                }
            case .drained(let id):
                if isWritable { exchanges[id]?.handler?.responseDrained() }
            case .closed(let id):
                close(id, .completed)
            case .reset(let id):
                close(id, exchanges[id]?.hasEnded == true ? .aborted : .clientLeft)
            }
        }
    }

    private func open(_ id: StreamID) -> ServerExchange {
        let exchange = ServerExchange(id: id, connection: self, began: loop.now)
        exchanges.insert(exchange, at: id.rawValue)
        return exchange
    }

    func close(_ id: StreamID, _ end: ExchangeEnd) {
        guard let exchange = exchanges.remove(id.rawValue) else { return }
        if exchanges.isEmpty { idleSince = loop.now }
        let handler = exchange.handler
        exchange.handler = nil
        handler?.exchangeEnded(end)
        exchange.over(end)
    }

    /// The work for an exchange that is over is gone.
    func release(_ id: StreamID) {
        engine?.release(id)
    }

    private func updateReading() {
        let pause = engine?.wantsReadPaused ?? false
        guard pause != isReadPaused else { return }
        isReadPaused = pause
        try? channel?.syncOptions?.setOption(.autoRead, value: !pause)
    }

    // MARK: Out

    func scheduleFlush() {
        loop.scheduleFlush(self)
    }

    /// Writes what the engine has, as few records as it fits, in one go.
    func flush() {
        guard !isFlushing, let context else { return }
        let session: TLSSession?
        switch phase {
        case .tls(let value): session = value
        case .cleartext: session = nil
        case .new, .proxyHeader, .plain, .closing: return
        }
        isFlushing = true
        defer { isFlushing = false }
        var output = takeOutputBuffer()
        var failed = false
        if let engine, session?.isEstablished != false {
            var hasMore = true
            while hasMore, isWritable {
                loop.plaintextOut.clear()
                guard engine.writeOutput(into: &loop.plaintextOut, limit: Self.writeSize) else { break }
                let count = loop.plaintextOut.readableBytes
                hasMore = count >= Self.writeSize || hasEarlyAnswer
                hasEarlyAnswer = false
                do {
                    if let session {
                        try session.send(&loop.plaintextOut, into: &output)
                    } else {
                        output.writeBuffer(&loop.plaintextOut)
                    }
                } catch {
                    failed = true
                    break
                }
                if output.readableBytes >= 128 * 1024 {
                    write(output)
                    output = ByteBuffer()
                }
            }
        }
        if output.readableBytes > 0 { write(output) }
        context.flush()
        if output.capacity > 0, output.capacity <= 256 * 1024 { loop.ciphertext = output }
        handleEvents()
        updateReading()
        if failed || engine?.isFinished == true {
            reportFault()
            close()
        }
    }

    /// Hands bytes to the channel; they leave with its next flush.
    func write(_ bytes: ByteBuffer) {
        bytesWritten += bytes.readableBytes
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    /// Tells the application why the connection ends, if that is the client's fault.
    private func reportFault() {
        guard let fault = engine?.fault, !isFaultReported else { return }
        isFaultReported = true
        server.connectionFailed(self, fault)
    }

    /// The loop's buffer, or this connection's own when handshake bytes wait in it.
    private func takeOutputBuffer() -> ByteBuffer {
        var output = ByteBuffer()
        if records.readableBytes > 0 {
            swap(&output, &records)
        } else {
            swap(&output, &loop.ciphertext)
            output.clear()
        }
        return output
    }
}

extension ExchangeEnd: Equatable {}
