package import Qwen
import Telemetry

/// A login without a gateway: for the command line.
package struct LoginSession: Sendable {
    private let plane: ControlPlane
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
        let plane = try await ControlPlane.start(configuration)
        let keeper = LoginKeeper(
            requests: requests, transport: FetchingOAuthTransport(fetcher: plane.fetcher), clock: SystemOAuthClock(),
            storage: StoredOAuthCredentials(store: store, redactor: SecretRedactor()),
            lock: DirectoryLocks(store: store), onChange: onChange)
        return LoginSession(plane: plane, keeper: keeper)
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
        await plane.stop()
    }
}
