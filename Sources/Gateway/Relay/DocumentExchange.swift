import HTTP
import JSON
import NIOCore
import Telemetry
import Translation
import Transport

/// A request with a JSON body that the gateway answers by itself, from that body alone.
final class DocumentExchange: GatewayExchangeHandler {
    /// Makes the answer of the body.
    typealias Answer = (_ body: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ByteBuffer

    let exchange: GatewayExchange
    private let answer: Answer
    private var body = RequestBody()

    private init(_ exchange: GatewayExchange, _ answer: @escaping Answer) {
        self.exchange = exchange
        self.answer = answer
    }

    static func begin(
        _ exchange: GatewayExchange, _ head: RequestHead, _ answer: @escaping Answer
    ) -> any ExchangeHandler {
        if let error = JSONBody.refusal(of: head, limit: exchange.service.shared.maxBodyBytes) {
            exchange.fail(error, outcome: .rejected)
            return AnsweredExchange(exchange)
        }
        return DocumentExchange(exchange, answer)
    }

    func bodyReceived(_ bytes: ByteBuffer) { body.receive(bytes, exchange) }

    func requestEnded() {
        guard let text = body.end() else { return }
        let service = exchange.service
        defer { service.document.removeAll() }
        do throws(InvalidRequest) {
            exchange.respond(200, contentType: "application/json", body: try answer(text, &service.document))
        } catch {
            exchange.fail(APIError(error), outcome: .rejected)
        }
    }

    func requestFailed(_ fault: RequestFault) { body.fail(fault, exchange) }
    func responseDrained() {}
    func exchangeEnded(_ end: ExchangeEnd) { exchange.ended(end) }
}

/// A request's body while it arrives.
struct RequestBody {
    /// Nil once the request is whole, or was answered.
    private var bytes: ByteBuffer? = ByteBuffer()

    /// Whether the memory budget has room for the body that a request announces; of one that announces none, for the
    /// least that it can be.
    static func hasRoom(for head: RequestHead, _ exchange: GatewayExchange) -> Bool {
        let length = head.fields.decimal("content-length") ?? 1
        // What is larger than a body may be is refused for that.
        return length > exchange.service.shared.maxBodyBytes || exchange.server.hasRoom(for: length)
    }

    /// Whether it is still arriving.
    var isArriving: Bool { bytes != nil }

    /// Takes a piece in, and makes room for the next; one that is too much is answered.
    mutating func receive(_ piece: ByteBuffer, _ exchange: GatewayExchange) {
        guard var body = bytes else { return }
        bytes = nil
        let limit = exchange.service.shared.maxBodyBytes
        guard body.readableBytes + piece.readableBytes <= limit else {
            return exchange.fail(JSONBody.tooLarge(limit), outcome: .rejected)
        }
        guard exchange.server.holdRequest(body.readableBytes + piece.readableBytes) else {
            return exchange.fail(exchange.outOfMemory(), outcome: .rejected)
        }
        var piece = piece
        exchange.server.consume(piece.readableBytes)
        // A copy, and not the piece itself: that is a slice of the loop's buffer, which as long as someone holds on to
        // a part of it has to be replaced, 64 KiB at a time.
        body.writeBuffer(&piece)
        bytes = body
    }

    /// The body, once the request is whole; nil where it was answered already.
    mutating func end() -> ByteBuffer? {
        defer { bytes = nil }
        return bytes
    }

    /// The request broke the rules before its end.
    mutating func fail(_ fault: RequestFault, _ exchange: GatewayExchange) {
        guard bytes != nil else { return }
        bytes = nil
        exchange.fail(APIError(fault), outcome: fault.status == 408 ? .timeout : .rejected)
    }
}
