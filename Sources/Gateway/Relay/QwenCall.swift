import HTTP
import Logging
import NIOCore
import Qwen
import Telemetry
import Transport

/// One exchange's call to Qwen. It chooses a credential, sends the request, and, as long as nothing of an answer has
/// gone to the client, sends it again where that can help: with another credential, with a new token, or later.
///
/// Belongs to its dispatcher's event loop.
final class QwenCall {
    private enum State {
        case new
        /// Waits in the dispatcher's queue.
        case queued
        /// Was refused, and waits for its next attempt.
        case pausing(Scheduled<Void>)
        /// Waits for a new token.
        case renewing(Task<Void, Never>)
        /// Sent.
        case calling(UpstreamCall, CredentialLease)
        /// Qwen answers with what is no answer: it is put together.
        case refused(UpstreamCall, CredentialLease, Refusal)
        /// The answer is whole for its client; the upstream's end of it is awaited.
        case ending(UpstreamCall)
        case over
    }

    /// An error in the making.
    private struct Refusal {
        let head: ResponseHead
        var body = ByteBuffer()
        /// The most bytes of it that are read.
        static let limit = 256 * 1024
    }

    private let dispatcher: QwenDispatcher
    private var handler: (any QwenCallHandler)?
    private let shared: GatewayShared
    /// The client's exchange that it serves.
    private var exchange: ServerExchange?
    private let requestID: String
    /// Whose turn it takes while it waits: the name of the client's key, or its address.
    let clientKey: String
    /// What the request asks for: not every credential can serve it.
    let need: QwenProvider.Capability

    private var state = State.new
    private var budget: RetryBudget
    /// Attempts that failed before Qwen could have seen the request.
    private var failedConnections = 0
    private static let mostFailedConnections = 4
    private(set) var tried = TriedCredentials()
    var ticket: FairQueue<String, QwenCall>.Ticket?
    /// It was sent before, and was refused: who comes for the first time does not pass it.
    var isReturning: Bool { budget.refusals > 0 || failedConnections > 0 }
    /// The last instant at which it may be sent.
    var deadline: NIODeadline { budget.deadline }
    /// Something of an answer has gone to the client: nothing is sent again.
    private(set) var isCommitted = false
    /// The number of the attempt that is under way: bytes of an earlier one are no matter of this one's.
    private(set) var attempt = 0
    /// Bytes of the request, as long as it waits.
    let bodySize: Int
    /// Told to Qwen with the request, if there is one.
    private let trace: TraceContext?
    private var queuedSince = NIODeadline.uptimeNanoseconds(0)
    /// Why the last attempt was of no use.
    private var lastFailure: QwenCallFailure?

    private var loop: LoopContext { dispatcher.loop }

    init(
        _ dispatcher: QwenDispatcher, for exchange: GatewayExchange, need: QwenProvider.Capability = .chat,
        bodySize: Int,
        handler: any QwenCallHandler
    ) {
        self.exchange = exchange.server
        self.need = need
        self.bodySize = bodySize
        trace = exchange.record.trace
        self.dispatcher = dispatcher
        requestID = exchange.requestID
        clientKey = exchange.clientKey
        shared = exchange.service.shared
        self.handler = handler
        budget = RetryBudget(began: dispatcher.loop.now, patience: dispatcher.retryBudget)
    }

    // MARK: The exchange's side

    /// Sends the request as soon as a credential can take it.
    func start() {
        switch dispatcher.choose(for: self) {
        case .lease(let lease): send(lease)
        case .wait(let instant):
            guard dispatcher.mayQueue(self) else { return waitAside(until: instant) }
            state = .queued
            queuedSince = loop.now
            guard let fault = dispatcher.wait(self, until: instant, deadline: deadline) else { return }
            lastFailure == nil ? end(.fault(fault)) : endExhausted()
        case .none: endExhausted()
        }
    }

    /// Qwen answers with what was asked for.
    func accept() {
        if case .calling(_, let lease) = state { lease.accepted(now: loop.now) }
    }

    /// Something goes to the client: from now on nothing is sent again.
    func commit() {
        isCommitted = true
    }

    /// What Qwen sends is an error. As long as nothing has gone to the client the request may be sent again.
    func reject(_ fault: QwenFault) {
        guard case .calling(let call, let lease) = state else { return }
        call.cancel()
        refused(fault, lease)
    }

    /// Waits for a credential without holding up those in the queue, who may be served with one that it has tried.
    private func waitAside(until instant: NIODeadline) {
        guard instant < budget.deadline else { return endExhausted() }
        pause(max(instant - loop.now, .milliseconds(20)))
    }

    /// The answer is whole. The upstream ends its response by itself, a moment later: to cancel it would cost a good
    /// connection, or look like abuse.
    func complete() {
        guard case .calling(let call, let lease) = state else { return }
        handler = nil
        exchange = nil
        lease.succeeded(now: loop.now)
        dispatcher.callEnded()
        guard !call.isOver else {
            state = .over
            return
        }
        state = .ending(call)
        dispatcher.awaitEnd(of: self)
    }

    /// The upstream had time enough to end a response whose answer was whole.
    func endingTimedOut() {
        guard case .ending(let call) = state else { return }
        state = .over
        call.cancel()
    }

    /// Gives the call up; Qwen is told at once.
    func cancel() {
        handler = nil
        leave()
    }

    /// Lets Qwen send as many further bytes of its answer.
    func consume(_ bytes: Int) {
        if case .calling(let call, _) = state { call.consume(bytes) }
    }

    /// Whether Qwen has the request, and is to say something.
    var isUnderWay: Bool {
        if case .calling = state { true } else { false }
    }

    // MARK: The dispatcher's side

    /// Its turn has come.
    func turnCame(_ lease: CredentialLease) {
        guard case .queued = state else { return lease.release() }
        ticket = nil
        dispatcher.metrics.queueWait(loop.now - queuedSince)
        send(lease)
    }

    /// No credential became free in time, or none ever will.
    func patienceEnded() {
        guard case .queued = state else { return }
        ticket = nil
        endExhausted()
    }

    // MARK: Attempts

    private func send(_ lease: CredentialLease) {
        guard let handler, let pool = dispatcher.pool(for: lease.provider) else {
            // The credential has just been removed.
            lease.release()
            return endExhausted()
        }
        attempt += 1
        dispatcher.callBegan()
        var (head, body) = handler.request(for: lease)
        if let trace {
            head.fields.append("traceparent", trace.parent)
            if let state = trace.state { head.fields.append("tracestate", state) }
        }
        let call = UpstreamCall(head: head, body: body, handler: self, now: loop.now, exchange: exchange)
        state = .calling(call, lease)
        pool.start(call)
    }

    private func refused(_ given: QwenFault, _ lease: CredentialLease) {
        let fault = lease.failed(given, now: loop.now, unixTime: WallTime.now().seconds)
        state = .over
        dispatcher.callEnded()
        note(fault, lease)
        dispatcher.metrics.upstreamFailed(fault.kind.description)
        guard !isCommitted else { return end(.fault(fault)) }
        lastFailure = .fault(fault)
        let decision = budget.decide(
            fault, hasAlternative: dispatcher.hasAlternative(to: lease, after: fault.kind, for: self),
            isRefreshable: lease.canRefresh(now: loop.now), generation: lease.generation, now: loop.now,
            random: .random(in: 0..<1))
        switch decision {
        case .retry(let delay):
            dispatcher.metrics.retried(.later)
            pause(delay)
        case .switchCredential:
            dispatcher.metrics.retried(.otherCredential)
            tried.add(lease, again: FaultPolicy(fault.kind).again)
            start()
        case .refresh:
            dispatcher.metrics.retried(.renewedToken)
            renew(lease)
        case .giveUp(let retryAfter): end(.fault(timed(fault, else: retryAfter)))
        }
    }

    /// No credential can serve it: its client is told why the last one did not. Of a login that has ended the gateway
    /// knows more than Qwen has said.
    private func endExhausted() {
        switch lastFailure {
        case nil: end(.fault(dispatcher.exhaustion(for: need)))
        case .fault(let last)? where last.kind == .authentication: end(.fault(dispatcher.exhaustion(for: need)))
        case .fault(let last)?: end(.fault(timed(last, else: last.retryAfter)))
        case let other?: end(other)
        }
    }

    /// The error with the time after which another attempt makes sense: when a credential opens, if all are closed.
    private func timed(_ fault: QwenFault, else told: TimeAmount?) -> QwenFault {
        var fault = fault
        let isForever = FaultPolicy(fault.kind).again == .never
        fault.retryAfter = isForever ? told : dispatcher.timeUntilOpen(for: need) ?? told
        return fault
    }

    private func pause(_ delay: TimeAmount) {
        let task = loop.eventLoop.assumeIsolated().scheduleTask(in: delay) { [self] in
            loop.updateTime()
            start()
        }
        state = .pausing(task)
    }

    /// Has the control plane renew the token that was refused, unless that has happened already.
    private func renew(_ lease: CredentialLease) {
        guard let control = dispatcher.control else { return start() }
        let (name, generation) = (lease.credential.name, lease.generation)
        let patience = Duration.nanoseconds(max(budget.deadline - loop.now, .seconds(1)).nanoseconds)
        let waiting = NIOLoopBound(self, eventLoop: loop.eventLoop)
        state = .renewing(
            Task {
                let isRenewed = await control.renew(name, generation, patience)
                waiting.execute { $0.renewed(isRenewed, name) }
            })
    }

    private func renewed(_ isRenewed: Bool, _ name: String) {
        guard case .renewing = state else { return }
        loop.updateTime()
        state = .over
        if !isRenewed { tried.add(name) }
        start()
    }

    /// No connection could be made: the request has not reached Qwen.
    private func unreachable(_ error: UpstreamError, _ lease: CredentialLease) {
        lastFailure = .transport(error)
        failedConnections += 1
        lease.credential.avoid(until: loop.now + .seconds(1 << Int64(failedConnections)))
        let fault = QwenFault(kind: .modelNotFound)
        if dispatcher.hasAlternative(to: lease, after: fault.kind, for: self) {
            dispatcher.metrics.retried(.otherCredential)
            tried.add(lease, again: .otherHost)
            return start()
        }
        let delay = TimeAmount.milliseconds(100 << Int64(failedConnections))
        guard failedConnections < Self.mostFailedConnections, loop.now + delay < budget.deadline else {
            return end(.transport(error))
        }
        dispatcher.metrics.retried(.connection)
        pause(delay)
    }

    // MARK: The end

    private func end(_ failure: QwenCallFailure) {
        let handler = handler
        self.handler = nil
        leave()
        handler?.callFailed(failure)
    }

    /// Lets go of everything.
    private func leave() {
        let last = state
        state = .over
        switch last {
        case .new, .over: break
        case .queued:
            if let ticket { dispatcher.withdraw(ticket) }
            ticket = nil
        case .pausing(let task): task.cancel()
        case .renewing(let task): task.cancel()
        case .calling(let call, let lease), .refused(let call, let lease, _):
            call.cancel()
            lease.release()
            dispatcher.callEnded()
        case .ending(let call): call.cancel()
        }
    }

    private func note(_ fault: QwenFault, _ lease: CredentialLease) {
        shared.logger.info(
            "Qwen refused a call",
            metadata: [
                "request_id": "\(requestID)", "credential": "\(lease.credential.name)", "error": "\(fault.kind)",
                "code": "\(fault.code ?? "-")", "upstream_request_id": "\(fault.requestID ?? "-")",
            ])
    }
}

// MARK: - What Qwen answers

extension QwenCall: UpstreamCallHandler {
    func responseBegan(_ head: ResponseHead) {
        guard case .calling(let call, let lease) = state else { return }
        if Self.isAnswer(head) {
            handler?.answerBegan(head)
        } else {
            state = .refused(call, lease, Refusal(head: head))
        }
    }

    /// Whether the body may hold what was asked for: success, as JSON or events. Anything else is an error, or a page.
    private static func isAnswer(_ head: ResponseHead) -> Bool {
        guard head.status == 200 else { return false }
        // Without a type the body tells.
        guard let type = head.fields.firstIndex(of: "content-type") else { return true }
        return head.fields.hasPrefix("text/event-stream", at: type)
            || head.fields.hasPrefix("application/json", at: type)
    }

    func responseBodyReceived(_ bytes: ByteBuffer) {
        switch state {
        case .calling: handler?.answerReceived(bytes)
        case .refused(let call, let lease, var refusal):
            state = .over
            var bytes = bytes
            let count = bytes.readableBytes
            refusal.body.writeBuffer(&bytes)
            state = .refused(call, lease, refusal)
            guard refusal.body.readableBytes <= Refusal.limit else {
                call.cancel()
                return judge(refusal, lease)
            }
            call.consume(count)
        case .ending(let call): call.consume(bytes.readableBytes)
        case .new, .queued, .pausing, .renewing, .over: break
        }
    }

    func responseEnded() {
        switch state {
        case .calling: handler?.answerEnded()
        case .refused(_, let lease, let refusal): judge(refusal, lease)
        case .ending: state = .over
        case .new, .queued, .pausing, .renewing, .over: break
        }
    }

    private func judge(_ refusal: Refusal, _ lease: CredentialLease) {
        let head = refusal.head
        refused(
            QwenFault(
                body: refusal.body, status: head.status, fields: head.fields, unixTime: WallTime.now().seconds), lease)
    }

    func responseFailed(_ error: UpstreamError) {
        switch state {
        case .calling(_, let lease):
            fail(error, lease)
        case .refused(_, let lease, let refusal):
            // The status says enough of an error whose body broke off.
            judge(refusal, lease)
        case .ending: state = .over
        case .new, .queued, .pausing, .renewing, .over: break
        }
    }

    private func fail(_ error: UpstreamError, _ lease: CredentialLease) {
        state = .over
        lease.release()
        dispatcher.callEnded()
        dispatcher.metrics.upstreamFailed(error.kind.label)
        shared.logger.warning(
            "upstream call failed", metadata: ["request_id": "\(requestID)", "reason": "\(error.description)"])
        switch error.kind {
        case .connect, .tls, .connectTimeout: isCommitted ? end(.transport(error)) : unreachable(error, lease)
        // Qwen may have begun to work on it: it is not asked, and paid, twice.
        case .reset, .protocolError, .firstByteTimeout, .idleTimeout: end(.transport(error))
        }
    }
}

/// Whoever asked Qwen. Calls come on the dispatcher's event loop; after `callFailed`, or once it has called
/// `QwenCall.complete` or `cancel`, none follows.
protocol QwenCallHandler: AnyObject {
    /// The request in the form that the lease's provider wants.
    func request(for lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer)
    /// Qwen begins an answer: JSON or events. It may be the second beginning, after an answer that was rejected.
    func answerBegan(_ head: ResponseHead)
    /// Bytes of the answer. Give room for more with `QwenCall.consume`.
    func answerReceived(_ bytes: ByteBuffer)
    /// The answer has ended, as its framing says: `complete` or `reject` is called in return.
    func answerEnded()
    func callFailed(_ failure: QwenCallFailure)
}

/// Why a call has failed in the end.
enum QwenCallFailure {
    /// Qwen answered with an error, or no credential is free.
    case fault(QwenFault)
    /// It broke on its way.
    case transport(UpstreamError)
}
