import HTTP
import JSON
import NIOCore
import Transport

/// One request to the simulator: takes its body, and has it answered by what its route names.
final class SimulatorExchange: ExchangeHandler {
    private let service: SimulatorService
    private let exchange: ServerExchange
    private let head: RequestHead
    private let route: Route
    private let caller: SimulatorService.Caller
    private let behaviour: SimulatorBehaviour
    private var body = ByteBuffer()
    private var responder: ChatResponder?
    private var timer: Scheduled<Void>?
    /// Nothing is left to answer.
    var isAnswered = false
    private var isRecorded = false
    /// The call is counted, and in the books of its key.
    private var isCounted = false
    private var isBooked = false

    init(
        _ service: SimulatorService, _ exchange: ServerExchange, head: RequestHead, route: Route,
        caller: SimulatorService.Caller, behaviour: SimulatorBehaviour
    ) {
        self.service = service
        self.exchange = exchange
        self.head = head
        self.route = route
        self.caller = caller
        self.behaviour = behaviour
    }

    func bodyReceived(_ bytes: ByteBuffer) {
        var bytes = bytes
        exchange.consume(bytes.readableBytes)
        body.writeBuffer(&bytes)
    }

    func requestFailed(_ fault: RequestFault) {
        isAnswered = true
        var answer = Answer(status: fault.status, requestID: service.nextID())
        answer.body = ByteBuffer(string: fault.message)
        service.respond(exchange, answer)
    }

    func requestEnded() {
        record(isWhole: true)
        guard !isAnswered else { return }
        isAnswered = true
        if case .chat = route { return answerChat() }
        let answer = answer()
        guard answer.delay > 0 else { return service.respond(exchange, answer) }
        let loop = exchange.loop
        timer = loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(answer.delay))) { [self] in
            loop.updateTime()
            service.respond(exchange, answer)
        }
    }

    func responseDrained() {
        responder?.drained()
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        record(isWhole: false)
        timer?.cancel()
        responder?.stop()
        responder = nil
        if isBooked { service.state.ledger.end(caller.name) }
        if isCounted { service.state.counters.ended(completed: end == .completed) }
    }

    private func record(isWhole: Bool) {
        guard !isRecorded, route.isRecorded else { return }
        isRecorded = true
        service.state.recorder.record(head, body, isWhole: isWhole)
    }

    // MARK: Whole answers

    private func answer() -> Answer {
        let requestID = service.nextID()
        switch route {
        case .deviceCode, .token: return answerLogin(requestID)
        case .loginPage(let query): return loginPage(query, requestID)
        case .control(let path):
            return ControlEndpoint.answer(
                head, path: path, body: body, state: service.state, now: service.milliseconds(), requestID: requestID)
        case .counters:
            var answer = Answer(requestID: requestID)
            answer.body = service.state.counters.json()
            return answer
        case .models, .model: return answerModels(requestID)
        case .embeddings: return answerEmbeddings(requestID)
        case .wrongMethod:
            let path = head.path.split(separator: "?").first ?? ""
            return SimulatedError(
                refusing: "Method '\(head.method)' is not allowed for '\(path)'.", status: 405,
                code: "Method Not Allowed"
            ).answer(.flat, requestID: requestID)
        case .chat, .unknown:
            return SimulatedError(refusing: "Not support", status: 404, code: "Not Found")
                .answer(.flat, requestID: requestID)
        }
    }

    private func answerLogin(_ requestID: String) -> Answer {
        let login = behaviour.oauth
        if login.userAgent != .any, head.fields.firstIndex(of: "user-agent") == nil {
            return OAuthServer.page(Int(login.userAgent.rawValue) ?? 200, requestID)
        }
        let form = FormFields(String(buffer: body))
        let now = service.milliseconds()
        let authority = head.authority
        let isDevice = route == .deviceCode
        return service.state.withOAuth { server in
            isDevice
                ? server.authorize(form, login, authority: authority, now: now, requestID: requestID)
                : server.token(form, login, authority: authority, now: now, requestID: requestID)
        }
    }

    private func loginPage(_ query: String, _ requestID: String) -> Answer {
        let asked = FormFields(query)["user_code"]
        let now = service.milliseconds()
        // Codes that wait, and no text of the caller's, go into the page.
        let open = service.state.withOAuth { $0.openLogins(now: now) }
        return LoginPage.answer(userCodes: open.filter { asked == nil || $0 == asked }, requestID: requestID)
    }

    private func answerModels(_ requestID: String) -> Answer {
        if behaviour.listsModels {
            guard case .model(let name) = route else {
                return ModelList.answer(created: service.now(), requestID: requestID)
            }
            if let answer = ModelList.answer(model: name, created: service.now(), requestID: requestID) {
                return answer
            }
        }
        return SimulatedError(refusing: "Not support", status: 404, code: "Not Found")
            .answer(.flat, requestID: requestID)
    }

    private func answerEmbeddings(_ requestID: String) -> Answer {
        guard (try? service.document.scan(body)) != nil,
            service.document.kind(of: service.document.root) == .object
        else { return SimulatedError.ofStatus(400).answer(requestID: requestID) }
        defer { service.document.removeAll() }
        return Embeddings.answer(to: service.document, requestID: requestID)
    }

    // MARK: Chat

    private func answerChat() {
        isCounted = true
        service.state.counters.started()
        var calls = behaviour.calls
        if case .key(let key) = caller { calls = behaviour.keys[key] ?? calls }
        if service.keepsBooks {
            switch service.state.ledger.begin(caller.name, calls.admission) {
            case .serve(let asConfigured):
                isBooked = true
                if !asConfigured { calls.chat = ChatBehaviour() }
            case .refuse(let error): return refuse(error, retryAfter: calls.chat.retryAfter)
            }
        }
        guard (try? service.document.scan(body)) != nil,
            service.document.kind(of: service.document.root) == .object
        else { return refuse(SimulatedError.ofStatus(400)) }
        let request = ChatRequest(service.document)
        let fault = fault(in: request)
        service.document.removeAll()
        if let fault { return refuse(fault) }
        calls.chat.apply(message: request.lastUserMessage)
        let script = ChatScript(request, calls.chat, requestID: service.nextID(), created: service.now())
        let acceptsGzip = calls.chat.framing.gzip != .off && head.fields["accept-encoding"]?.contains("gzip") == true
        let responder = ChatResponder(service, exchange, script, acceptsGzip: acceptsGzip)
        self.responder = responder
        responder.start()
    }

    private func fault(in request: ChatRequest) -> SimulatedError? {
        if behaviour.validates, let fault = ChatValidation.fault(in: service.document, request) { return fault }
        if caller == .portal { return PortalRules.fault(in: service.document, request, behaviour.portal) }
        guard behaviour.checksModel, !ModelFacts.listed.contains(request.model) else { return nil }
        return SimulatedError(
            refusing: "The model \(request.model) does not exist or you do not have access to it.", status: 404,
            code: "model_not_found")
    }

    private func refuse(_ error: SimulatedError, retryAfter: Int? = nil) {
        var answer = error.answer(requestID: service.nextID())
        if let retryAfter { answer.fields.append(("retry-after", "\(retryAfter)")) }
        service.respond(exchange, answer)
    }
}
