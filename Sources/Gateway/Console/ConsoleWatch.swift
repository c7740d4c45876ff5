import NIOCore
import Qwen
import Synchronization
import TLS
import Telemetry
import Transport

/// What the console looks at: the listeners, the certificate, and the history that a task keeps.
final class ConsoleWatch: Sendable {
    private struct State {
        var servers: [HTTPSServer] = []
        var clients: ClientKeeper?
        var history = TrafficHistory()
        var sampling: Task<Void, Never>?
        var certificates: @Sendable () -> [CertificateSummary] = { [] }
        /// The QR code of a login's URL: it takes a while to make, and is asked for every two seconds.
        var code: (url: String, rows: [String])?
    }

    private let state = Mutex(State())

    /// Begins to watch, once all listens.
    ///
    /// - Parameters:
    ///   - dispatchers: of all event loops.
    ///   - certificates: those that clients are shown, at the moment of the call.
    func begin(
        _ servers: [HTTPSServer], _ dispatchers: [NIOLoopBound<QwenDispatcher>], _ clients: ClientKeeper,
        certificates: @escaping @Sendable () -> [CertificateSummary]
    ) {
        let sampling = Task { [weak self] in
            var due = ContinuousClock.now
            while !Task.isCancelled {
                let totals = await Self.traffic(dispatchers)
                self?.state.withLock { $0.history.sample(totals, at: .now()) }
                due += .nanoseconds(TrafficHistory.step.nanoseconds)
                do { try await Task.sleep(until: due, clock: .continuous) } catch { return }
                // After a sleep of the machine's there is nothing to catch up with.
                due = max(due, ContinuousClock.now)
            }
        }
        state.withLock { state in
            state.servers = servers
            state.clients = clients
            state.sampling = sampling
            state.certificates = certificates
        }
    }

    func end() async {
        let sampling = state.withLock { state in
            state.servers = []
            state.clients = nil
            return state.sampling
        }
        sampling?.cancel()
        await sampling?.value
    }

    private static func traffic(_ dispatchers: [NIOLoopBound<QwenDispatcher>]) async -> TrafficTotals {
        var sum = TrafficTotals()
        for dispatcher in dispatchers {
            let totals = try? await dispatcher.submit { $0.metrics.values.traffic { !Route.isOperators($0) } }
            if let totals { sum.add(totals) }
        }
        return sum
    }

    /// Oldest first.
    var history: [TrafficHistory.Point] { state.withLock { $0.history.points } }

    /// Knows the clients' keys; nil before and after there is anything to watch.
    var clients: ClientKeeper? { state.withLock { $0.clients } }

    var certificates: [CertificateSummary] { state.withLock { $0.certificates }() }

    private var servers: [HTTPSServer] { state.withLock { $0.servers } }

    // MARK: What the loops know

    /// What all event loops together have at this moment.
    struct LoopView: Sendable {
        var requests = LiveRequests()
        /// Newest first.
        var failures: [FailedExchange] = []
        /// Connections of clients.
        var connections = 0
    }

    func look() async -> LoopView {
        var sum = LoopView()
        for server in servers {
            let views = await server.collect { loop in
                LoopView(
                    requests: LiveRequests(loop, now: .now()),
                    failures: (loop.service as? GatewayService)?.failures.newestFirst ?? [],
                    connections: loop.connectionCount)
            }
            for view in views {
                sum.requests.add(view.requests)
                sum.failures += view.failures
                sum.connections += view.connections
            }
        }
        sum.failures.sort { $0.time.nanoseconds > $1.time.nanoseconds }
        sum.failures.removeLast(max(sum.failures.count - RecentFailures.capacity, 0))
        return sum
    }

    // MARK: Login

    /// The QR code of a URL, a row of `0` and `1` for each row of modules; nil where the URL is too long for one.
    func code(of url: String) -> [String]? {
        if let known = state.withLock({ $0.code }), known.url == url { return known.rows }
        guard let code = QRCode(url) else { return nil }
        let rows = (0..<code.size).map { row in
            String((0..<code.size).map { code.isDark(row: row, column: $0) ? "1" : "0" })
        }
        state.withLock { $0.code = (url, rows) }
        return rows
    }
}
