import NIOCore
import NIOPosix
package import Qwen
import TLS
import Telemetry
import Transport

/// A login without a gateway: for the command line. It has an event loop of its own.
package struct LoginSession: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let context: NIOLoopBound<LoopContext>
    private let keeper: LoginKeeper

    /// - Parameter onChange: told how far the login is.
    /// - Throws: what of the configuration keeps anybody from logging in.
    package static func start(
        _ configuration: GatewayConfiguration, onChange: @escaping @Sendable (LoginKeeper.State) -> Void
    ) async throws(StartupError) -> LoginSession {
        guard let store = try configuration.credentials.makeStore() else {
            throw StartupError("QWEN_CREDENTIALS_SECRET is not set", exitCode: .configuration)
        }
        let requests = try configuration.oauth.requests()
        let tls: TLSClientContext
        do {
            tls = try TLSClientContext(additionalTrustFile: configuration.upstreamCAFile)
        } catch {
            throw StartupError(error.reason, exitCode: .configuration)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let context = try await LoopContext.makeAll(group)[0]
            let eventLoop = context.eventLoop
            let pools = try await eventLoop.submit {
                let pools = UpstreamPools(tls: tls, loop: context.value, timeouts: ClientTimeouts(configuration))
                return NIOLoopBound(pools, eventLoop: eventLoop)
            }.get()
            let keeper = LoginKeeper(
                requests: requests, transport: FetchingOAuthTransport(fetcher: UpstreamFetcher(pools)),
                clock: SystemOAuthClock(),
                storage: StoredOAuthCredentials(store: store, redactor: SecretRedactor()),
                lock: DirectoryLocks(store: store), onChange: onChange)
            return LoginSession(group: group, context: context, keeper: keeper)
        } catch {
            throw StartupError("\(error)", exitCode: .unavailable)
        }
    }

    /// Logs in; returns when that has succeeded or failed.
    package func logIn(as name: String) async -> LoginKeeper.State {
        await keeper.start(as: name)
        return await keeper.finished()
    }

    /// Gives the login up.
    package func cancel() async {
        await keeper.cancel()
    }

    package func stop() async {
        _ = try? await context.submit { $0.shutdown() }
        try? await group.shutdownGracefully()
    }
}
