import EventStream
import HTTP
import JSON
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// One request for an answer of a model's, in whichever dialect: the request on its way to Qwen as a chat completion,
/// and the answer on its way back.
final class RelayExchange: GatewayExchangeHandler {
    private enum State {
        /// Nothing of an answer is known.
        case waiting
        /// Events are passed on as they come.
        case streaming
        /// Events are put together to one document.
        case assembling
        /// One document is read.
        case collecting(ByteBuffer)
        case over
    }

    let exchange: GatewayExchange
    private let dialect: any Dialect
    private var state = State.waiting
    private var body = RequestBody()
    private var request: ChatRequest?
    private var parser = EventStreamParser()
    /// The answer of a client that does not stream, where Qwen streams all the same.
    private var assembler: ChatAssembler?
    private(set) var call: QwenCall?
    private var sentUpstream: NIODeadline?
    /// Qwen cuts answers short that take too long, and says so (`x-dashscope-partialresponse`).
    private var isPartial = false
    /// Bytes of the answer that Qwen has sent and the client's connection has not yet taken: the room for them is
    /// given back when it has.
    private var untaken = 0
    /// When the last piece of a stream came.
    private var lastArrival: NIODeadline?
    private var keepAlive = StreamKeepAlive()

    private var service: GatewayService { exchange.service }

    private init(_ exchange: GatewayExchange, _ dialect: any Dialect) {
        self.exchange = exchange
        self.dialect = dialect
    }

    /// Looks at the head; what is wrong with it is answered before a byte of the body is read.
    static func begin(
        _ exchange: GatewayExchange, _ head: RequestHead, _ dialect: (DialectContext) -> any Dialect
    ) -> any ExchangeHandler {
        if let error = JSONBody.refusal(of: head, limit: exchange.service.shared.maxBodyBytes) {
            exchange.fail(error, outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        return RelayExchange(exchange, dialect(exchange.dialectContext))
    }

    // MARK: The request

    func bodyReceived(_ bytes: ByteBuffer) { body.receive(bytes, exchange) }

    func requestEnded() {
        guard let body = body.end() else { return }
        state = .waiting
        defer { service.document.removeAll() }
        do {
            let request = try dialect.read(body, &service.document)
            self.request = request
            exchange.update {
                $0.model = request.model
                $0.stream = request.isStreaming
            }
        } catch {
            state = .over
            return exchange.fail(APIError(error), outcome: .rejected)
        }
        if let request, !exchange.reserve(request.model, bodies: { [request.body] }) {
            state = .over
            return
        }
        let call = QwenCall(
            service.dispatcher, for: exchange, bodySize: request?.body.readableBytes ?? 0, handler: self)
        self.call = call
        call.start()
    }

    func requestFailed(_ fault: RequestFault) { body.fail(fault, exchange) }

    // MARK: The client's pace

    func responseDrained() {
        guard untaken > 0, let call else { return }
        call.consume(untaken)
        untaken = 0
    }

    func tick(_ now: NIODeadline) {
        // A client that is slow to read is no sign of a silent Qwen.
        guard request?.isStreaming == true, let call, call.isUnderWay, untaken == 0 else { return }
        guard let sign = keepAlive.due(now, interval: service.shared.keepAliveInterval) else { return }
        if dialect.isDone { return }
        beginStream()
        call.commit()
        exchange.server.write { output in
            switch sign {
            case .comment: output.writeStaticString(ChatStream.keepAliveComment)
            case .event: dialect.keepAlive(into: &output)
            }
        }
    }

    private var identity: ChatIdentity {
        ChatIdentity(
            id: "chatcmpl-\(exchange.requestID)", created: Int(WallTime.now().seconds), model: request?.model ?? "")
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        call?.cancel()
        call = nil
        state = .over
        exchange.ended(end)
    }
}

// MARK: - The answer

extension RelayExchange: QwenCallHandler {
    func request(for lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer) {
        let provider = lease.provider
        exchange.called(with: lease)
        sentUpstream = service.loop.now
        keepAlive.began(service.loop.now)
        guard let request else { return (provider.chatRequest(isStreaming: false), ByteBuffer()) }
        let body = request.body(for: provider.isPortal ? .portal : .compatible, document: &service.document)
        return (provider.chatRequest(isStreaming: request.isStreamedUpstream), body)
    }

    func answerBegan(_ head: ResponseHead) {
        let now = service.loop.now
        exchange.update {
            $0.upstreamStatus = head.status
            $0.upstreamTime = sentUpstream.map { now - $0 }
        }
        if head.fields["content-encoding"].map({ $0 != "identity" }) == true {
            return giveUp(APIError(.upstreamError, "Qwen's answer is compressed, which was not asked for."))
        }
        isPartial = head.fields.isValue("true", of: "x-dashscope-partialresponse")
        let isEventStream = head.fields.firstIndex(of: "content-type")
            .map { head.fields.hasPrefix("text/event-stream", at: $0) }
        exchange.held = 0
        guard isEventStream == true else {
            state = .collecting(ByteBuffer())
            return
        }
        parser = EventStreamParser()
        if request?.isStreaming == true {
            dialect.begin(isPartial: isPartial, isFirst: !exchange.server.hasResponded)
            state = .streaming
        } else {
            assembler = ChatAssembler(limit: service.shared.maxAnswerBytes, isPartial: isPartial)
            state = .assembling
        }
    }

    func answerReceived(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        let attempt = call?.attempt
        switch state {
        case .streaming:
            let now = service.loop.now
            if let lastArrival { service.metrics.chunkGap(now - lastArrival) }
            lastArrival = now
            let sent = exchange.server.bytesOut
            untaken += count
            read(bytes)
            // What brought nothing for the client (a part of a long event, a comment) it can't take: no wait for that.
            guard exchange.server.bytesOut == sent else { return }
            untaken -= count
            if let call, call.attempt == attempt { call.consume(count) }
        case .assembling:
            exchange.hold(count)
            read(bytes)
            if let call, call.attempt == attempt { call.consume(count) }
        case .collecting(var body):
            state = .over
            guard body.readableBytes + count <= service.shared.maxAnswerBytes else {
                return giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
            }
            exchange.hold(count)
            var bytes = bytes
            body.writeBuffer(&bytes)
            state = .collecting(body)
            call?.consume(count)
        case .over: call?.consume(count)
        case .waiting: break
        }
    }

    /// Takes the events in `bytes`.
    private func read(_ bytes: ByteBuffer) {
        var bytes = bytes
        defer { service.document.removeAll() }
        do {
            while let event = try parser.next(in: &bytes) {
                guard take(event) else { return }
            }
        } catch {
            breakOff(APIError(.upstreamError, "Qwen sent an event that is too large."))
        }
    }

    /// Takes one event.
    ///
    /// - Returns: whether more may follow.
    private func take(_ event: ServerSentEvent) -> Bool {
        if exchange.server.hasResponded {
            // An error inside a stream may look like a chunk in everything but its name.
            if event.name != nil || event.status != nil, isFault(event) { return false }
        } else if isFault(event) {
            return false
        }
        return pass(event.data, status: event.status)
    }

    /// Whether the event is an error; it has been dealt with then.
    private func isFault(_ event: ServerSentEvent) -> Bool {
        guard let fault = QwenFault(event, document: &service.document) else { return false }
        failed(fault)
        return true
    }

    private func pass(_ data: ByteBuffer, status: Int?) -> Bool {
        switch state {
        case .streaming:
            switch relay(data) {
            case .proceed: return true
            case .done: complete()
            case .fault: failed(fault(status))
            case .malformed: breakOff(APIError(.upstreamError, "Qwen sent an event that is not JSON."))
            }
        case .assembling:
            switch assembler?.receive(data, document: &service.document) {
            case .proceed:
                call?.accept()
                return true
            case .done: finish()
            case .fault: failed(fault(status))
            case .malformed, nil: breakOff(APIError(.upstreamError, "Qwen sent an event that is not JSON."))
            case .tooLarge: giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
            }
        case .waiting, .collecting, .over: break
        }
        return false
    }

    /// The error that the document holds, of which it is known that it is one.
    private func fault(_ status: Int?) -> QwenFault {
        QwenFault(service.document, eventIsError: false, status: status)
            ?? QwenFault(service.document, status: status ?? 200)
    }

    private func relay(_ data: ByteBuffer) -> ChatStream.Action {
        keepAlive.sent(service.loop.now)
        exchange.passedEvents += 1
        guard exchange.server.hasResponded else {
            // The head waits for the first event: an error in its place can still have a status of its own.
            var first = ByteBuffer()
            let action = dialect.receive(data, &service.document, into: &first)
            if first.readableBytes > 0 {
                beginStream()
                call?.accept()
                call?.commit()
                exchange.server.write { $0.writeBuffer(&first) }
            }
            return action
        }
        var action = ChatStream.Action.proceed
        exchange.server.write { output in
            action = dialect.receive(data, &service.document, into: &output)
        }
        return action
    }

    private func beginStream() {
        if !exchange.server.hasResponded { exchange.beginStream(contentType: "text/event-stream; charset=utf-8") }
    }

    // MARK: Ends

    func answerEnded() {
        switch state {
        case .streaming, .assembling:
            defer { service.document.removeAll() }
            switch parser.finish() {
            case .clean: endOfEvents()
            case .incomplete(let last):
                // An error may come as the last event without its empty line; anything else was cut off.
                if last.map(isFault) != true { failed(.truncated) }
            }
        case .collecting(let body):
            state = .over
            deliver(body)
        case .waiting, .over: break
        }
    }

    private func endOfEvents() {
        if case .assembling = state { return finish(isMarked: false) }
        var marker = ByteBuffer()
        guard dialect.end(into: &marker) else { return failed(.truncated) }
        beginStream()
        exchange.server.write { $0.writeBuffer(&marker) }
        complete()
    }

    /// Everything has been passed on.
    private func complete() {
        exchange.account(dialect.usage)
        state = .over
        call?.consume(untaken)
        call?.complete()
        call = nil
        exchange.server.end()
        dialect.completed()
    }

    /// Answers with what has been put together.
    ///
    /// - Parameter isMarked: Qwen has said `[DONE]`.
    private func finish(isMarked: Bool = true) {
        var completion = ByteBuffer()
        guard assembler?.finish(isMarked: isMarked, identity: identity, into: &completion) == true else {
            return failed(.truncated)
        }
        // What was cut short says so already.
        guard let body = dialect.answer(completion, &service.document, isPartial: false) else {
            return giveUp(APIError(.upstreamError, "Qwen's answer can not be put together."))
        }
        answer(body)
    }

    private func answer(_ body: ByteBuffer) {
        exchange.account(dialect.usage)
        state = .over
        call?.complete()
        call = nil
        exchange.respond(200, contentType: "application/json", body: body)
        dialect.completed()
    }

    /// Answers with a whole document that Qwen sent.
    private func deliver(_ body: ByteBuffer) {
        defer { service.document.removeAll() }
        guard let answer = dialect.answer(body, &service.document, isPartial: isPartial) else {
            return failed(
                QwenFault(body: body, status: 200, fields: HeaderFields(), unixTime: WallTime.now().seconds))
        }
        guard request?.isStreamedUpstream == false else {
            return giveUp(APIError(.upstreamError, "Qwen's answer has not the form that was asked for."))
        }
        self.answer(answer)
    }

    /// Qwen's answer is an error: another may follow it, as long as the client knows nothing of this one.
    private func failed(_ fault: QwenFault) {
        if exchange.server.hasResponded { exchange.account(dialect.usage) }
        state = exchange.server.hasResponded ? .over : .waiting
        call?.reject(fault)
    }

    func callFailed(_ failure: QwenCallFailure) {
        call = nil
        if case .over = state, !exchange.server.hasResponded || exchange.server.hasEnded { return }
        switch failure {
        case .fault(let fault): breakOff(APIError(fault))
        case .transport(let error):
            let outcome: Outcome =
                switch error.kind {
                case .connectTimeout, .firstByteTimeout, .idleTimeout: .upstreamTimeout
                case .reset, .protocolError:
                    exchange.server.hasResponded ? .upstreamTruncated : .upstreamError
                case .connect, .tls: .upstreamError
                }
            breakOff(APIError(error), outcome: outcome)
        }
    }

    /// Gives up an answer that is of no use.
    private func giveUp(_ error: APIError) {
        breakOff(error, outcome: .upstreamError)
    }

    /// Ends the answer with an error that the client can't miss: a status before the first byte, an error event and a
    /// broken stream after it.
    private func breakOff(_ error: APIError, outcome: Outcome? = nil) {
        call?.cancel()
        call = nil
        state = .over
        if exchange.server.hasResponded {
            let shown = service.redacted(error)
            exchange.server.write { dialect.breakOff(shown, into: &$0) }
        }
        let truncated = error.code == .upstreamTruncated
        exchange.fail(error, outcome: outcome ?? (truncated ? .upstreamTruncated : .upstreamError))
    }
}
