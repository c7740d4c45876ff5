import Admission
import HTTP
import JSON
import Logging
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// One event loop's gateway: it admits requests, routes them, and starts what answers them.
final class GatewayService: ExchangeService {
    typealias Shared = GatewayShared

    /// Who is served.
    enum Audience: Sendable, Equatable {
        /// Clients, on the public address.
        case clients
        /// The operator, on the admin address. Where that is no loopback address a key is asked for.
        case operators(needsKey: Bool)
    }

    let shared: Shared
    let loop: LoopContext
    let dispatcher: QwenDispatcher
    /// What the loop counts, on whichever address.
    var metrics: LoopMetrics { dispatcher.metrics }
    private let keeper: CredentialKeeper
    let audience: Audience
    /// Scratch for the document that is being read: a request's, or an event's.
    var document = JSONDocument()
    let gate: AdmissionGate
    private let accessLog: AccessLog
    /// What the console shows.
    var failures = RecentFailures()
    private var requestIDs = RequestIDGenerator()
    private var dateCache = HTTPDate()
    /// For addresses that fail to authenticate.
    var backOffLines = LineAllowance()
    /// For connections that are refused.
    private var refusalLines = LineAllowance()

    init(
        shared: Shared, loop: LoopContext, dispatcher: QwenDispatcher, keeper: CredentialKeeper, gate: AdmissionGate,
        audience: Audience, accessLog: AccessLog
    ) {
        self.shared = shared
        self.loop = loop
        self.dispatcher = dispatcher
        self.keeper = keeper
        self.audience = audience
        self.accessLog = accessLog
        self.gate = gate
        loop.onTick { [accessLog] now in accessLog.tick(now: now) }
        loop.onShutdown { [accessLog] in accessLog.flush() }
    }

    /// The value of a Date field (RFC 9110 §6.6.1), made once a second.
    var httpDate: String { dateCache.text(at: WallTime.now().seconds) }

    /// An error as the client is to see it. Qwen's words can quote the credential that it was called with.
    func redacted(_ error: APIError) -> APIError {
        var error = error
        error.message = shared.redactor.redact(error.message)
        error.clientCode = error.clientCode.map { shared.redactor.redact($0) }
        return error
    }

    func log(_ record: borrowing AccessRecord) {
        accessLog.append(record, now: loop.now)
    }

    // MARK: Requests

    func exchange(_ server: ServerExchange, began head: RequestHead, hasBody: Bool) -> any ExchangeHandler {
        let exchange = makeExchange(server, head)
        var (route, access) = Router.route(head.path)
        if case .operators(let needsKey) = audience {
            if !needsKey, !AdminHost.isAcceptable(head.authority) {
                return refuse(exchange, APIError(.adminOnly, AdminHost.explanation))
            }
            // A page of another site in the operator's browser can ask, though not read: asking alone begins a login.
            // The page itself holds nothing, so that links may lead to it.
            if head.fields.isValue("cross-site", of: "sec-fetch-site"), route != .root {
                return refuse(exchange, APIError(.adminOnly, "Other sites have no business with the admin address."))
            }
            route = Router.adminRoute(head.path)
            access = needsKey && access != .everyone ? .administrator : .everyone
        }
        exchange.route = route
        if audience == .clients, let answered = answerBrowsers(exchange, head) { return answered }
        if let route { exchange.errorShape = route.errorShape }
        if access != .everyone, let error = admit(exchange, head, access) { return refuse(exchange, error) }
        guard let route else {
            return refuse(
                exchange,
                APIError(.unknownURL, "Unknown request URL: \(head.method) \(Router.path(of: head.path))."))
        }
        guard route.allows(head.method) else { return refuseMethod(exchange, head.method, route) }
        if hasBody, !RequestBody.hasRoom(for: head, exchange) { return refuse(exchange, exchange.outOfMemory()) }
        switch route {
        case .chatCompletions: return RelayExchange.begin(exchange, head) { ChatDialect($0) }
        case .responses: return RelayExchange.begin(exchange, head) { ResponsesDialect($0) }
        case .messages, .countTokens: return beginAnthropic(exchange, head, route)
        case .completions: return CompletionsExchange.begin(exchange, head)
        case .embeddings: return EmbeddingsExchange.begin(exchange, head)
        case .storedResponse, .responseInput, .cancelResponse: return answerStored(exchange, head, route)
        case .models, .model: return answerModels(exchange, head, route)
        case .root where ConsolePage.isWanted(by: head.fields): return ConsolePage.answer(exchange, head, .page)
        case .root: return answer(exchange, StatusPage.root, vary: "Accept")
        case .console(let file): return ConsolePage.answer(exchange, head, file)
        case .consoleState:
            return AwaitedExchange(exchange) { [shared, keeper] in await ConsoleReport.answer(shared, keeper) }
        case .health: return answer(exchange, StatusPage.health)
        case .auth:
            let begins = head.method == "GET"
            return AwaitedExchange(exchange) { [keeper] in await keeper.answerAuth(beginsLogin: begins) }
        case .metrics:
            return AwaitedExchange(exchange) { [shared, keeper] in await MetricsReport.answer(shared, keeper) }
        case .detailedHealth:
            let uptime = loop.now - shared.started
            return AwaitedExchange(exchange) { [keeper] in await keeper.answerHealth(uptime: uptime) }
        }
    }

    /// What Anthropic's clients ask for. They must say which version they speak.
    private func beginAnthropic(
        _ exchange: GatewayExchange, _ head: RequestHead, _ route: Route
    ) -> any ExchangeHandler {
        do throws(InvalidRequest) {
            try MessagesVersion.check(head.fields["anthropic-version"])
        } catch {
            return refuse(exchange, APIError(error))
        }
        if route == .messages { return RelayExchange.begin(exchange, head) { MessagesDialect($0) } }
        return DocumentExchange.begin(exchange, head) { (body, document) throws(InvalidRequest) in
            var answer = ByteBuffer()
            try MessagesTokenCount(body, document: &document).write(into: &answer)
            return answer
        }
    }

    private func answerModels(_ exchange: GatewayExchange, _ head: RequestHead, _ route: Route) -> any ExchangeHandler {
        let isAnthropic = head.fields["anthropic-version"] != nil
        if isAnthropic { exchange.errorShape = .anthropic }
        let page: AnthropicModelPage?
        do throws(InvalidRequest) {
            page = isAnthropic ? try AnthropicModelPage(query: Router.query(of: head.path)) : nil
        } catch {
            return refuse(exchange, APIError(error))
        }
        let models = exchange.admitted?.client.models
        return AwaitedExchange(exchange) { [keeper, shared] in
            var catalog = await keeper.modelCatalog()
            if let models, !models.allowsAll {
                catalog = catalog.only { models.allows(ModelName(shared.aliases.resolve($0)).plain) }
            }
            var body = ByteBuffer()
            do throws(InvalidRequest) {
                switch (route, page) {
                case (.model(let id), _):
                    guard let entry = catalog.entry(id) else { return ControlAnswer(error: .unknownModel(id)) }
                    if isAnthropic { entry.writeAnthropic(into: &body) } else { entry.write(into: &body) }
                case (_, let page?): try page.write(catalog, into: &body)
                case (_, nil): body = catalog.list
                }
            } catch {
                return ControlAnswer(error: APIError(error))
            }
            return ControlAnswer(body: body)
        }
    }

    func exchange(_ server: ServerExchange, refused fault: RequestFault) -> any ExchangeHandler {
        let exchange = GatewayExchange(
            service: self, server: server, record: makeRecord(server, requestID: requestIDs.next()))
        return refuse(exchange, APIError(fault))
    }

    func exchange(_ server: ServerExchange, declined head: RequestHead) -> any ExchangeHandler {
        let exchange = makeExchange(server, head)
        exchange.route = Router.route(head.path).route
        if let route = exchange.route { exchange.errorShape = route.errorShape }
        exchange.update { $0.refusal = ConnectionFault.Reason.connectionLimit.rawValue }
        return refuse(exchange, APIError(RequestFault.tooManyConnections))
    }

    func connectionRefused(_ reason: ConnectionFault.Reason, from address: NetworkAddress?) {
        metrics.refused(reason.rawValue)
        // A flood does not fill the log.
        guard refusalLines.take(now: loop.now) else { return }
        shared.logger.warning(
            "a connection was refused",
            metadata: ["client": "\(address?.description ?? "-")", "reason": "\(reason.rawValue)"])
    }

    func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault) {
        let reason = fault.reason.rawValue
        if fault.reason == .tlsHandshake { metrics.handshakeFailed(reason) } else { metrics.refused(reason) }
        shared.logger.debug(
            "connection failed",
            metadata: [
                "client": "\(connection.clientAddressText)", "reason": "\(fault.reason.rawValue)",
                "error": "\(fault.message)",
            ])
    }

    func refuse(_ exchange: GatewayExchange, _ error: APIError) -> any ExchangeHandler {
        exchange.fail(error, outcome: .rejected)
        return AnsweredExchange(exchange)
    }

    private func refuseMethod(_ exchange: GatewayExchange, _ method: String, _ route: Route) -> any ExchangeHandler {
        let error = APIError(.methodNotAllowed, "\(method) is not allowed here. Use \(route.allowedMethods).")
        var fields = HeaderFields()
        fields.append("allow", route.allowedMethods)
        var body = ByteBuffer()
        exchange.write(error, into: &body)
        exchange.outcome = .rejected
        exchange.update { $0.errorCode = error.code.rawValue }
        exchange.respond(error.status, contentType: "application/json", body: body, fields)
        return AnsweredExchange(exchange)
    }

    /// - Parameter vary: the request's fields that the answer depends on.
    private func answer(
        _ exchange: GatewayExchange, _ body: StaticString, vary: StaticString? = nil
    ) -> any ExchangeHandler {
        var buffer = ByteBuffer()
        buffer.writeStaticString(body)
        var fields = HeaderFields()
        if let vary { fields.append("vary", vary) }
        exchange.respond(200, contentType: "application/json", body: buffer, fields)
        return AnsweredExchange(exchange)
    }

    private func makeExchange(_ server: ServerExchange, _ head: RequestHead) -> GatewayExchange {
        let requestID: String
        if let given = head.fields["x-request-id"], RequestID.isAcceptable(given) {
            requestID = given
        } else {
            requestID = requestIDs.next()
        }
        var record = makeRecord(
            server, requestID: requestID, method: head.method, path: Router.path(of: head.path),
            version: head.version.rawValue)
        if let parent = head.fields["traceparent"] {
            record.trace = TraceContext(parent: parent, state: head.fields["tracestate"])
        }
        let exchange = GatewayExchange(service: self, server: server, record: record)
        if audience == .clients { exchange.browserFields = browserFields(server, head) }
        return exchange
    }

    /// - Parameters: what is known of the request; nothing is of one that was refused unread.
    private func makeRecord(
        _ server: ServerExchange, requestID: String, method: String = "-", path: String = "-", version: String = "-"
    ) -> AccessRecord {
        AccessRecord(
            time: WallTime.now(), requestID: requestID, client: server.clientAddressText, method: method, path: path,
            httpVersion: version, tlsVersion: server.connection?.tlsVersion, duration: .zero, outcome: .completed)
    }
}

/// The answers to `GET /` and `GET /health`.
enum StatusPage {
    static let root: StaticString = """
        {"name":"qwen-gateway","version":"0.1.0","endpoints":["/v1/chat/completions","/v1/completions","/v1/responses",\
        "/v1/messages","/v1/messages/count_tokens","/v1/embeddings","/v1/models","/health"]}
        """
    static let health: StaticString = #"{"status":"ok"}"#
}
