import HTTP
import NIOCore
import TLS

/// One TCP connection to the upstream: it owns the TLS session, the HTTP engine and the calls on it, and is the
/// channel's only handler.
final class UpstreamConnection: ChannelInboundHandler, Flushable, Sweepable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: LoopContext
    /// The pool lets go of the connection when it has closed, and so ends the cycle.
    private let pool: UpstreamPool
    /// Made when the TCP connection is there: of several addresses that are tried at once only one gets that far.
    private var session: TLSSession?
    private(set) var engine: (any ClientEngine)?
    private var calls = StreamTable<UpstreamCall>()
    /// The clients' exchanges whose calls were given up, until the upstream is told.
    private var leaving = StreamTable<ServerExchange>()
    private var context: ChannelHandlerContext?
    /// Handshake bytes and alerts that wait for the end of the pass.
    private var records = ByteBuffer()
    /// Set when the connection failed: what its calls are told.
    private var failure: UpstreamError?

    var isFlushScheduled = false
    private var isFlushing = false
    /// Bytes of frames that are encrypted in one go.
    private static let writeSize = 64 * 1024
    /// Whether the socket's queue has room, as the channel last told.
    private var isWritable = true
    var sweepIndex = -1
    private var isReadPaused = false
    /// The channel was told to close; it is gone a moment later.
    private var isClosing = false
    /// When the TCP connection was there.
    private var opened: NIODeadline
    private var idleSince: NIODeadline
    /// Responses that came whole on this connection: one with none is new, and its failure is no accident of reuse.
    private var completed = 0
    /// The upstream has told how many calls it takes at once, and the pool was told.
    private(set) var isSettled = false

    init(pool: UpstreamPool) {
        self.pool = pool
        self.loop = pool.loop
        self.opened = loop.now
        self.idleSince = loop.now
    }

    /// How many further calls it can take at this time.
    var capacity: Int { isClosing ? 0 : engine?.capacity ?? 0 }

    /// Whether a response came whole on it before.
    var isReused: Bool { completed > 0 }

    /// Whether a call is on it.
    var isBusy: Bool { !calls.isEmpty }

    // MARK: Calls

    /// Sends the call's request; false when the connection can't take it.
    func start(_ call: UpstreamCall) -> Bool {
        guard !isClosing, let engine, let id = engine.send(call.head, body: call.body) else { return false }
        calls.insert(call, at: id.rawValue)
        call.exchange?.callSent()
        call.sent(self, id, now: loop.now)
        loop.scheduleFlush(self)
        return true
    }

    func cancel(_ id: StreamID) {
        if let exchange = calls.remove(id.rawValue)?.exchange { leaving.insert(exchange, at: id.rawValue) }
        engine?.cancel(id)
        if calls.isEmpty { idleSince = loop.now }
        loop.scheduleFlush(self)
    }

    func consume(_ id: StreamID, _ bytes: Int) {
        engine?.consume(id, bytes)
        loop.scheduleFlush(self)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.register(self)
    }

    /// The TCP connection is there, and is the one to use.
    func startHandshake() {
        opened = loop.now
        do {
            let session = try pool.makeSession()
            self.session = session
            try session.start(into: &records)
        } catch {
            return fail(UpstreamError(.tls, "\(error)"))
        }
        loop.scheduleFlush(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        loop.updateTime()
        guard let session else { return }
        var bytes = unwrapInboundIn(data)
        var plaintext = loop.plaintextIn
        loop.plaintextIn = ByteBuffer()
        plaintext.clear()
        defer { if plaintext.capacity <= 256 * 1024 { loop.plaintextIn = plaintext } }
        do {
            try session.receive(&bytes, plaintext: &plaintext, output: &records, now: loop.now)
        } catch {
            return fail(UpstreamError(engine == nil ? .tls : .protocolError, "\(error)"))
        }
        let isNew = engine == nil && session.isEstablished
        if isNew { makeEngine(session) }
        if plaintext.readableBytes > 0, let engine {
            do {
                try engine.receive(&plaintext, now: loop.now)
            } catch {
                failure = UpstreamError(.protocolError, error.message)
            }
            handleEvents()
        }
        // After what came with the end of the handshake: SETTINGS may already say how many calls there is room for.
        if isNew { establish(session) }
        if !isSettled, engine?.knowsLimits == true {
            isSettled = true
            pool.settled(self)
        }
        if session.isClosedByPeer {
            engine?.receiveEnd(clean: true)
            handleEvents()
            return close()
        }
        if failure != nil { return close() }
        updateReading()
        loop.scheduleFlush(self)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { loop.scheduleFlush(self) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? UpstreamError(.reset, "the connection broke: \(error)")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.updateTime()
        finish()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
    }

    private func makeEngine(_ session: TLSSession) {
        var limits = HTTPLimits()
        // One slow reader must not hold up the others: the connection's window never runs out before the streams'.
        limits.connectionWindow = 16 * 1024 * 1024
        switch session.negotiatedProtocol {
        case .http2: engine = HTTP2Client(limits: limits)
        case .http1, .http1_0, nil: engine = HTTP1Client(limits: limits)
        }
        idleSince = loop.now
    }

    private func establish(_ session: TLSSession) {
        isSettled = engine?.knowsLimits == true
        pool.established(self, isMultiplexed: session.negotiatedProtocol == .http2)
    }

    private func handleEvents() {
        guard let engine else { return }
        var hasRoom = false
        while let event = engine.nextEvent() {
            switch event {
            case .head(let id, let head): calls[id]?.received(head, now: loop.now)
            case .body(let id, let bytes):
                if let call = calls[id] {
                    call.received(bytes, now: loop.now)
                } else {
                    engine.consume(id, bytes.readableBytes)
                }
            case .end(let id):
                completed += 1
                hasRoom = true
                take(id)?.finished()
            case .failed(let id, let failure):
                hasRoom = true
                if let call = take(id) { fail(call, failure) }
            case .drained: break
            }
        }
        if hasRoom { pool.hasRoom(self) }
    }

    private func take(_ id: StreamID) -> UpstreamCall? {
        defer { if calls.isEmpty { idleSince = loop.now } }
        guard let call = calls.remove(id.rawValue) else {
            leaving.remove(id.rawValue)?.callGone()
            return nil
        }
        call.exchange?.callGone()
        return call
    }

    /// Reports a failed exchange, or sends the request anew where that is safe: Qwen says that it did not begin, or
    /// the connection was an old one that died before a byte came back.
    private func fail(_ call: UpstreamCall, _ failure: StreamFailure) {
        let diedUnused = failure.reason == .connectionClosed && completed > 0 && !failure.hasBegun
        if (failure.isUnprocessed || diedUnused) && call.attempts < 2 {
            return pool.restart(call)
        }
        if let error = self.failure { return call.failed(error) }
        switch failure.reason {
        case .reset(let code):
            call.failed(UpstreamError(.reset, "the upstream reset the stream (HTTP/2 error code \(code))"))
        case .connectionClosed:
            call.failed(UpstreamError(.reset, "the upstream closed the connection before the response was whole"))
        case .protocolError(let message):
            call.failed(UpstreamError(.protocolError, message))
        }
    }

    private func updateReading() {
        let pause = engine?.wantsReadPaused ?? false
        guard pause != isReadPaused else { return }
        isReadPaused = pause
        try? context?.channel.syncOptions?.setOption(.autoRead, value: !pause)
    }

    // MARK: Out

    func flush() {
        guard !isFlushing, !isClosing, let context, let session else { return }
        isFlushing = true
        defer { isFlushing = false }
        var output = ByteBuffer()
        if records.readableBytes > 0 {
            swap(&output, &records)
        } else {
            swap(&output, &loop.ciphertext)
            output.clear()
        }
        var failed: UpstreamError?
        if let engine, session.isEstablished {
            var hasMore = true
            while hasMore, isWritable {
                loop.plaintextOut.clear()
                guard engine.writeOutput(into: &loop.plaintextOut, limit: Self.writeSize) else { break }
                hasMore = loop.plaintextOut.readableBytes >= Self.writeSize
                do {
                    try session.send(&loop.plaintextOut, into: &output)
                } catch {
                    failed = UpstreamError(.protocolError, "\(error)")
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
        if let failed { return fail(failed) }
        if engine?.isFinished == true { close() }
    }

    // MARK: The end

    private func fail(_ error: UpstreamError) {
        failure = failure ?? error
        close()
    }

    /// Closes the connection; calls that are still on it fail.
    func close() {
        guard let context, !isClosing else { return }
        isClosing = true
        session?.close(into: &records)
        if records.readableBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(records), promise: nil)
            records = ByteBuffer()
        }
        context.close(promise: nil)
    }

    private func finish() {
        guard context != nil else { return }
        context = nil
        loop.unregister(self)
        // An address that was tried in vain: the pool hears of it from the attempt as a whole.
        guard let session else { return }
        engine?.receiveEnd(clean: session.isClosedByPeer)
        handleEvents()
        for call in calls.all {
            if case .sent(_, let id) = call.state, take(id) != nil { fail(call, StreamFailure(.connectionClosed)) }
        }
        for exchange in leaving.all { exchange.callGone() }
        leaving.removeAll()
        let unestablished = engine == nil
        engine = nil
        pool.closed(
            self,
            error: unestablished
                ? failure ?? UpstreamError(.tls, "the upstream closed the connection during the TLS handshake") : nil)
    }

    // MARK: Deadlines

    func checkDeadlines(_ now: NIODeadline) {
        guard engine != nil else {
            if now - opened >= pool.timeouts.handshake {
                fail(UpstreamError(.connectTimeout, "the TLS handshake took too long"))
            }
            return
        }
        if calls.isEmpty, now - idleSince >= pool.timeouts.keepAlive { return close() }
        for call in calls.all {
            guard case .sent(_, let id) = call.state else { continue }
            let waited = now - call.waitingSince
            if !call.hasResponse, waited >= pool.timeouts.firstByte {
                cancel(id)
                call.failed(
                    UpstreamError(.firstByteTimeout, "no answer within \(waited.nanoseconds / 1_000_000_000) s"))
            } else if call.hasResponse, !call.isHeldBack, waited >= pool.timeouts.idle {
                cancel(id)
                call.failed(UpstreamError(.idleTimeout, "silent for \(waited.nanoseconds / 1_000_000_000) s"))
            }
        }
    }
}
