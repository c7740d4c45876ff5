import Admission
import HTTP
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport

/// What every exchange has, whatever it is about: an identifier, its line in the access log, and the ways to answer.
final class GatewayExchange {
    let service: GatewayService
    let server: ServerExchange
    private(set) var record: AccessRecord
    /// How the client's errors look.
    var errorShape = ErrorShape.openAI
    /// Nil for a path that is none.
    var route: Route?
    /// Set by who knows better than the client's side how the exchange went.
    var outcome: Outcome?
    /// Whose request it is, once it was let in, and what is set aside for it.
    var admitted: Admission?
    /// How the client's limits stand: every answer to it says so.
    var limits = LimitReport()
    /// Events that were passed on: of an answer that is cut short more is not known.
    var passedEvents = 0
    /// Whether the exchange gets a line in the access log.
    var isLogged = true
    /// What browsers are told: made once for all exchanges.
    var browserFields: (security: HeaderFields, cors: HeaderFields)?
    /// Bytes of answers that were put together so far.
    var held = 0
    private var firstByte: NIODeadline?

    init(service: GatewayService, server: ServerExchange, record: consuming AccessRecord) {
        self.service = service
        self.server = server
        self.record = record
    }

    var requestID: String { record.requestID }

    /// Whose requests take turns with others': the name of the client's key, or its address where it needs none.
    var clientKey: String { record.key ?? record.client }

    /// What the exchange's dialect needs of the gateway.
    var dialectContext: DialectContext {
        DialectContext(
            requestID: requestID, clientKey: clientKey, created: Int(record.time.seconds), now: service.loop.now,
            shared: service.shared)
    }

    /// Appends an error in the shape of the exchange's dialect.
    func write(_ error: APIError, into output: inout ByteBuffer) {
        switch errorShape {
        case .openAI: error.write(into: &output)
        case .anthropic:
            MessagesError.write(
                status: error.status, message: error.message, code: error.clientCode ?? error.code.rawValue,
                requestID: requestID, into: &output)
        }
    }

    /// Notes that Qwen is called.
    func called(with lease: CredentialLease) {
        record.credential = lease.credential.name
        record.attempts = (record.attempts ?? 0) + 1
    }

    /// Notes what the answer has cost.
    func account(_ usage: TokenUsage?) {
        record.promptTokens = usage?.prompt
        record.completionTokens = usage?.completion
    }

    /// Counts what is kept of an answer until it is whole.
    func hold(_ count: Int) {
        held += count
        server.holdAnswer(held)
    }

    func update(_ body: (inout AccessRecord) -> Void) {
        body(&record)
    }

    // MARK: Answering

    /// Sends a response whose body is at hand.
    func respond(_ status: Int, contentType: StaticString?, body: ByteBuffer, _ fields: HeaderFields = HeaderFields()) {
        guard !server.hasResponded else { return }
        var head = ResponseHead(status: status, contentLength: status == 204 ? nil : body.readableBytes)
        reserveFields(of: &head)
        head.fields.append(contentsOf: fields)
        appendCommonFields(contentType, to: &head.fields)
        begin(head, end: body.readableBytes == 0)
        guard body.readableBytes > 0 else { return }
        server.write { output in
            var body = body
            if output.readableBytes == 0 { output = body } else { output.writeBuffer(&body) }
        }
        server.end()
    }

    /// Tells the client that what it has is what it asks for (RFC 9110 §15.4.5).
    func respondNotModified(_ fields: HeaderFields) {
        guard !server.hasResponded else { return }
        var head = ResponseHead(status: 304, fields: fields)
        head.fields.append("x-request-id", record.requestID)
        head.fields.append("date", service.httpDate)
        begin(head, end: true)
    }

    /// Starts a response whose body follows piece by piece.
    func beginStream(contentType: StaticString) {
        var head = ResponseHead(status: 200)
        reserveFields(of: &head)
        appendCommonFields(contentType, to: &head.fields)
        head.fields.append("cache-control", "no-cache")
        begin(head, end: false)
    }

    /// Answers with an error, or, when an answer is under way already, breaks it off so that nobody takes it for whole.
    func fail(_ error: APIError, outcome: Outcome) {
        if self.outcome == nil { self.outcome = outcome }
        record.errorCode = error.code.rawValue
        guard !server.hasResponded else {
            server.abort()
            return
        }
        var fields = HeaderFields()
        error.appendFields(to: &fields)
        var body = ByteBuffer()
        write(service.redacted(error), into: &body)
        respond(error.status, contentType: "application/json", body: body, fields)
    }

    /// Notes that there is no memory for the request; what its client is told.
    func outOfMemory() -> APIError {
        record.refusal = ConnectionFault.Reason.memoryBudget.rawValue
        return .outOfMemory
    }

    private func begin(_ head: ResponseHead, end: Bool) {
        record.status = head.status
        firstByte = service.loop.now
        server.respond(head, end: end)
    }

    /// Takes the memory of what most answers carry at once.
    private func reserveFields(of head: inout ResponseHead) {
        head.fields.reserve(
            fields: 6 + LimitReport.fieldCount + SecurityFields.fieldCount,
            bytes: 192 + LimitReport.byteCount + SecurityFields.byteCount)
    }

    private func appendCommonFields(_ contentType: StaticString?, to fields: inout HeaderFields) {
        if let contentType { fields.append("content-type", contentType) }
        fields.append("x-request-id", record.requestID)
        if errorShape == .anthropic { fields.append("request-id", record.requestID) }
        fields.append("date", service.httpDate)
        limits.append(to: &fields)
        guard let browserFields else { return }
        // A page says for itself what it is made of.
        if fields.firstIndex(of: "content-security-policy") == nil {
            fields.append(contentsOf: browserFields.security)
        } else if let lasting = browserFields.security["strict-transport-security"] {
            fields.append("strict-transport-security", lasting)
        }
        fields.append(contentsOf: browserFields.cors)
    }

    // MARK: The end

    /// Writes the exchange's line to the access log.
    func ended(_ end: ExchangeEnd) {
        settle()
        let now = service.loop.now
        record.bytesIn = server.bytesIn
        record.bytesOut = server.bytesOut
        record.duration = now - server.began
        record.firstByteTime = firstByte.map { $0 - server.began }
        record.outcome = outcome(of: end)
        if let limit = server.limit {
            if record.refusal == nil { record.refusal = limit.rawValue }
            service.metrics.refused(limit.rawValue)
        }
        service.metrics.ended(record, route: route?.label ?? "none", operation: route?.operation)
        guard isLogged else { return }
        service.failures.note(record, route: route?.label, service.shared.redactor)
        service.log(record)
    }

    private func outcome(of end: ExchangeEnd) -> Outcome {
        switch (outcome, end) {
        case (let outcome?, _): outcome
        case (nil, .completed): .completed
        case (nil, .clientLeft): .clientCancelled
        case (nil, .timedOut): .timeout
        case (nil, .shutDown): .shutdown
        // Whoever breaks an answer off says why: this one was whole, and the client did not wait for all of it.
        case (nil, .aborted): .clientCancelled
        }
    }
}

/// An exchange that is answered at once and whose request body, if there is one, nobody wants.
final class AnsweredExchange: GatewayExchangeHandler {
    let exchange: GatewayExchange

    init(_ exchange: GatewayExchange) {
        self.exchange = exchange
    }

    func bodyReceived(_ bytes: ByteBuffer) {}
    func requestEnded() {}
    func requestFailed(_ fault: RequestFault) {}
    func responseDrained() {}
    func exchangeEnded(_ end: ExchangeEnd) { exchange.ended(end) }
}
