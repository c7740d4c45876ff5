import EventStream
import HTTP
import JSON
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// One `POST /v1/embeddings`: as many calls as the model's limit makes of it, and one answer.
final class EmbeddingsExchange: GatewayExchangeHandler {
    let exchange: GatewayExchange
    private var body = RequestBody()
    private var request: EmbeddingRequest?
    private var assembler: EmbeddingAssembler?
    private var calls = PartCalls(count: 0)

    private var service: GatewayService { exchange.service }

    private init(_ exchange: GatewayExchange) {
        self.exchange = exchange
    }

    static func begin(_ exchange: GatewayExchange, _ head: RequestHead) -> any ExchangeHandler {
        if let error = JSONBody.refusal(of: head, limit: exchange.service.shared.maxBodyBytes) {
            exchange.fail(error, outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        return EmbeddingsExchange(exchange)
    }

    func bodyReceived(_ bytes: ByteBuffer) { body.receive(bytes, exchange) }
    func requestFailed(_ fault: RequestFault) { body.fail(fault, exchange) }
    func responseDrained() {}

    func requestEnded() {
        guard let text = body.end() else { return }
        defer { service.document.removeAll() }
        do throws(InvalidRequest) {
            let request = try EmbeddingRequest(
                text, document: &service.document, aliases: service.shared.aliases)
            self.request = request
            exchange.update { $0.model = request.model }
            assembler = EmbeddingAssembler(request, limit: largestAnswer)
            calls = PartCalls(count: request.calls.count)
        } catch {
            return exchange.fail(APIError(error), outcome: .rejected)
        }
        guard let request, exchange.reserve(request.model, bodies: { request.calls.indices.map(request.body) }) else {
            return
        }
        startCalls()
    }

    private func startCalls() {
        for part in calls.startNext(exchange, owner: self) { part.start(exchange, size: 64 * 1024) }
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        calls.cancelAll()
        exchange.ended(end)
    }

    private func giveUp(_ error: APIError) {
        calls.cancelAll()
        assembler = nil
        exchange.fail(error, outcome: .upstreamError)
    }
}

extension EmbeddingsExchange: PartCallOwner {
    var need: QwenProvider.Capability { .embeddings }
    var largestAnswer: Int { service.shared.maxAnswerBytes }

    func request(for part: PartCall, _ lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer) {
        exchange.called(with: lease)
        return (lease.provider.request(.post, EmbeddingRequest.path), request?.body(of: part.index) ?? ByteBuffer())
    }

    func answerBegan(_ part: PartCall, _ head: ResponseHead) {
        exchange.update { $0.upstreamStatus = head.status }
    }

    /// Nobody asked for events: they hold an error.
    func received(_ event: ServerSentEvent, _ part: PartCall) -> Bool {
        defer { service.document.removeAll() }
        part.call?.reject(
            QwenFault(event, document: &service.document)
                ?? QwenFault(kind: .server, message: "Qwen answered with events in place of embeddings."))
        return false
    }

    func eventsCutOff(_ last: ServerSentEvent?, _ part: PartCall) {
        if let last { _ = received(last, part) } else { eventsEnded(part) }
    }

    func eventsEnded(_ part: PartCall) { part.call?.reject(.truncated) }
    func consume(_ bytes: Int, _ part: PartCall) { part.call?.consume(bytes) }

    func received(_ document: ByteBuffer, _ part: PartCall) {
        defer { service.document.removeAll() }
        do throws(EmbeddingAssembler.Fault) {
            guard assembler != nil else { return }
            try assembler?.receive(document, call: part.index, document: &service.document)
        } catch {
            switch error {
            case .upstream:
                part.call?.reject(
                    QwenFault(
                        body: document, status: 200, fields: HeaderFields(), unixTime: WallTime.now().seconds))
            case .malformed: giveUp(APIError(.upstreamError, "Qwen's embeddings are not what was asked for."))
            case .tooLarge: giveUp(APIError(.upstreamError, "Qwen's answer is too large."))
            }
            return
        }
        part.complete()
        calls.remove(part)
        guard assembler?.isComplete == true else { return startCalls() }
        var answer = ByteBuffer()
        exchange.account(assembler?.usage)
        guard assembler?.finish(into: &answer) == true else {
            return giveUp(APIError(.upstreamError, "Qwen's embeddings can not be put together."))
        }
        exchange.respond(200, contentType: "application/json", body: answer)
    }

    func failed(_ part: PartCall, _ failure: QwenCallFailure) {
        calls.remove(part)
        giveUp(APIError(failure))
    }
}
