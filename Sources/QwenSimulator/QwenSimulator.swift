import HTTP
import NIOCore
import NIOPosix
package import TLS
import Transport

/// A stand-in for Qwen: an HTTPS server that lets devices log in, answers chat completions and embeddings in Qwen's
/// shapes, and goes wrong on demand.
package final class QwenSimulator: Sendable {
    /// How it is set up.
    package struct Options: Sendable {
        package var host = "127.0.0.1"
        /// 0 lets the system choose.
        package var port = 0
        /// The only key that is let in, beside those that the behaviour names; nil lets every one in.
        package var apiKey: String?
        package var workers = 1
        /// How many requests are kept to be read.
        package var recordedRequests = 200
        package var behaviour = SimulatorBehaviour()
        package init() {}
    }

    private let group: MultiThreadedEventLoopGroup
    private let contexts: [NIOLoopBound<LoopContext>]
    private let server: HTTPSServer
    private let state: SimulatorState

    package var port: Int { server.port }

    private init(
        group: MultiThreadedEventLoopGroup, contexts: [NIOLoopBound<LoopContext>], server: HTTPSServer,
        state: SimulatorState
    ) {
        self.group = group
        self.contexts = contexts
        self.server = server
        self.state = state
    }

    /// Starts a simulator.
    package static func start(_ options: Options, tls: TLSServerContext) async throws -> QwenSimulator {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.workers)
        do {
            let contexts = try await LoopContext.makeAll(group)
            let state = SimulatorState(
                apiKey: options.apiKey, behaviour: options.behaviour, recorded: options.recordedRequests)
            var serverOptions = HTTPSServer.Options(host: options.host, port: options.port)
            serverOptions.limits.concurrentStreams = 256
            let server = try await HTTPSServer.start(serverOptions, tls: tls, contexts: contexts) { loop in
                SimulatorService(loop: loop, state: state)
            }
            return QwenSimulator(group: group, contexts: contexts, server: server, state: state)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Breaks off what is open and ends the event loops.
    package func shutdown() async {
        _ = await server.drain(timeout: .zero)
        for context in contexts { _ = try? await context.submit { $0.shutdown() } }
        try? await group.shutdownGracefully()
    }

    // MARK: Behaviour

    /// How it behaves towards requests that begin now.
    package var behaviour: SimulatorBehaviour { state.readBehaviour() }

    /// Changes the behaviour for every request that begins from now on.
    package func update(_ change: (inout SimulatorBehaviour) -> Void) {
        state.update(change)
    }

    /// Applies switches, as in `SimulatorBehaviour.apply`; none of them if one can not be used.
    package func apply(_ switches: String) throws(SwitchError) {
        try state.update { (value) throws(SwitchError) in try value.apply(switches) }
    }

    /// Back to the behaviour of the start; records and counts of keys begin anew. Tokens stay as they are.
    package func reset() {
        state.reset()
    }

    // MARK: What has happened

    /// What became of the chat completion requests.
    package var counters: Counters { state.counters }

    /// The last requests, oldest first.
    package var requests: [RecordedRequest] { state.recorder.read() }

    /// The calls with an API key; `portal` is the name for those with access tokens, and an empty one for those that
    /// need no key. Nothing is counted without a key that is asked for, or a limit.
    package func calls(of key: String) -> KeyCalls { state.ledger.read()[key] ?? KeyCalls() }

    package var oauthCounts: OAuthServer.Counts { state.withOAuth { $0.counts } }

    // MARK: Login

    /// Approves or denies the login with this user code, or all that wait if it is nil; returns how many those were.
    @discardableResult
    package func decide(_ userCode: String? = nil, approve: Bool) -> Int {
        state.withOAuth { $0.decide(userCode, approve: approve) }
    }

    /// Gives out tokens without a login.
    package func issueTokens() -> (access: String, refresh: String) {
        let seconds = behaviour.oauth.tokenExpiry
        let now = Int(NIODeadline.now().uptimeNanoseconds / 1_000_000)
        return state.withOAuth { $0.issue(expiry: seconds, now: now) }
    }

    /// Lets every access token expire; refresh tokens stay good.
    package func expireAccessTokens() {
        state.withOAuth { $0.expireAccessTokens() }
    }

    /// Makes every token invalid.
    package func revokeTokens() {
        state.withOAuth { $0.revoke() }
    }
}
