import EventStream
import HTTP
import JSON
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// One `POST /v1/completions`: a call for each text that is asked for, and one answer.
final class CompletionsExchange: GatewayExchangeHandler {
    let exchange: GatewayExchange
    private var body = RequestBody()
    private var request: CompletionRequest?
    /// What each call asks, where it is a chat completion that is asked for.
    private var chats: [ChatRequest] = []
    private var calls = PartCalls(count: 0)
    /// The answer of a client that streams, or of one that does not.
    private var stream: CompletionStream?
    private var assembler: CompletionAssembler?
    /// Answers that come as events and are wanted as documents, by their calls.
    private var assemblers: [Int: ChatAssembler] = [:]
    private var keepAlive = StreamKeepAlive()
    /// Bytes that the client's connection has not yet taken, by their calls.
    private var untaken: [Int: Int] = [:]
    private var sentBefore = 0
    private var isOver = false

    private var service: GatewayService { exchange.service }

    private init(_ exchange: GatewayExchange) {
        self.exchange = exchange
    }

    static func begin(_ exchange: GatewayExchange, _ head: RequestHead) -> any ExchangeHandler {
        if let error = JSONBody.refusal(of: head, limit: exchange.service.shared.maxBodyBytes) {
            exchange.fail(error, outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        return CompletionsExchange(exchange)
    }

    // MARK: The request

    func bodyReceived(_ bytes: ByteBuffer) { body.receive(bytes, exchange) }
    func requestFailed(_ fault: RequestFault) { body.fail(fault, exchange) }

    func requestEnded() {
        guard let text = body.end() else { return }
        defer { service.document.removeAll() }
        do throws(InvalidRequest) {
            try read(text)
        } catch {
            return exchange.fail(APIError(error), outcome: .rejected)
        }
        guard let request, exchange.reserve(request.model, bodies: { request.bodies }) else { return }
        startCalls()
    }

    private func read(_ text: ByteBuffer) throws(InvalidRequest) {
        let shared = service.shared
        let request = try CompletionRequest(
            text, document: &service.document, defaultModel: shared.defaultModel, aliases: shared.aliases)
        if request.endpoint == .chat {
            for body in request.bodies {
                chats.append(
                    try ChatRequest(body, document: &service.document, defaultModel: shared.defaultModel))
            }
        }
        self.request = request
        exchange.update {
            $0.model = request.model
            $0.stream = request.isStreaming
        }
        calls = PartCalls(count: request.bodies.count)
        if request.isStreaming {
            stream = CompletionStream(request, identity: identity(request.model))
        } else {
            assembler = CompletionAssembler(request, limit: shared.maxAnswerBytes)
        }
    }

    private func identity(_ model: String) -> ChatIdentity {
        ChatIdentity(id: "cmpl-\(exchange.requestID)", created: Int(WallTime.now().seconds), model: model)
    }

    private func startCalls() {
        for part in calls.startNext(exchange, owner: self) {
            part.start(exchange, size: request?.bodies[part.index].readableBytes ?? 0)
        }
    }

    // MARK: The client's pace

    func responseDrained() {
        for (index, bytes) in untaken { calls.running[index]?.call?.consume(bytes) }
        untaken.removeAll()
    }

    func tick(_ now: NIODeadline) {
        guard let stream, !stream.isDone, !isOver, untaken.isEmpty,
            calls.running.values.contains(where: { $0.call?.isUnderWay == true }),
            let sign = keepAlive.due(now, interval: service.shared.keepAliveInterval)
        else { return }
        beginStream()
        exchange.server.write { output in
            switch sign {
            case .comment: output.writeStaticString(ChatStream.keepAliveComment)
            case .event: stream.writeKeepAliveChunk(into: &output)
            }
        }
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        isOver = true
        calls.cancelAll()
        exchange.ended(end)
    }

    // MARK: Ends

    private func beginStream() {
        guard !exchange.server.hasResponded else { return }
        exchange.beginStream(contentType: "text/event-stream; charset=utf-8")
        for part in calls.running.values { part.call?.commit() }
    }

    private func partIsOver(_ part: PartCall) {
        part.complete()
        calls.remove(part)
        untaken[part.index] = nil
        if stream?.isDone == true {
            isOver = true
            exchange.account(stream?.usage)
            exchange.server.end()
        } else if assembler?.isComplete == true {
            finish()
        } else {
            startCalls()
        }
    }

    private func finish() {
        var answer = ByteBuffer()
        isOver = true
        exchange.account(assembler?.usage)
        guard assembler?.finish(identity: identity(request?.model ?? ""), into: &answer) == true else {
            return giveUp(APIError(.upstreamError, "Qwen's answers can not be put together."))
        }
        exchange.respond(200, contentType: "application/json", body: answer)
    }

    private func giveUp(_ error: APIError) {
        isOver = true
        calls.cancelAll()
        if exchange.server.hasResponded {
            let shown = service.redacted(error)
            exchange.server.write {
                stream?.fail(
                    message: shown.message, type: shown.type, code: shown.clientCode ?? shown.code.rawValue,
                    into: &$0)
            }
        }
        exchange.fail(error, outcome: error.code == .upstreamTruncated ? .upstreamTruncated : .upstreamError)
    }
}

extension CompletionsExchange: PartCallOwner {
    var need: QwenProvider.Capability { request?.endpoint == .completions ? .completions : .chat }
    var largestAnswer: Int { service.shared.maxAnswerBytes }

    func request(for part: PartCall, _ lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer) {
        exchange.called(with: lease)
        keepAlive.began(service.loop.now)
        guard chats.indices.contains(part.index) else {
            let body = request?.bodies[part.index] ?? ByteBuffer()
            return (lease.provider.request(.post, "completions", isStreaming: stream != nil), body)
        }
        let chat = chats[part.index]
        let body = chat.body(for: lease.provider.isPortal ? .portal : .compatible, document: &service.document)
        return (lease.provider.chatRequest(isStreaming: chat.isStreamedUpstream), body)
    }

    func answerBegan(_ part: PartCall, _ head: ResponseHead) {
        exchange.update { $0.upstreamStatus = head.status }
        if part.isPartial { stream?.markPartial(call: part.index) }
        assemblers[part.index] = nil
    }

    func received(_ event: ServerSentEvent, _ part: PartCall) -> Bool {
        guard !isOver else { return false }
        defer { service.document.removeAll() }
        if event.name != nil || event.status != nil || !exchange.server.hasResponded,
            let fault = QwenFault(event, document: &service.document)
        {
            part.call?.reject(fault)
            return false
        }
        return stream == nil ? assemble(event, part) : relay(event, part)
    }

    private func relay(_ event: ServerSentEvent, _ part: PartCall) -> Bool {
        keepAlive.sent(service.loop.now)
        exchange.passedEvents += 1
        var output = ByteBuffer()
        let action = stream?.receive(event.data, call: part.index, document: &service.document, into: &output)
        if output.readableBytes > 0 {
            part.call?.accept()
            beginStream()
            exchange.server.write { $0.writeBuffer(&output) }
        }
        switch action {
        case .proceed: return true
        case .done: partIsOver(part)
        case .fault: part.call?.reject(QwenFault(service.document, status: event.status ?? 200))
        case .malformed, nil: giveUp(APIError(.upstreamError, "Qwen sent an event that is not JSON."))
        }
        return false
    }

    private func assemble(_ event: ServerSentEvent, _ part: PartCall) -> Bool {
        let limit = largestAnswer
        var chat = assemblers.removeValue(forKey: part.index) ?? ChatAssembler(limit: limit, isPartial: part.isPartial)
        switch chat.receive(event.data, document: &service.document) {
        case .proceed:
            part.call?.accept()
            assemblers[part.index] = chat
            return true
        case .done: assembled(&chat, part)
        case .fault: part.call?.reject(QwenFault(service.document, status: event.status ?? 200))
        case .malformed: giveUp(APIError(.upstreamError, "Qwen sent an event that is not JSON."))
        case .tooLarge: giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
        }
        return false
    }

    private func assembled(_ chat: inout ChatAssembler, _ part: PartCall, isMarked: Bool = true) {
        var document = ByteBuffer()
        guard chat.finish(isMarked: isMarked, identity: identity(request?.model ?? ""), into: &document) else {
            part.call?.reject(.truncated)
            return
        }
        take(document, part, isPartial: false)
    }

    func eventsCutOff(_ last: ServerSentEvent?, _ part: PartCall) {
        guard !isOver else { return }
        defer { service.document.removeAll() }
        part.call?.reject(last.flatMap { QwenFault($0, document: &service.document) } ?? .truncated)
    }

    func eventsEnded(_ part: PartCall) {
        guard !isOver else { return }
        if stream == nil {
            guard var chat = assemblers.removeValue(forKey: part.index) else {
                part.call?.reject(.truncated)
                return
            }
            return assembled(&chat, part, isMarked: false)
        }
        var output = ByteBuffer()
        guard stream?.end(call: part.index, into: &output) == true else {
            part.call?.reject(.truncated)
            return
        }
        if output.readableBytes > 0 {
            beginStream()
            exchange.server.write { $0.writeBuffer(&output) }
        }
        partIsOver(part)
    }

    func received(_ document: ByteBuffer, _ part: PartCall) {
        guard !isOver else { return }
        guard stream == nil else {
            part.call?.reject(
                QwenFault(body: document, status: 200, fields: HeaderFields(), unixTime: WallTime.now().seconds))
            return
        }
        take(document, part, isPartial: part.isPartial)
    }

    private func take(_ document: ByteBuffer, _ part: PartCall, isPartial: Bool) {
        defer { service.document.removeAll() }
        do throws(CompletionAssembler.Fault) {
            try assembler?.receive(document, call: part.index, document: &service.document, isPartial: isPartial)
        } catch {
            switch error {
            case .upstream:
                part.call?.reject(
                    QwenFault(
                        body: document, status: 200, fields: HeaderFields(), unixTime: WallTime.now().seconds))
            case .malformed: giveUp(APIError(.upstreamError, "Qwen's answer has not the form that was asked for."))
            case .tooLarge: giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
            }
            return
        }
        partIsOver(part)
    }

    func consume(_ bytes: Int, _ part: PartCall) {
        // What brought nothing for the client it can't take: no wait for that.
        let sent = exchange.server.bytesOut
        defer { sentBefore = sent }
        guard stream != nil, sent > sentBefore, !isOver else {
            part.call?.consume(bytes)
            return
        }
        untaken[part.index, default: 0] += bytes
    }

    func failed(_ part: PartCall, _ failure: QwenCallFailure) {
        calls.remove(part)
        giveUp(APIError(failure))
    }
}
