import HTTP
package import NIOCore
import TLS

/// One client's TCP connection: it owns the TLS session, the HTTP engine and the exchanges, and is the channel's only
/// handler (design: one handler for each connection, which trades bytes with the channel).
package final class ServerConnection: ChannelInboundHandler, Flushable, Sweepable {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// Before the first byte; a plain-text request to the TLS port; TLS; plain text on a listener that wants no other.
    private enum Phase {
        case new
        case plain(PlainHTTPResponder)
        case tls(TLSSession)
        case cleartext
        case closing
    }

    let loop: LoopContext
    private let server: ServerLoop
    private var phase = Phase.new
    private(set) var engine: (any ServerEngine)?
    private var exchanges = StreamTable<ServerExchange>()
    /// Nil before the channel is there and after it is gone.
    private var context: ChannelHandlerContext?
    private var channel: (any Channel)? { context?.channel }
    /// Handshake bytes, tickets and alerts that wait for the end of the pass.
    private var records = ByteBuffer()

    var isFlushScheduled = false
    private var isFlushing = false
    /// Bytes of frames that are encrypted in one go.
    private static let writeSize = 64 * 1024
    /// A response was ended before its request: the engine has more to say once the response is out.
    var hasEarlyAnswer = false {
        didSet { if hasEarlyAnswer { hasAnsweredEarly = true } }
    }
    /// A response was ended before its request at some time: the client may still be sending.
    private var hasAnsweredEarly = false
    /// A response was broken off.
    var hasBrokenOff = false
    var sweepIndex = -1

    private let opened: NIODeadline
    private var idleSince: NIODeadline
    private var headBegan: NIODeadline?
    private var stall = StallWatch()
    private var bytesSent = 0
    private var isReadPaused = false

    package private(set) var remoteAddress: SocketAddress?
    /// The client's address without its port, for logs.
    package private(set) lazy var remoteAddressText = remoteAddress?.ipAddress ?? "-"

    init(server: ServerLoop) {
        self.server = server
        self.loop = server.loop
        self.opened = loop.updateTime()
        self.idleSince = opened
    }

    /// "TLSv1.3", once the handshake is done.
    package var tlsVersion: String? {
        guard case .tls(let session) = phase else { return nil }
        return session.version
    }

    /// Whether the socket's queue has room: told by the channel, kept here because it is asked for often.
    private var isWritable = true

    /// Whether an exchange is open.
    var isBusy: Bool { !exchanges.isEmpty }

    func forEachExchange(_ body: (ServerExchange) -> Void) {
        for exchange in exchanges.all { body(exchange) }
    }

    // MARK: Channel events

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // The channel knows it; the context would ask the system again.
        remoteAddress = context.channel.remoteAddress
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
        if case .new = phase { begin(bytes) }
        switch phase {
        case .tls(let session): receive(&bytes, session)
        case .cleartext:
            if feed(&bytes) { scheduleFlush() }
        case .plain(let responder): receivePlain(&bytes, responder)
        case .closing: discard(bytes.readableBytes)
        case .new: break
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
            context?.writeAndFlush(wrapOutboundOut(response), promise: nil)
            close()
        } else {
            phase = .plain(responder)
        }
    }

    private func receive(_ bytes: inout ByteBuffer, _ session: TLSSession) {
        loop.plaintextIn.clear()
        do {
            try session.receive(&bytes, plaintext: &loop.plaintextIn, output: &records)
        } catch {
            server.handshakeFailed(self, error, wasEstablished: engine != nil)
            fail()
            return
        }
        if engine == nil, session.isEstablished { makeEngine(session.negotiatedProtocol, scheme: "https") }
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
        switch applicationProtocol {
        case .http2: engine = HTTP2Server(limits: server.limits)
        case .http1, .http1_0, nil: engine = HTTP1Server(limits: server.limits, scheme: scheme)
        }
        if server.isDraining { engine?.shutdown() }
    }

    private func handleEvents() {
        guard let engine else { return }
        while let event = engine.nextEvent() {
            if case .closing = phase { return }
            switch event {
            case .head(let id, let head, let hasBody):
                let exchange = open(id)
                exchange.handler = server.service.exchange(exchange, began: head, hasBody: hasBody)
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

    private func close(_ id: StreamID, _ end: ExchangeEnd) {
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
        case .new, .plain, .closing: return
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
                bytesSent += count
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
                    context.write(wrapOutboundOut(output), promise: nil)
                    output = ByteBuffer()
                }
            }
        }
        if output.readableBytes > 0 { context.write(wrapOutboundOut(output), promise: nil) }
        context.flush()
        if output.capacity > 0, output.capacity <= 256 * 1024 { loop.ciphertext = output }
        handleEvents()
        updateReading()
        if failed || engine?.isFinished == true {
            reportFault()
            close()
        }
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

    // MARK: The end

    /// Begins the graceful end: see `ServerEngine.shutdown`.
    func shutdown() {
        guard let engine else {
            if case .tls = phase { return }  // A handshake in progress may finish; its engine starts to drain at once.
            return close()
        }
        engine.shutdown()
        scheduleFlush()
    }

    /// After a fault in the TLS session: its alert goes out, then the connection closes.
    private func fail() {
        if records.readableBytes > 0 {
            context?.writeAndFlush(wrapOutboundOut(records), promise: nil)
            records = ByteBuffer()
        }
        close()
    }

    /// Closes the connection, with close_notify, after what was written.
    func close() {
        if case .closing = phase { return }
        if case .tls(let session) = phase {
            var output = records
            records = ByteBuffer()
            // Without close_notify a client can tell that a response which ends with the connection was broken off.
            if !hasBrokenOff { session.close(into: &output) }
            if output.readableBytes > 0 { context?.writeAndFlush(wrapOutboundOut(output), promise: nil) }
        }
        endExchanges(.clientLeft)
        phase = .closing
        guard let context else { return }
        if context.channel.isWritable, (try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 == 0 {
            if hasAnsweredEarly { linger(context) } else { context.close(promise: nil) }
        } else {
            // Bytes wait in the socket's queue: let them go, within the time that a stalled write may take.
            closesWhenSent = true
        }
    }

    /// Closes the connection at once; its exchanges are broken off.
    func abandon() {
        endExchanges(.shutDown)
        context?.close(promise: nil)
    }

    private var closesWhenSent = false
    private var isFaultReported = false

    // MARK: Lingering

    /// Bytes and time for which a client may go on sending what nobody reads, so that it gets to read its answer:
    /// closing at once would make the kernel reset the connection and throw the answer away (RFC 9112 §9.6).
    private static let lingerBytes = 1024 * 1024
    private static let lingerTime = TimeAmount.seconds(1)
    private var lingersSince: NIODeadline?
    private var discarded = 0

    private func linger(_ context: ChannelHandlerContext) {
        lingersSince = loop.now
        context.close(mode: .output, promise: nil)
        if isReadPaused { try? channel?.syncOptions?.setOption(.autoRead, value: true) }
    }

    private func discard(_ count: Int) {
        discarded += count
        if lingersSince != nil, discarded > Self.lingerBytes { context?.close(promise: nil) }
    }

    private func endExchanges(_ end: ExchangeEnd) {
        while let exchange = exchanges.all.first {
            close(exchange.id, exchange.hasEnded && end == .clientLeft ? .aborted : end)
        }
    }

    private func finish() {
        guard context != nil else { return }
        context = nil
        phase = .closing
        engine = nil
        loop.unregister(self)
        endExchanges(.clientLeft)
        server.closed(self)
    }

    // MARK: Deadlines

    func checkDeadlines(_ now: NIODeadline) {
        let timeouts = server.timeouts
        let buffered = Int((try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
        if let lingersSince {
            if now - lingersSince >= Self.lingerTime { context?.close(promise: nil) }
            return
        }
        if closesWhenSent {
            let expired = stall.isStalled(
                pending: buffered, progress: bytesSent, now: now, limit: timeouts.stalledWrite)
            if buffered == 0, !expired, hasAnsweredEarly, let context { return linger(context) }
            if buffered == 0 || expired { context?.close(promise: nil) }
            return
        }
        guard let engine else {
            if now - opened >= timeouts.handshake { context?.close(promise: nil) }
            return
        }
        if stall.isStalled(pending: buffered, progress: bytesSent, now: now, limit: timeouts.stalledWrite) {
            endExchanges(.timedOut)
            context?.close(promise: nil)
            return
        }
        checkExchanges(engine, now)
        if engine.isReceivingHead {
            if now - (headBegan ?? now) >= timeouts.request {
                guard engine.headTimedOut() else { return close() }
                handleEvents()
                return scheduleFlush()
            }
            headBegan = headBegan ?? now
        } else {
            headBegan = nil
            if exchanges.isEmpty, now - idleSince >= timeouts.keepAlive {
                engine.shutdown()
                engine.shutdown()
                flush()
                close()
            }
        }
    }

    private func checkExchanges(_ engine: any ServerEngine, _ now: NIODeadline) {
        for exchange in exchanges.all {
            let id = exchange.id
            let queued = engine.queuedBytes(id)
            let limit = server.timeouts.stalledWrite
            if exchange.stall.isStalled(pending: queued, progress: exchange.bytesOut - queued, now: now, limit: limit) {
                hasBrokenOff = true
                engine.abort(id, .cancel)
                close(id, .timedOut)
                scheduleFlush()
            } else if !exchange.requestEnded, exchange.hasEnded, now - exchange.began >= server.timeouts.request {
                // Answered, and the rest of the request never came.
                engine.abort(id, .cancel)
                close(id, .completed)
                scheduleFlush()
            } else if !exchange.requestEnded, !exchange.hasResponded, now - exchange.began >= server.timeouts.request {
                exchange.requestEnded = true
                hasEarlyAnswer = true
                exchange.handler?.requestFailed(.requestTimeout)
            } else {
                exchange.handler?.tick(now)
            }
        }
    }
}

extension ExchangeEnd: Equatable {}
