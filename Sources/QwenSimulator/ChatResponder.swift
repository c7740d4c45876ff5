import HTTP
import NIOCore
import Transport

/// Answers one chat completion: whole or as a stream, at its pace, until it ends or goes wrong.
final class ChatResponder {
    /// What follows when everything has been written.
    private enum Ending {
        case end, abort, cut, silence
    }

    private let service: SimulatorService
    private let exchange: ServerExchange
    private let script: ChatScript
    /// The frames are whole writes as they come: the way that costs least.
    private let isPlain: Bool
    /// Something happens before the last piece.
    private let hasIncident: Bool
    private let fault: SimulatedError?

    /// The next piece.
    private var next = 0
    private var isOver = false
    private var isIdling = false
    private var hasIdled = false
    private var timer: Scheduled<Void>?

    private var gzip: GzipStream?
    /// Bytes of the stream that wait for their write.
    private var pending = ByteBuffer()
    private var ending: Ending?
    private var writes = 0
    private var isPumping = false
    /// The client's connection has taken all that was written.
    private var isDrained = false

    /// - Parameter acceptsGzip: whether the request does.
    init(_ service: SimulatorService, _ exchange: ServerExchange, _ script: ChatScript, acceptsGzip: Bool) {
        self.service = service
        self.exchange = exchange
        self.script = script
        let behaviour = script.behaviour
        fault = behaviour.error.flatMap { SimulatedError.named($0) }
        let framing = behaviour.framing
        if framing.gzip == .always || framing.gzip == .asked && acceptsGzip { gzip = GzipStream() }
        isPlain = gzip == nil && framing.split == nil
        hasIncident = behaviour.failure != nil || behaviour.idle != nil || fault != nil
    }

    private var behaviour: ChatBehaviour { script.behaviour }

    func start() {
        after(behaviour.first) { [self] in
            if let error = refusal { return refuse(error) }
            script.request.streams ? startStream() : answerWhole()
        }
    }

    /// The exchange is over.
    func stop() {
        isOver = true
        timer?.cancel()
    }

    /// Runs `body` on the loop, in so many milliseconds.
    private func after(_ milliseconds: Int, _ body: @escaping () -> Void) {
        guard milliseconds > 0 else { return body() }
        let loop = exchange.loop
        timer = loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { [self] in
            guard !isOver else { return }
            loop.updateTime()
            body()
        }
    }

    // MARK: Errors with a status

    /// The error that comes with a status of its own, if there is one.
    private var refusal: Answer? {
        let requestID = script.requestID
        guard let fault else {
            return behaviour.status.map { SimulatedError.ofStatus($0).answer(requestID: requestID) }
        }
        let isInStream = behaviour.errorPosition != nil || behaviour.envelope?.isOfStreams == true
        if isInStream, script.request.streams { return nil }
        return fault.answer(
            behaviour.envelope, status: behaviour.status, framing: behaviour.framing, requestID: requestID)
    }

    private func refuse(_ answer: Answer) {
        isOver = true
        var answer = answer
        if let seconds = behaviour.retryAfter { answer.fields.append(("retry-after", "\(seconds)")) }
        service.respond(exchange, answer)
    }

    // MARK: Whole answers

    private func answerWhole() {
        after(behaviour.delay * script.count) { [self] in
            var answer = Answer(requestID: script.requestID)
            answer.body = script.answer()
            if behaviour.isPartial { answer.fields.append(("x-dashscope-partialresponse", "true")) }
            if gzip != nil {
                let document = answer.body
                answer.body = ByteBuffer()
                gzip?.write(document, into: &answer.body)
                gzip?.finish(into: &answer.body)
                answer.fields.append(("content-encoding", "gzip"))
            }
            switch behaviour.failure {
            case nil:
                isOver = true
                service.respond(exchange, answer)
            case .stall?: break
            case .error?: refuse(SimulatedError.ofStatus(429).answer(requestID: script.requestID))
            case let failure?:
                // Half of the document, then the end in the manner that was asked for.
                var head = service.head(answer)
                head.contentLength = answer.body.readableBytes
                exchange.respond(head, end: false)
                answer.body.moveWriterIndex(to: answer.body.writerIndex - answer.body.readableBytes / 2)
                exchange.write { $0.writeImmutableBuffer(answer.body) }
                isOver = true
                if case .cut = failure { exchange.breakConnection() } else { exchange.abort() }
            }
        }
    }

    // MARK: Streams

    private func startStream() {
        var answer = Answer(requestID: script.requestID)
        answer.contentType = "text/event-stream;charset=UTF-8"
        if gzip != nil { answer.fields.append(("content-encoding", "gzip")) }
        exchange.respond(service.head(answer), end: false)
        if fault != nil, (behaviour.errorPosition ?? 0) == 0 { return writeFault() }
        emit { script.writeOpening(into: &$0) }
        proceed()
    }

    private func proceed() {
        pending.readableBytes > 0 ? pump() : advance()
    }

    /// Writes the pieces that are due: a batch, where there is a delay; else as many as the client takes.
    private func advance() {
        guard !isOver, !isIdling, ending == nil, pending.readableBytes == 0 else { return }
        let limit = behaviour.delay == 0 ? 100 : behaviour.framing.batch
        var written = 0
        repeat {
            if hasIncident, meetsIncident() { return }
            guard next < script.count else {
                emit { script.writeClosing(into: &$0) }
                return conclude(.end, isWhole: true)
            }
            emit { script.writePiece(next, into: &$0) }
            next += 1
            written += 1
        } while written < limit
        if pending.readableBytes > 0 { return pump() }
        if behaviour.delay > 0 { after(behaviour.delay) { [self] in advance() } }
    }

    /// All that was written has been taken: time for more, where nothing else sets the pace.
    func drained() {
        isDrained = true
        if exchange.hasResponded, behaviour.delay == 0, !isPumping { advance() }
    }

    /// Goes wrong, or pauses, if the time for it has come.
    private func meetsIncident() -> Bool {
        if fault != nil, behaviour.errorPosition == next {
            writeFault()
            return true
        }
        if let idle = behaviour.idle, idle.after == next, !hasIdled {
            hasIdled = true
            isIdling = true
            pump(andThen: { [self] in
                after(idle.milliseconds) { [self] in
                    isIdling = false
                    advance()
                }
            })
            return true
        }
        switch behaviour.failure {
        case .cut(next)?: conclude(.cut)
        case .reset(next)?: conclude(.abort)
        case .end(next)?: conclude(.end)
        case .stall(next)?: conclude(.silence)
        case .middle(next)?:
            var frame = ByteBuffer()
            next < script.count ? script.writePiece(next, into: &frame) : script.writeClosing(into: &frame)
            frame.moveWriterIndex(to: frame.readableBytes / 2)
            emit { $0.writeImmutableBuffer(frame) }
            conclude(.end)
        case .error(next)?:
            emitEvent(SimulatedError.named("allocation-quota"), .native)
            conclude(.end)
        default: return false
        }
        return true
    }

    private func writeFault() {
        guard let fault else { return }
        let envelope = behaviour.envelope ?? fault.envelope
        switch envelope {
        case .finish:
            emit { output in
                script.writeErrorChunk(fault, envelope, into: &output)
                if behaviour.sendsDone { output.writeStaticString("data: [DONE]\n\n") }
            }
        case .wrapped:
            emit { output in
                script.writeErrorChunk(fault, envelope, into: &output)
                script.writeClosing(into: &output)
            }
        default: emitEvent(fault, envelope)
        }
        conclude(.end, isWhole: true)
    }

    private func emitEvent(_ error: SimulatedError?, _ envelope: ErrorEnvelope) {
        guard let error else { return }
        emit {
            error.writeEvent(envelope, framing: behaviour.framing, requestID: script.requestID, into: &$0)
        }
    }

    // MARK: Writes

    private func emit(_ write: (inout ByteBuffer) -> Void) {
        guard !isPlain else { return exchange.write(write) }
        var frame = ByteBuffer()
        write(&frame)
        send(frame)
    }

    private func send(_ frame: ByteBuffer) {
        var bytes = frame
        if gzip != nil {
            bytes = ByteBuffer()
            gzip?.write(frame, into: &bytes)
        }
        sendRaw(bytes)
    }

    private func sendRaw(_ bytes: ByteBuffer) {
        if behaviour.framing.split == nil {
            exchange.write { $0.writeImmutableBuffer(bytes) }
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// Ends the response once everything has been written.
    ///
    /// - Parameter isWhole: whether a compressed body gets its end.
    private func conclude(_ ending: Ending, isWhole: Bool = false) {
        if isWhole, gzip != nil {
            var trailer = ByteBuffer()
            gzip?.finish(into: &trailer)
            sendRaw(trailer)
        }
        self.ending = ending
        pump(andThen: { [self] in perform(ending) })
    }

    private func perform(_ ending: Ending) {
        isOver = true
        switch ending {
        case .end: exchange.end()
        case .abort: exchange.abort()
        case .cut: exchange.breakConnection()
        case .silence: break
        }
    }

    private func pump() {
        pump(andThen: { [self] in
            if behaviour.delay > 0 {
                after(behaviour.delay) { [self] in advance() }
            } else if isDrained {
                advance()
            }
        })
    }

    /// Writes what waits, each write in a pass of the loop of its own, and then does what comes next.
    private func pump(andThen body: @escaping () -> Void) {
        guard !isOver else { return }
        isPumping = pending.readableBytes > 0
        guard isPumping, let split = behaviour.framing.split else {
            isPumping = false
            return body()
        }
        let drawn = AdmissionBehaviour.mix(UInt64(truncatingIfNeeded: writes)) % UInt64(split.count)
        writes += 1
        let size = min(pending.readableBytes, split.lowerBound + Int(drawn))
        guard let slice = pending.readSlice(length: size) else { return }
        if pending.readableBytes == 0 { pending.clear() }
        isDrained = false
        exchange.write { $0.writeImmutableBuffer(slice) }
        guard behaviour.framing.gap == 0 else {
            return after(behaviour.framing.gap) { [self] in pump(andThen: body) }
        }
        exchange.loop.eventLoop.assumeIsolated().execute { [self] in
            exchange.loop.updateTime()
            pump(andThen: body)
        }
    }
}
