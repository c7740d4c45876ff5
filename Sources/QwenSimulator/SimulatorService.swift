import HTTP
import JSON
import NIOCore
import Synchronization
import Transport

/// The simulator on one event loop.
final class SimulatorService: ExchangeService {
    let counters: Counters
    private let loop: LoopContext
    private let apiKey: String?
    private var ids = 0

    init(loop: LoopContext, apiKey: String?, counters: Counters) {
        self.loop = loop
        self.apiKey = apiKey
        self.counters = counters
    }

    func exchange(_ exchange: ServerExchange, began head: RequestHead, hasBody: Bool) -> any ExchangeHandler {
        let path = head.path.prefix { $0 != "?" }
        if head.method == "GET", path == "/_simulator/stats" {
            respond(exchange, status: 200, counters.json())
            return SimulatorExchange(self, exchange, answers: false)
        }
        guard head.method == "POST", path.hasSuffix("/chat/completions") else {
            let message = ByteBuffer(
                string: #"{"code":"Not Found","message":"Not support","request_id":"\#(nextID())"}"#)
            respond(exchange, status: 404, message)
            return SimulatorExchange(self, exchange, answers: false)
        }
        if let apiKey, head.fields["authorization"] != "Bearer \(apiKey)" {
            respond(exchange, status: 401, ChatScript.error(status: 401, requestID: nextID()))
            return SimulatorExchange(self, exchange, answers: false)
        }
        return SimulatorExchange(self, exchange, answers: true)
    }

    func exchange(_ exchange: ServerExchange, refused fault: RequestFault) -> any ExchangeHandler {
        respond(exchange, status: fault.status, ByteBuffer(string: fault.message))
        return SimulatorExchange(self, exchange, answers: false)
    }

    func connectionFailed(_ connection: ServerConnection, _ reason: String) {}

    func head(status: Int, contentType: String) -> ResponseHead {
        var fields = HeaderFields()
        fields.append("content-type", contentType)
        fields.append("x-request-id", nextID())
        fields.append("server", "istio-envoy")
        return ResponseHead(status: status, fields: fields)
    }

    func respond(_ exchange: ServerExchange, status: Int, _ body: ByteBuffer) {
        guard !exchange.hasResponded else { return }
        var head = head(status: status, contentType: "application/json")
        head.contentLength = body.readableBytes
        exchange.respond(head, end: false)
        exchange.write { $0.writeImmutableBuffer(body) }
        exchange.end()
    }

    /// An identifier in the form of Qwen's.
    func nextID() -> String {
        ids += 1
        let digits = String(ids, radix: 16)
        let tail = String(repeating: "0", count: 12 - min(12, digits.utf8.count)) + digits
        return "chatcmpl-6ada9ed2-7f33-9de2-8b\(loop.index % 10)0-\(tail)"
    }

    func now() -> Int { Int(loop.now.uptimeNanoseconds / 1_000_000_000) + 1_795_000_000 }
}

/// What became of the chat completion requests, over all event loops.
package final class Counters: Sendable {
    /// A reading of the counters.
    package struct Reading: Sendable, Equatable {
        package var started = 0
        package var completed = 0
        package var cancelled = 0
        package var active: Int { started - completed - cancelled }
    }

    private let reading = Mutex(Reading())

    func started() { reading.withLock { $0.started += 1 } }

    func ended(completed: Bool) {
        reading.withLock { if completed { $0.completed += 1 } else { $0.cancelled += 1 } }
    }

    package func read() -> Reading { reading.withLock { $0 } }

    func json() -> ByteBuffer {
        let now = read()
        return ByteBuffer(
            string: #"{"active":\#(now.active),"started":\#(now.started),"completed":\#(now.completed),"#
                + #""cancelled":\#(now.cancelled)}"#)
    }
}
