import NIOCore
import Qwen
import Telemetry
import Transport

/// One event loop's way to Qwen: the credentials it may use, the connections to their hosts, and the requests that
/// wait for a credential.
final class QwenDispatcher {
    /// What a call asks of the control plane.
    struct Control: Sendable {
        /// Renews the token of the named credential, unless its number is another than the refused one's by now, and
        /// once for all who ask. Whether there is a new one, which this loop has been told of then.
        var renew: @Sendable (_ name: String, _ generation: Int, _ patience: Duration) async -> Bool
    }

    /// Requests that may wait on one loop, and of those the ones of one client key.
    private static let mostWaiting = 2048, mostWaitingOfOneKey = 512
    /// Bytes of requests that may wait on one loop.
    private static let mostWaitingBytes = 256 * 1024 * 1024

    let loop: LoopContext
    let metrics: LoopMetrics
    /// UPSTREAM_RETRY_BUDGET.
    let retryBudget: TimeAmount
    private let pools: UpstreamPools
    private(set) var credentials = CredentialPool()
    /// The places behind the authorities of the credentials.
    private var origins: [String: Origin] = [:]
    /// The pool that was asked for last, which most calls go to.
    private var lastPool: (authority: String, pool: UpstreamPool)?
    private var queue = FairQueue<String, QwenCall>(capacity: mostWaiting, capacityPerKey: mostWaitingOfOneKey)
    private var nextLook: (at: NIODeadline, task: Scheduled<Void>)?
    private var isPumping = false
    private var waitingBytes = 0
    /// Calls whose answers are whole and whose responses are not, oldest first, each with the end of its patience: a
    /// list that ticks look through, for a timer for each call would cost more than the call.
    private var endings: [(deadline: NIODeadline, call: QwenCall)] = []
    /// How long Qwen may take to end a response whose marker of the end has come.
    private static let endOfResponseTime = TimeAmount.seconds(2)
    /// Set once, before the first request.
    var control: Control?

    init(loop: LoopContext, pools: UpstreamPools, retryBudget: TimeAmount, metrics: LoopMetrics) {
        self.loop = loop
        self.metrics = metrics
        self.pools = pools
        self.retryBudget = retryBudget
        loop.onTick { [weak self] now in self?.endEndings(now) }
        loop.onLag { [metrics] in metrics.lag($0) }
    }

    /// Requests that wait for a credential.
    var waitingCount: Int { queue.count }
    /// Connections to Qwen's hosts.
    var connectionCount: Int { pools.connectionCount }
    /// Calls of Qwen that are under way.
    private(set) var activeCalls = 0

    func callBegan() { activeCalls += 1 }

    // MARK: What the control plane tells

    /// Takes a credential in, or its new token.
    func add(_ credential: PooledCredential, _ access: QwenAccess, generation: Int = 0) {
        credentials.add(credential, provider: access.provider, generation: generation)
        origins[access.provider.authority] = access.origin
        lastPool = nil
        credentialsChanged()
    }

    func remove(_ name: String) {
        credentials.remove(name)
        credentialsChanged()
    }

    /// Those who wait look again.
    func credentialsChanged() {
        loop.updateTime()
        pump()
    }

    // MARK: What calls ask

    /// The pool of connections that a provider's requests travel on.
    func pool(for provider: QwenProvider) -> UpstreamPool? {
        if let lastPool, lastPool.authority == provider.authority { return lastPool.pool }
        guard let origin = origins[provider.authority] else { return nil }
        let pool = pools.pool(for: origin)
        lastPool = (provider.authority, pool)
        return pool
    }

    /// What the call can be sent with now. Who comes later than those that wait does not pass them.
    func choose(for call: QwenCall) -> CredentialPool.Choice {
        guard queue.isEmpty || call.isReturning || !mayQueue(call) else {
            return credentials.isEmpty ? .none : .wait(until: loop.now)
        }
        return credentials.choose(now: loop.now, except: call.tried, for: call.need)
    }

    /// Whether the call may wait in the queue. One that not every credential can serve would hold up those behind it.
    func mayQueue(_ call: QwenCall) -> Bool { call.tried.isEmpty && credentials.allServe(call.need) }

    func hasAlternative(to lease: CredentialLease, after kind: QwenFault.Kind, for call: QwenCall) -> Bool {
        credentials.hasAlternative(
            to: lease, again: FaultPolicy(kind).again, except: call.tried, now: loop.now, for: call.need)
    }

    /// What a client is told when no credential can serve it.
    func exhaustion(for need: QwenProvider.Capability) -> QwenFault {
        credentials.exhaustion(now: loop.now, for: need)
    }

    /// How long it takes until a credential is open; nil if one is, or none ever will be by itself.
    func timeUntilOpen(for need: QwenProvider.Capability) -> TimeAmount? {
        credentials.earliestRecovery(now: loop.now, for: need).flatMap { $0 > loop.now ? $0 - loop.now : nil }
    }

    /// Has the call wait for its turn, until `instant` at least.
    ///
    /// - Returns: nil when it waits; else what its client is told.
    func wait(_ call: QwenCall, until instant: NIODeadline, deadline: NIODeadline) -> QwenFault? {
        guard instant < deadline else { return exhaustion(for: call.need) }
        guard waitingBytes == 0 || waitingBytes + call.bodySize <= Self.mostWaitingBytes else { return tooMany(call) }
        do {
            call.ticket = try queue.enqueue(
                call, key: call.clientKey, deadline: deadline, isReturning: call.isReturning, now: loop.now)
        } catch {
            return tooMany(call)
        }
        waitingBytes += call.bodySize
        look(at: min(max(instant, loop.now + .milliseconds(1)), deadline))
        return nil
    }

    private func tooMany(_ call: QwenCall) -> QwenFault {
        var fault = QwenFault(kind: .throttled(.concurrency), message: "Too many requests wait for Qwen already.")
        fault.retryAfter = queue.estimatedWait(for: call.clientKey) ?? .seconds(1)
        return fault
    }

    /// The call waits no longer.
    func withdraw(_ ticket: FairQueue<String, QwenCall>.Ticket) {
        if let call = queue.cancel(ticket) { left(call) }
    }

    private func left(_ call: QwenCall) {
        waitingBytes -= call.bodySize
    }

    /// Gives the call up if its response has not ended in a while.
    func awaitEnd(of call: QwenCall) {
        endings.append((loop.now + Self.endOfResponseTime, call))
    }

    private func endEndings(_ now: NIODeadline) {
        guard let first = endings.first, first.deadline <= now else { return }
        let count = endings.firstIndex { $0.deadline > now } ?? endings.count
        let late = endings[..<count]
        endings.removeFirst(count)
        for ending in late { ending.call.endingTimedOut() }
    }

    /// A call has ended: there may be room for another.
    func callEnded() {
        activeCalls -= 1
        if !queue.isEmpty { look(at: loop.now) }
    }

    // MARK: The queue

    private func look(at instant: NIODeadline) {
        if let nextLook {
            if nextLook.at <= instant { return }
            nextLook.task.cancel()
        }
        let task = loop.eventLoop.assumeIsolated().scheduleTask(deadline: instant) { [weak self] in
            guard let self else { return }
            nextLook = nil
            loop.updateTime()
            pump()
        }
        nextLook = (instant, task)
    }

    /// Sends those whose turn it is, as far as credentials go, and lets those go whose patience is over.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        for call in queue.expire(now: loop.now) {
            left(call)
            call.patienceEnded()
        }
        waiting: while let call = queue.first {
            switch credentials.choose(now: loop.now, except: call.tried, for: call.need) {
            case .lease(let lease):
                _ = queue.dequeue(now: loop.now)
                left(call)
                call.turnCame(lease)
            case .none:
                _ = queue.dequeue(now: loop.now)
                left(call)
                call.patienceEnded()
            case .wait(let instant) where instant >= call.deadline:
                // It would wait in vain.
                _ = queue.dequeue(now: loop.now)
                left(call)
                call.patienceEnded()
            case .wait(let instant):
                look(at: max(instant, loop.now + .milliseconds(1)))
                break waiting
            }
        }
        if let deadline = queue.nextDeadline { look(at: deadline) }
    }
}
