import NIOCore
import Synchronization

/// What the event loops of a simulator share.
final class SimulatorState: Sendable {
    let counters = Counters()
    let ledger = CallLedger()
    let recorder: RequestRecorder
    /// The only key that is let in beside those with a behaviour of their own; nil for no such restriction.
    let apiKey: String?

    private let oauth = Mutex(OAuthServer())
    private let initial: SimulatorBehaviour
    private let behaviour: Mutex<SimulatorBehaviour>
    private let generation = Atomic<Int>(0)

    init(apiKey: String?, behaviour: SimulatorBehaviour, recorded: Int) {
        self.apiKey = apiKey
        initial = behaviour
        self.behaviour = Mutex(behaviour)
        recorder = RequestRecorder(limit: recorded)
    }

    /// Runs `body` with the login, which it has for itself meanwhile.
    func withOAuth<Result: Sendable>(_ body: (inout OAuthServer) -> Result) -> Result {
        oauth.withLock { body(&$0) }
    }

    /// Grows with every change: a loop reads the behaviour again when it has grown.
    var currentGeneration: Int { generation.load(ordering: .acquiring) }

    func readBehaviour() -> SimulatorBehaviour {
        behaviour.withLock { $0 }
    }

    /// Changes the behaviour for every request that begins from now on. If `change` throws nothing changes.
    func update<Failure: Error>(
        _ change: (inout SimulatorBehaviour) throws(Failure) -> Void
    ) throws(Failure) {
        try behaviour.withLock { value throws(Failure) in
            var changed = value
            try change(&changed)
            value = changed
        }
        generation.add(1, ordering: .releasing)
    }

    /// Back to the behaviour of the start; records and books begin anew. Tokens stay as they are.
    func reset() {
        update { $0 = initial }
        recorder.reset()
        ledger.reset()
    }
}
