import Glibc
import HTTP
import JSON
import NIOCore
import Transport

/// The simulator on one event loop.
final class SimulatorService: ExchangeService {
    /// Who calls, as the Authorization field says.
    enum Caller: Equatable {
        case anyone
        case key(String)
        /// The holder of an access token.
        case portal

        /// The name under which the calls are counted.
        var name: String {
            switch self {
            case .anyone: ""
            case .key(let key): key
            case .portal: "portal"
            }
        }
    }

    let state: SimulatorState
    /// The document of the request that is being read.
    var document = JSONDocument()
    private let loop: LoopContext
    private var ids = 0
    private var dates = HTTPDate()
    private var generation: Int
    private var behaviour: SimulatorBehaviour
    /// Whether calls are counted per key.
    private(set) var keepsBooks = false

    init(loop: LoopContext, state: SimulatorState) {
        self.loop = loop
        self.state = state
        generation = state.currentGeneration
        behaviour = state.readBehaviour()
        keepsBooks = Self.keepsBooks(behaviour, state)
    }

    private static func keepsBooks(_ behaviour: SimulatorBehaviour, _ state: SimulatorState) -> Bool {
        state.apiKey != nil || !behaviour.keys.isEmpty || behaviour.calls.admission != AdmissionBehaviour()
    }

    /// The behaviour for a request that begins now.
    func currentBehaviour() -> SimulatorBehaviour {
        let current = state.currentGeneration
        if current != generation {
            generation = current
            behaviour = state.readBehaviour()
            keepsBooks = Self.keepsBooks(behaviour, state)
        }
        return behaviour
    }

    // MARK: Exchanges

    func exchange(_ exchange: ServerExchange, began head: RequestHead, hasBody: Bool) -> any ExchangeHandler {
        let route = Route(method: head.method, target: head.path)
        let behaviour = currentBehaviour()
        var caller = Caller.anyone
        var isAnswered = false
        if route.needsKey {
            switch identify(head, behaviour) {
            case .success(let found): caller = found
            case .failure(let refusal):
                isAnswered = true
                respond(exchange, refusal.error.answer(requestID: nextID()))
            }
        }
        let handler = SimulatorExchange(
            self, exchange, head: head, route: route, caller: caller, behaviour: behaviour)
        if isAnswered { handler.isAnswered = true }
        return handler
    }

    func exchange(_ exchange: ServerExchange, refused fault: RequestFault) -> any ExchangeHandler {
        var answer = Answer(status: fault.status, requestID: nextID())
        answer.body = ByteBuffer(string: fault.message)
        respond(exchange, answer)
        return RefusedExchange()
    }

    func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault) {}

    // MARK: Keys

    private struct Refusal: Error {
        var error: SimulatedError

        init(_ name: String) {
            error = SimulatedError.named(name) ?? SimulatedError.ofStatus(401)
        }
    }

    private func identify(_ head: RequestHead, _ behaviour: SimulatorBehaviour) -> Result<Caller, Refusal> {
        let field = head.fields.firstIndex(of: "authorization")
        let isPortal = head.path.utf8.starts(with: "/v1/".utf8)
        if let field, head.fields.hasPrefix("bearer qat-", at: field) {
            let token = String(head.fields.value(at: field).dropFirst("Bearer ".utf8.count))
            let now = milliseconds()
            let isLive = state.withOAuth { $0.state(of: token, now: now) } == .live
            guard isPortal else { return .failure(Refusal("invalid-key")) }
            return isLive ? .success(.portal) : .failure(Refusal("invalid-token"))
        }
        if isPortal, behaviour.portal.access == .tokens { return .failure(Refusal("invalid-token")) }
        guard state.apiKey != nil || !behaviour.keys.isEmpty else { return .success(.anyone) }
        guard let field else { return .failure(Refusal("no-key")) }
        let value = head.fields.value(at: field)
        guard value.hasPrefix("Bearer ") else { return .failure(Refusal("invalid-key")) }
        let key = String(value.dropFirst("Bearer ".utf8.count))
        let isKnown = key == state.apiKey || behaviour.keys[key] != nil
        return isKnown ? .success(.key(key)) : .failure(Refusal("invalid-key"))
    }

    // MARK: Responses

    func head(_ answer: Answer) -> ResponseHead {
        var fields = HeaderFields()
        if let contentType = answer.contentType { fields.append("content-type", contentType) }
        fields.append("x-request-id", answer.requestID)
        fields.append("date", dates.text(at: Int64(time(nil)) + Int64(behaviour.clockSkew)))
        fields.append("server", "istio-envoy")
        if behaviour.sendsEdgeFields { appendEdgeFields(to: &fields) }
        for (name, value) in answer.fields { fields.append(name: name, value: value) }
        return ResponseHead(status: answer.status, fields: fields)
    }

    /// What Qwen's edge adds, and nobody behind the gateway should see.
    private func appendEdgeFields(to fields: inout HeaderFields) {
        let arrival = String(now() * 1000)
        fields.append("x-dashscope-call-gateway", "true")
        fields.append("x-dashscope-timeout", "180")
        fields.append("x-dashscope-finished", "true")
        fields.append("req-cost-time", "12")
        fields.append("req-arrive-time", arrival)
        fields.append("resp-start-time", arrival)
        fields.append("x-envoy-upstream-service-time", "11")
        fields.append("eagleeye-traceid", "0b5a3c8d17950000000000001e")
        fields.append("set-cookie", "acw_tc=0b5a3c8d1795;path=/;HttpOnly;Max-Age=1800")
        fields.append(
            "vary", "Origin,Access-Control-Request-Method,Access-Control-Request-Headers, Accept-Encoding")
    }

    func respond(_ exchange: ServerExchange, _ answer: Answer) {
        guard !exchange.hasResponded else { return }
        var head = head(answer)
        head.contentLength = answer.body.readableBytes
        exchange.respond(head, end: false)
        exchange.write { $0.writeImmutableBuffer(answer.body) }
        exchange.end()
    }

    /// An identifier in the form of Qwen's.
    func nextID() -> String {
        ids += 1
        let digits = String(ids, radix: 16)
        let tail = String(repeating: "0", count: 12 - min(12, digits.utf8.count)) + digits
        return "6ada9ed2-7f33-9de2-8b\(loop.index % 10)0-\(tail)"
    }

    /// Seconds since 1970, more or less: the time goes on as the clock does, from a date that was.
    func now() -> Int { Int(loop.now.uptimeNanoseconds / 1_000_000_000) + 1_795_000_000 }

    /// The time that tokens are measured by.
    func milliseconds() -> Int { Int(loop.now.uptimeNanoseconds / 1_000_000) }
}

/// A request that was refused before it could be understood.
private final class RefusedExchange: ExchangeHandler {
    func bodyReceived(_ bytes: ByteBuffer) {}
    func requestEnded() {}
    func requestFailed(_ fault: RequestFault) {}
    func responseDrained() {}
    func exchangeEnded(_ end: ExchangeEnd) {}
}
