import NIOCore

@testable import Qwen

/// The gateway's part between clients and Qwen, in virtual time: pool, queue and budget as a driver uses them.
///
/// Each client sends one request after the other. Qwen is a closure that accepts or refuses a call.
struct RetrySimulation {
    struct Setup {
        var clients = 50
        var requestsPerClient = 40
        var credentials = 1
        var patience = TimeAmount.seconds(20)
        var seed: UInt64 = 1
        /// How long an accepted call takes, in seconds; a refusal takes a twentieth of a second.
        var serviceTime = 0.05...1.5
        /// Given the time, the credential, calls in flight there with this one, and a random number.
        var qwen: (Double, String, Int, Double) -> QwenFault?
    }

    struct Outcome {
        var served = 0
        var refused = 0
        var calls = 0
        var refusedCalls = 0
        var longestWait = 0.0
        var told: [TimeAmount?] = []
        var end = 0.0
    }

    private enum Event {
        case begin(client: Int)
        case retry(Request)
        case answered(Request, CredentialLease, QwenFault?)
        case look
    }

    private final class Request {
        let client: Int
        let began: Double
        var budget: RetryBudget
        var tried = TriedCredentials()

        init(client: Int, began: Double, patience: TimeAmount) {
            self.client = client
            self.began = began
            budget = RetryBudget(began: at(began), patience: patience)
        }
    }

    private let setup: Setup
    private var pool = CredentialPool()
    private var queue = FairQueue<Int, Request>(capacity: 1000, capacityPerKey: 100)
    private var agenda: [(time: Double, order: Int, event: Event)] = []
    private var order = 0
    private var random: SeededGenerator
    private var left: [Int]
    private var now = 0.0
    private var looksAt = Double.infinity
    private var outcome = Outcome()

    init(_ setup: Setup) {
        self.setup = setup
        random = SeededGenerator(seed: setup.seed)
        left = Array(repeating: setup.requestsPerClient, count: setup.clients)
        for index in 0..<setup.credentials {
            pool.add(
                PooledCredential(name: "\(index)", access: .apiKey, isPortal: false), provider: provider("\(index)"))
        }
    }

    static func run(_ setup: Setup) -> Outcome {
        var simulation = RetrySimulation(setup)
        for client in 0..<setup.clients { simulation.schedule(0, .begin(client: client)) }
        while let next = simulation.pop() {
            simulation.now = next.time
            simulation.handle(next.event)
        }
        simulation.outcome.end = simulation.now
        return simulation.outcome
    }

    private mutating func schedule(_ delay: Double, _ event: Event) {
        order += 1
        let entry = (time: now + delay, order: order, event: event)
        let index = agenda.firstIndex { $0.time < entry.time } ?? agenda.count
        agenda.insert(entry, at: index)
    }

    private mutating func pop() -> (time: Double, order: Int, event: Event)? { agenda.popLast() }

    private mutating func handle(_ event: Event) {
        switch event {
        case .begin(let client):
            guard left[client] > 0 else { return }
            left[client] -= 1
            admit(Request(client: client, began: now, patience: setup.patience))
        case .retry(let request): admit(request)
        case .look:
            looksAt = .infinity
            pump()
        case .answered(let request, let lease, let fault): answered(request, lease, fault)
        }
    }

    private mutating func admit(_ request: Request) {
        // Nobody overtakes those who wait, but who has waited before.
        do {
            _ = try queue.enqueue(
                request, key: request.client, deadline: request.budget.deadline,
                isReturning: request.budget.refusals > 0, now: at(now))
        } catch {
            refuse(request, queue.estimatedWait(for: request.client))
        }
        pump()
    }

    private mutating func pump() {
        while let request = queue.first {
            switch pool.choose(now: at(now), except: request.tried) {
            case .lease(let lease):
                _ = queue.dequeue(now: at(now))
                call(request, lease)
                continue
            case .wait(let until) where until > request.budget.deadline:
                _ = queue.dequeue(now: at(now))
                refuse(request, pool.exhaustion(now: at(now)).retryAfter)
                continue
            case .wait(let until):
                let time = Double(until.uptimeNanoseconds - at(0).uptimeNanoseconds) / 1e9
                let deadline = queue.nextDeadline.map { Double($0.uptimeNanoseconds - at(0).uptimeNanoseconds) / 1e9 }
                let look = min(time, deadline ?? time) + 0.000_001
                if look < looksAt {
                    looksAt = look
                    schedule(max(0, look - now), .look)
                }
            case .none:
                _ = queue.dequeue(now: at(now))
                refuse(request, pool.exhaustion(now: at(now)).retryAfter)
                continue
            }
            break
        }
        for request in queue.expire(now: at(now)) { refuse(request, pool.exhaustion(now: at(now)).retryAfter) }
    }

    private mutating func call(_ request: Request, _ lease: CredentialLease) {
        outcome.calls += 1
        let fault = setup.qwen(
            now, lease.credential.name, lease.credential.inFlight, Double.random(in: 0..<1, using: &random))
        let time = fault == nil ? Double.random(in: setup.serviceTime, using: &random) : 0.05
        schedule(time, .answered(request, lease, fault))
    }

    private mutating func answered(_ request: Request, _ lease: CredentialLease, _ fault: QwenFault?) {
        guard let fault else {
            lease.succeeded(now: at(now))
            outcome.served += 1
            outcome.longestWait = max(outcome.longestWait, now - request.began)
            schedule(0, .begin(client: request.client))
            return pump()
        }
        outcome.refusedCalls += 1
        let known = lease.failed(fault, now: at(now), unixTime: Int64(now))
        let again = FaultPolicy(known.kind).again
        request.tried.add(lease, again: again)
        let hasAlternative = pool.hasAlternative(to: lease, again: again, except: request.tried, now: at(now))
        let decision = request.budget.decide(
            known, hasAlternative: hasAlternative, isRefreshable: false, now: at(now),
            random: Double.random(in: 0..<1, using: &random))
        switch decision {
        case .retry(let delay): schedule(Double(delay.nanoseconds) / 1e9, .retry(request))
        case .switchCredential, .refresh: admit(request)
        case .giveUp(let retryAfter): refuse(request, retryAfter)
        }
        pump()
    }

    private mutating func refuse(_ request: Request, _ retryAfter: TimeAmount?) {
        outcome.refused += 1
        outcome.told.append(retryAfter)
        outcome.longestWait = max(outcome.longestWait, now - request.began)
        schedule(0.1, .begin(client: request.client))
    }
}
