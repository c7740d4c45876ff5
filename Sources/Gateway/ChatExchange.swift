import EventStream
import HTTP
import JSON
import Logging
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// One `POST /v1/chat/completions`: the request on its way to Qwen, and the answer on its way back.
final class ChatExchange: ExchangeHandler, UpstreamCallHandler {
    private enum State {
        /// The request's body is arriving.
        case receiving(ByteBuffer)
        /// Sent; nothing of the answer is known.
        case waiting
        /// Events are passed on as they come.
        case streaming
        /// The answer is put together: it is one JSON document, or an error.
        case collecting(ByteBuffer, status: Int)
        case over
    }

    private let exchange: GatewayExchange
    private var state = State.receiving(ByteBuffer())
    private var parser = EventStreamParser()
    private var stream = ChatStream(includesUsage: false)
    private var call: UpstreamCall?
    private var isStreaming = false
    private var includesUsage = false
    private var sentUpstream: NIODeadline?
    /// Bytes of the answer that Qwen has sent and the client's connection has not yet taken: the room for them is
    /// given back when it has.
    private var untaken = 0

    private var service: GatewayService { exchange.service }

    private init(_ exchange: GatewayExchange) {
        self.exchange = exchange
    }

    /// Looks at the head; what is wrong with it is answered before a byte of the body is read.
    static func begin(_ exchange: GatewayExchange, _ head: RequestHead) -> any ExchangeHandler {
        let limit = exchange.service.shared.maxBodyBytes
        if !head.fields.isValue("application/json", of: "content-type"), let type = head.fields["content-type"],
            !isJSON(type)
        {
            let error = APIError(
                .unsupportedMediaType, "The body must be JSON: send it with 'Content-Type: application/json'.")
            exchange.fail(error, outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        if let length = head.fields["content-length"].flatMap({ Int($0) }), length > limit {
            exchange.fail(tooLarge(limit), outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        return ChatExchange(exchange)
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.lowercased()
        let trimmed = type.split(whereSeparator: { $0 == " " || $0 == "\t" })
        return trimmed.count == 1 && (trimmed[0] == "application/json" || trimmed[0].hasSuffix("+json"))
    }

    private static func tooLarge(_ limit: Int) -> APIError {
        APIError(.tooLarge, "The request body is larger than \(limit) bytes, the most that this gateway takes.")
    }

    // MARK: The request

    func bodyReceived(_ bytes: ByteBuffer) {
        guard case .receiving(var body) = state else { return }
        state = .over
        let limit = service.shared.maxBodyBytes
        guard body.readableBytes + bytes.readableBytes <= limit else {
            return exchange.fail(Self.tooLarge(limit), outcome: .rejected)
        }
        var bytes = bytes
        exchange.server.consume(bytes.readableBytes)
        body.writeBuffer(&bytes)
        state = .receiving(body)
    }

    func requestEnded() {
        guard case .receiving(let body) = state else { return }
        state = .waiting
        do {
            let request = try ChatRequest(
                body, document: &service.document, defaultModel: service.shared.defaultModel)
            send(request)
        } catch {
            state = .over
            exchange.fail(APIError(error), outcome: .rejected)
        }
        service.document.removeAll()
    }

    func requestFailed(_ fault: RequestFault) {
        guard case .receiving = state else { return }
        state = .over
        exchange.fail(APIError(fault), outcome: fault.status == 408 ? .timeout : .rejected)
    }

    private func send(_ request: ChatRequest) {
        isStreaming = request.isStreaming
        includesUsage = request.includesUsage
        exchange.update {
            $0.model = request.model
            $0.stream = request.isStreaming
        }
        sentUpstream = service.loop.now
        let call = UpstreamCall(
            head: service.shared.provider.chatRequest(isStreaming: request.isStreaming), body: request.body,
            handler: self, now: service.loop.now)
        self.call = call
        service.pool.start(call)
    }

    // MARK: The answer

    func responseBegan(_ head: ResponseHead) {
        let now = service.loop.now
        exchange.update {
            $0.upstreamStatus = head.status
            $0.upstreamTime = sentUpstream.map { now - $0 }
        }
        let isEventStream = head.fields.firstIndex(of: "content-type")
            .map { head.fields.hasPrefix("text/event-stream", at: $0) }
        if head.fields["content-encoding"].map({ $0 != "identity" }) == true {
            return giveUp(APIError(.upstreamError, "Qwen's answer is compressed, which was not asked for."))
        }
        if isStreaming, head.status == 200, isEventStream == true {
            stream = ChatStream(includesUsage: includesUsage)
            state = .streaming
        } else {
            state = .collecting(ByteBuffer(), status: head.status)
        }
    }

    func responseBodyReceived(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        switch state {
        case .streaming:
            let sent = exchange.server.bytesOut
            untaken += count
            relay(bytes)
            // What brought nothing for the client (a part of a long event, a comment) it can't take: no wait for that.
            guard exchange.server.bytesOut == sent, let call else { return }
            untaken -= count
            call.consume(count)
        case .collecting(var body, let status):
            state = .over
            guard body.readableBytes + count <= service.shared.maxAnswerBytes else {
                return giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
            }
            var bytes = bytes
            body.writeBuffer(&bytes)
            state = .collecting(body, status: status)
            call?.consume(count)
        // What follows the marker of the end.
        case .over: call?.consume(count)
        case .receiving, .waiting: break
        }
    }

    /// Passes the events in `bytes` on.
    private func relay(_ bytes: ByteBuffer) {
        var bytes = bytes
        var failure: APIError?
        var status = 200
        do {
            events: while let event = try parser.next(in: &bytes) {
                if let given = event.status { status = given }
                switch pass(event.data) {
                case .proceed: break
                case .done: break events
                case .fault:
                    failure = APIError(QwenFault(service.document, status: status))
                    break events
                case .malformed:
                    failure = APIError(.upstreamError, "Qwen sent an event that is not JSON.")
                    break events
                }
            }
        } catch {
            failure = APIError(.upstreamError, "Qwen sent an event that is too large.")
        }
        service.document.removeAll()
        if let failure { return breakOff(failure) }
        if stream.isDone { complete() }
    }

    private func pass(_ data: ByteBuffer) -> ChatStream.Action {
        guard exchange.server.hasResponded else {
            // The head waits for the first event: an error in its place can still have a status of its own.
            var first = ByteBuffer()
            let action = stream.receive(data, document: &service.document, into: &first)
            if first.readableBytes > 0 {
                exchange.beginStream(contentType: "text/event-stream; charset=utf-8")
                exchange.server.write { $0.writeBuffer(&first) }
            }
            return action
        }
        var action = ChatStream.Action.proceed
        exchange.server.write { output in
            action = stream.receive(data, document: &service.document, into: &output)
        }
        return action
    }

    func responseEnded() {
        call = nil
        switch state {
        case .streaming:
            state = .over
            // An error may come as the last event without its empty line.
            if case .incomplete(let last?) = parser.finish(), pass(last.data) == .fault {
                let fault = QwenFault(service.document, status: last.status ?? 200)
                return breakOff(APIError(fault))
            }
            var marker = ByteBuffer()
            guard stream.end(into: &marker) else {
                return breakOff(APIError(.upstreamTruncated, "Qwen ended its answer before it was complete."))
            }
            exchange.server.write { $0.writeBuffer(&marker) }
            exchange.server.end()
        case .collecting(let body, let status):
            state = .over
            deliver(body, status: status)
        case .receiving, .waiting, .over: break
        }
    }

    /// The marker of the end is passed on: the exchange is over, whatever else Qwen may send. The call goes on to its
    /// own end, a moment later: to cancel it would cost a good connection, or look like abuse.
    private func complete() {
        state = .over
        exchange.server.end()
    }

    /// Answers with a whole document that Qwen sent.
    private func deliver(_ body: ByteBuffer, status: Int) {
        defer { service.document.removeAll() }
        guard scan(body) else { return exchange.fail(notJSON(status), outcome: .upstreamError) }
        let root = service.document.root
        let isObject = service.document.kind(of: root) == .object
        let isFault = service.document.member("choices", of: root) == nil
        if status != 200 || (isObject && isFault) {
            return exchange.fail(APIError(QwenFault(service.document, status: status)), outcome: .upstreamError)
        }
        guard isObject, !isStreaming else {
            return exchange.fail(
                APIError(.upstreamError, "Qwen's answer has not the form that was asked for."),
                outcome: .upstreamError)
        }
        exchange.respond(200, contentType: "application/json", body: body)
    }

    /// Reads the answer into the document: JSON, or an error in the form of an event, which Qwen sends to those who
    /// asked for a stream.
    private func scan(_ body: ByteBuffer) -> Bool {
        if (try? service.document.scan(body)) != nil { return true }
        var events = EventStreamParser()
        var rest = body
        var event = try? events.next(in: &rest)
        if event == nil, case .incomplete(let last?) = events.finish() { event = last }
        guard let data = event?.data, (try? service.document.scan(data)) != nil else { return false }
        // An answer in events was not asked for: only an error is read out of it.
        return service.document.member("choices", of: service.document.root) == nil
    }

    /// An answer without JSON: an error page of something before Qwen.
    private func notJSON(_ status: Int) -> APIError {
        APIError(QwenFault(status: status == 200 ? 502 : status, code: nil, message: nil))
    }

    func responseFailed(_ error: UpstreamError) {
        call = nil
        if case .over = state { return }
        service.shared.logger.warning(
            "upstream call failed",
            metadata: ["request_id": "\(exchange.requestID)", "reason": "\(error.description)"])
        switch error.kind {
        case .reset, .protocolError:
            let hasBegun = exchange.server.hasResponded
            breakOff(APIError(error), outcome: hasBegun ? .upstreamTruncated : .upstreamError)
        case .connectTimeout, .firstByteTimeout, .idleTimeout: breakOff(APIError(error), outcome: .upstreamTimeout)
        case .connect, .tls: breakOff(APIError(error), outcome: .upstreamError)
        }
    }

    /// Gives up an answer that Qwen has not ended.
    private func giveUp(_ error: APIError) {
        call?.cancel()
        call = nil
        state = .over
        exchange.fail(error, outcome: .upstreamError)
    }

    /// Ends the answer with an error that the client can't miss: a status before the first byte, an error event and a
    /// broken stream after it.
    private func breakOff(_ error: APIError, outcome: Outcome? = nil) {
        call?.cancel()
        call = nil
        state = .over
        if exchange.server.hasResponded {
            var object = ByteBuffer()
            service.write(error, into: &object)
            exchange.server.write { EventStreamWriter.writeEvent(data: object, into: &$0) }
        }
        let truncated = error.code == .upstreamTruncated
        exchange.fail(error, outcome: outcome ?? (truncated ? .upstreamTruncated : .upstreamError))
    }

    // MARK: The client's pace

    func responseDrained() {
        guard untaken > 0, let call else { return }
        call.consume(untaken)
        untaken = 0
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        if stream.isDone, let call {
            service.loop.eventLoop.assumeIsolated().scheduleTask(in: Self.endOfResponseTime) { call.cancel() }
        } else {
            call?.cancel()
        }
        call = nil
        state = .over
        exchange.ended(end)
    }

    /// How long Qwen may take to end a response whose marker of the end has come.
    private static let endOfResponseTime = TimeAmount.seconds(2)
}
