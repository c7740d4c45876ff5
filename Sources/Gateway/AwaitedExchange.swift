import HTTP
import NIOCore
import Telemetry
import Transport

/// An answer that the control plane gave, as a JSON document.
struct ControlAnswer: Sendable {
    var status = 200
    var body = ByteBuffer()
    var contentType: StaticString = "application/json"
    /// Beyond those of every answer.
    var fields = HeaderFields()
    /// In place of the body.
    var error: APIError?
}

/// An exchange whose answer the control plane is asked for; the client's request has no body of interest.
final class AwaitedExchange: GatewayExchangeHandler {
    let exchange: GatewayExchange
    private var task: Task<Void, Never>?

    /// Asks for the answer at once. A client that leaves cancels the question.
    init(_ exchange: GatewayExchange, _ question: @escaping @Sendable () async -> ControlAnswer) {
        self.exchange = exchange
        let eventLoop = exchange.service.loop.eventLoop
        let waiting = NIOLoopBound(self, eventLoop: eventLoop)
        task = Task {
            let answer = await question()
            waiting.execute { $0.answer(answer) }
        }
    }

    private func answer(_ answer: ControlAnswer) {
        exchange.service.loop.updateTime()
        if let error = answer.error { return exchange.fail(error, outcome: .rejected) }
        exchange.respond(answer.status, contentType: answer.contentType, body: answer.body, answer.fields)
    }

    func bodyReceived(_ bytes: ByteBuffer) {}
    func requestEnded() {}
    func requestFailed(_ fault: RequestFault) {}
    func responseDrained() {}

    func exchangeEnded(_ end: ExchangeEnd) {
        task?.cancel()
        task = nil
        exchange.ended(end)
    }
}
