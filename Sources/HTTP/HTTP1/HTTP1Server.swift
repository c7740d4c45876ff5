package import NIOCore

/// The server's side of an HTTP/1.1 connection (RFC 9112).
///
/// One exchange at a time: what a client sends ahead waits unparsed until the exchange before it is over. So
/// `writeOutput`, which ends exchanges, can bring the next request's events. Any doubt about where a message ends
/// is a fault, after whose answer the connection closes; `receive` itself never throws.
///
/// Each stream ends with `closed` once its response is out whole, or with `reset` when it was cut short. `isFinished`
/// is true after that if the request was not whole or the connection is not to be kept.
package final class HTTP1Server: ServerEngine {
    private enum Phase {
        /// Between messages, or in a request's head.
        case head
        case body(BodyDecoder)
        /// The request is whole; what follows it waits.
        case answering
        /// The connection will close: what comes is read and thrown away, so that the answer is not lost to a reset.
        case discarding
    }

    private let limits: HTTPLimits
    private let scheme: String
    private var phase = Phase.head
    private var parser: RequestParser
    private var events = EventQueue<ServerEvent>()
    /// Input that could not be parsed yet: a part of a line, or requests sent ahead.
    private var held = ByteBuffer()
    private var exchange: Exchange?
    private var lastStream: Int32 = 0
    private var isShuttingDown = false
    /// An empty buffer that was a response's queue.
    private var spareQueue = ByteBuffer()
    package private(set) var isFinished = false

    /// One request and its response.
    private struct Exchange {
        let id: StreamID
        var response: OutgoingResponse
        /// The connection closes after this exchange.
        var closes: Bool
        var continuation = Continuation.none
        /// Body bytes that were delivered and not consumed.
        var unconsumed = 0

        mutating func writeResponse(into output: inout ByteBuffer, limit: Int) -> OutgoingResponse.Progress {
            response.write(into: &output, limit: limit, closes: closes)
        }
    }

    /// Where `Expect: 100-continue` stands (RFC 9110 §10.1.1).
    private enum Continuation {
        case none
        /// The head is in the event queue.
        case expected
        /// The application has the head: unless it answers before the next output, it wants the body.
        case due
    }

    /// `scheme` is `https`, or `http` without TLS.
    package init(limits: HTTPLimits, scheme: String) {
        self.limits = limits
        self.scheme = scheme
        parser = RequestParser(limits: limits, scheme: scheme)
    }

    package var openStreams: Int { exchange == nil ? 0 : 1 }

    package var wantsReadPaused: Bool {
        switch phase {
        case .answering: held.readableBytes > limits.pipelinedBytes
        case .body: (exchange?.unconsumed ?? 0) > limits.streamWindow
        // A part of a line is bounded by the parser.
        case .head, .discarding: false
        }
    }

    /// When the head that is arriving began, or input last came.
    private var headStart = NIODeadline.uptimeNanoseconds(0)
    private var lastRead = NIODeadline.uptimeNanoseconds(0)

    private var isInHead: Bool {
        guard case .head = phase else { return false }
        return parser.hasStarted || held.readableBytes > 0
    }

    package var headBegan: NIODeadline? { isInHead ? headStart : nil }

    package var fault: ConnectionFault? { nil }

    package var bufferedBytes: Int { exchange?.response.queued.readableBytes ?? 0 }

    package func waitsForWindow(_ stream: StreamID) -> Bool { false }

    package func release(_ stream: StreamID) {}

    // MARK: In

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        lastRead = now
        if !isInHead { headStart = now }
        if held.readableBytes == 0 {
            parse(&input)
            if input.readableBytes > 0 { held = ByteBuffer(buffer: input) }
        } else {
            held.writeImmutableBuffer(input)
            parseHeld()
        }
        input.discardAll()
    }

    package func nextEvent() -> ServerEvent? {
        guard let event = events.popFirst(isIdle: true) else { return nil }
        if case .head = event, exchange?.continuation == .expected { exchange?.continuation = .due }
        return event
    }

    package func consume(_ stream: StreamID, _ bytes: Int) {
        guard exchange?.id == stream else { return }
        exchange?.unconsumed -= bytes
    }

    private func parseHeld() {
        var input = held
        held = ByteBuffer()
        parse(&input)
        // Kept as it is while it is mostly unparsed: what is copied is never more than what was consumed.
        if input.readableBytes == 0 { return }
        held = input.readerIndex > input.readableBytes ? ByteBuffer(buffer: input) : input
    }

    private func parse(_ input: inout ByteBuffer) {
        do throws(RequestFault) {
            while try advance(&input) {}
        } catch {
            refuse(error)
            input.discardAll()
        }
    }

    /// Parses one step; false when nothing more can be done with `input` now.
    private func advance(_ input: inout ByteBuffer) throws(RequestFault) -> Bool {
        switch phase {
        case .head:
            guard input.readableBytes > 0, let framing = try parser.parse(&input) else { return false }
            open(parser.takeHead(), framing)
            return true
        case .body(var decoder):
            let piece = try decoder.next(&input)
            phase = .body(decoder)
            let stream = StreamID(lastStream)
            switch piece {
            case .needsMore:
                return false
            case .bytes(let bytes):
                exchange?.unconsumed += bytes.readableBytes
                events.append(.body(stream, bytes))
            case .end:
                phase = .answering
                events.append(.end(stream))
            }
            exchange?.continuation = .none
            return true
        case .answering:
            return false
        case .discarding:
            input.discardAll()
            return false
        }
    }

    private func open(_ head: RequestHead, _ framing: RequestParser.Framing) {
        let hasBody = framing.isChunked || (framing.contentLength ?? 0) > 0
        exchange = makeExchange(
            isHead: head.method == "HEAD", version: head.version, closes: framing.wantsClose || isShuttingDown)
        if hasBody && framing.expectsContinue { exchange?.continuation = .expected }
        let stream = StreamID(lastStream)
        if framing.isChunked {
            phase = .body(
                .chunked(
                    ChunkedDecoder(limits: limits, listSize: head.fields.listSize, fieldCount: head.fields.count)))
        } else if hasBody {
            phase = .body(.counted(framing.contentLength ?? 0))
        } else {
            phase = .answering
        }
        events.append(.head(stream, head, hasBody: hasBody))
        if !hasBody { events.append(.end(stream)) }
    }

    private func makeExchange(isHead: Bool, version: HTTPVersion, closes: Bool) -> Exchange {
        lastStream &+= 1
        let queue = spareQueue
        spareQueue = ByteBuffer()
        return Exchange(
            id: StreamID(lastStream), response: OutgoingResponse(isHead: isHead, version: version, queue: queue),
            closes: closes)
    }

    private func refuse(_ fault: RequestFault) {
        phase = .discarding
        if exchange == nil {
            // Of an unknown version the safe guess is the older.
            exchange = makeExchange(
                isHead: parser.method == "HEAD", version: parser.version ?? .http1_0, closes: true)
        }
        exchange?.closes = true
        exchange?.continuation = .none
        events.append(.fault(StreamID(lastStream), fault))
    }

    // MARK: Out

    package func respond(_ stream: StreamID, _ head: ResponseHead, end: Bool) {
        guard exchange?.id == stream else { return }
        exchange?.continuation = .none
        exchange?.response.respond(head, end: end)
        responseEnded()
    }

    package func write(_ stream: StreamID, _ body: (inout ByteBuffer) -> Void) {
        guard exchange?.id == stream else { return }
        exchange?.response.write(body)
    }

    package func end(_ stream: StreamID) {
        guard exchange?.id == stream else { return }
        exchange?.response.end()
        responseEnded()
    }

    /// A response that ends before its request closes the connection (RFC 9112 §9.3).
    private func responseEnded() {
        if case .body = phase, exchange?.response.isEnded == true {
            phase = .discarding
            exchange?.closes = true
        }
    }

    package func abort(_ stream: StreamID, _ reason: AbortReason) {
        guard exchange?.id == stream else { return }
        exchange?.closes = true
        exchange?.continuation = .none
        exchange?.response.abort(now: reason == .cancel)
        phase = .discarding
        held = ByteBuffer()
        if exchange?.response.hasOutput == false { finish(.reset(stream)) }
    }

    package func queuedBytes(_ stream: StreamID) -> Int {
        exchange?.id == stream ? exchange?.response.queued.readableBytes ?? 0 : 0
    }

    package func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool {
        let start = output.writerIndex
        let stream = StreamID(lastStream)
        if exchange?.continuation == .due {
            exchange?.continuation = .none
            output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        }
        switch exchange?.writeResponse(into: &output, limit: limit) {
        case nil, .unchanged: break
        case .drained: events.append(.drained(stream))
        case .complete: complete(stream)
        case .broken: finish(.reset(stream))
        }
        return output.writerIndex > start
    }

    private func complete(_ stream: StreamID) {
        if exchange?.closes != false {
            finish(.closed(stream))
            return
        }
        events.append(.closed(stream))
        if let queue = exchange?.response.queued, queue.capacity <= 4096 { spareQueue = queue }
        exchange = nil
        phase = .head
        headStart = lastRead
        if held.readableBytes > 0 { parseHeld() }
    }

    /// The connection's last exchange is over.
    private func finish(_ event: ServerEvent) {
        events.append(event)
        exchange = nil
        phase = .discarding
        held = ByteBuffer()
        isFinished = true
    }

    package func headTimedOut() -> Bool {
        guard isInHead else { return false }
        held = ByteBuffer()
        refuse(.requestTimeout)
        return true
    }

    /// The exchange in progress, and a request whose head has begun to come, are served; nothing after them.
    package func shutdown() {
        isShuttingDown = true
        if exchange != nil {
            exchange?.closes = true
        } else if !isInHead {
            isFinished = true
            phase = .discarding
        }
    }
}
