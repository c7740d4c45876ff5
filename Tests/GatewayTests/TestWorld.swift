import Foundation
import HTTP
import Logging
import NIOCore
import QwenSimulator
import TLS
import Telemetry
import TestSupport
import Testing
import Transport
import Vault

@testable import Gateway
@testable import Qwen

/// A simulated Qwen on loopback, and gateways before it that share a state directory, one after the other or at once.
final class TestWorld: Sendable {
    /// What is varied from test to test.
    struct Options: Sendable {
        var upstreamProtocols: [ApplicationProtocol] = [.http2, .http1]
        /// The simulator accepts this key; nil for any.
        var simulatorKey: String? = GatewayFixture.qwenKey
        /// Switches of the simulator.
        var behaviour = ""
    }

    static let secret = "credentials-secret-0123456789abcdef"

    let simulator: QwenSimulator
    let certificates: TestCertificates
    private let server: TestCertificates.Issued

    private init(simulator: QwenSimulator, certificates: TestCertificates, server: TestCertificates.Issued) {
        self.simulator = simulator
        self.certificates = certificates
        self.server = server
    }

    static func start(_ options: Options) async throws -> TestWorld {
        let certificates = try TestCertificates()
        let server = try certificates.issue(names: ["localhost"], addresses: ["127.0.0.1"])
        var simulatorOptions = QwenSimulator.Options()
        simulatorOptions.apiKey = options.simulatorKey
        simulatorOptions.recordedRequests = 5000
        try simulatorOptions.behaviour.apply(options.behaviour)
        let simulator = try await QwenSimulator.start(
            simulatorOptions,
            tls: TLSServerContext(
                certificateChain: server.certificate, privateKey: server.privateKey, alpn: options.upstreamProtocols))
        return TestWorld(simulator: simulator, certificates: certificates, server: server)
    }

    /// Runs `body` in a world of its own, and ends that whatever happens. Gateways are `body`'s to stop.
    static func run(_ options: Options = Options(), _ body: (TestWorld) async throws -> Void) async throws {
        let world = try await start(options)
        do {
            try await body(world)
        } catch {
            await world.stop()
            throw error
        }
        await world.stop()
    }

    func stop() async { await simulator.shutdown() }

    // MARK: State

    /// QWEN_DIR. It does not exist at first.
    var directory: String { "\(certificates.directory)/state/qwen" }

    /// The credentials of QWEN_DIR, as another process would see them.
    func store() throws -> CredentialStore {
        CredentialStore(directory: directory, secret: try VaultSecret(Array(Self.secret.utf8)))
    }

    /// Where the simulator takes keys, and tokens.
    var baseURL: String { "https://127.0.0.1:\(simulator.port)/v1" }

    func storeKey(_ key: String, as name: String) throws {
        let credential = Credential.apiKey(APIKeyCredential(key: key, baseURL: baseURL))
        try store().save(name, StoredCredential(credential, added: 1))
    }

    /// Stores a login that Qwen knows.
    ///
    /// - Parameter seconds: until its access token expires, as the gateway has it.
    func storeLogin(as name: String = CredentialImport.defaultName, expiresIn seconds: Int64 = 3600) throws {
        let tokens = simulator.issueTokens()
        let credential = OAuthCredential(
            accessToken: tokens.access, refreshToken: tokens.refresh, resourceURL: "127.0.0.1:\(simulator.port)",
            expiry: WallTime.now().milliseconds + seconds * 1000)
        try store().save(name, StoredCredential(.oauth(credential), added: 1))
    }

    func storedLogin(_ name: String = CredentialImport.defaultName) throws -> OAuthCredential? {
        guard case .oauth(let credential)? = try store().load(name)?.credential else { return nil }
        return credential
    }

    // MARK: Gateways

    /// The settings of a gateway with a key in its environment.
    func environment(_ changes: [String: String] = [:]) -> [String: String] {
        let environment = [
            "SERVER_HOST": "127.0.0.1", "SERVER_PORT": "0", "TLS_CERT_FILE": server.certificateFile,
            "TLS_KEY_FILE": server.privateKeyFile, "API_BASE_URL": baseURL,
            "UPSTREAM_CA_FILE": certificates.authority.certificateFile, "QWEN_API_KEY": GatewayFixture.qwenKey,
            "GATEWAY_API_KEYS": "\(GatewayFixture.clientKey),\(GatewayFixture.otherClientKey)",
            "GATEWAY_ADMIN_KEYS": GatewayFixture.adminKey, "WORKERS": "1", "SHUTDOWN_TIMEOUT": "10s",
            "LOG_LEVEL": "trace", "ADMIN_ADDRESS": "127.0.0.1:0", "QWEN_DIR": directory,
            "QWEN_OAUTH_BASE_URL": "https://127.0.0.1:\(simulator.port)", "RATE_LIMIT_RPS": "0",
        ]
        return environment.merging(changes) { $1 }.filter { !$0.value.isEmpty }
    }

    func start(_ changes: [String: String] = [:]) async throws -> TestGateway {
        let configuration = try GatewayConfiguration.load(
            environment: environment(changes), workingDirectory: certificates.directory)
        return try await TestGateway.start(configuration, certificates)
    }

    /// Starts a gateway that has what is in QWEN_DIR only, runs `body` with it, and stops it.
    func withGateway(
        _ changes: [String: String] = [:], _ body: (TestGateway) async throws -> Void
    ) async throws {
        let sealed = ["QWEN_API_KEY": "", "QWEN_CREDENTIALS_SECRET": Self.secret]
        let gateway = try await start(sealed.merging(changes) { $1 })
        do {
            try await body(gateway)
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }
}

/// A gateway within the test's process.
final class TestGateway: Sendable {
    let server: GatewayServer
    let log: LogCollector
    private let certificates: TestCertificates

    private init(_ server: GatewayServer, _ log: LogCollector, _ certificates: TestCertificates) {
        self.server = server
        self.log = log
        self.certificates = certificates
    }

    static func start(
        _ configuration: GatewayConfiguration, _ certificates: TestCertificates
    ) async throws -> TestGateway {
        let redactor = SecretRedactor(configuration.secrets)
        let log = LogCollector()
        let sink = LogSink(descriptor: log.writeDescriptor, format: .json)
        let level = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .debug
        var logger = Logger(label: "test") { _ in
            SinkLogHandler(sink: sink, redactor: redactor, logLevel: level)
        }
        logger.logLevel = level
        log.attach(sink)
        do {
            let server = try await GatewayServer.start(configuration, sink: sink, redactor: redactor, logger: logger)
            return TestGateway(server, log, certificates)
        } catch {
            log.close()
            throw error
        }
    }

    func stop() async {
        await server.shutdown()
        log.close()
    }

    /// A client that speaks one protocol only.
    func client(_ applicationProtocol: ApplicationProtocol = .http2) async throws -> TestClient {
        try await TestClient(
            port: server.port, trustFile: certificates.authority.certificateFile,
            applicationProtocol: applicationProtocol)
    }

    /// Sends one question with a client of its own.
    func ask(_ message: String = "hello", key: String = GatewayFixture.clientKey) async throws -> TestResponse.State {
        let client = try await client()
        let response = try await client.chat(message, streaming: false, key: key).finish()
        await client.close()
        return response
    }

    /// Expects that a question is answered.
    func answers(_ location: SourceLocation = #_sourceLocation) async throws {
        let answer = try await ask()
        #expect(answer.head?.status == 200, "\(String(buffer: answer.body))", sourceLocation: location)
    }

    // MARK: The admin address

    func admin(_ path: String) async throws -> PlainAnswer {
        try await PlainAnswer.get(path, port: server.adminPort ?? 0)
    }

    func auth() async throws -> [String: Any] { try await admin("/auth").object }

    /// How a credential is doing, by `/health/detailed`.
    func health(of name: String) async throws -> [String: Any]? {
        let credentials = try await admin("/health/detailed").object["credentials"] as? [[String: Any]]
        return credentials?.first { $0["name"] as? String == name }
    }

    func state(of name: String) async throws -> String? { try await health(of: name)?["state"] as? String }

    /// Calls in flight with all credentials, and requests that wait for one.
    func load() async throws -> (inFlight: Int, waiting: Int) {
        let health = try await admin("/health/detailed").object
        let credentials = health["credentials"] as? [[String: Any]] ?? []
        return (
            credentials.reduce(0) { $0 + ($1["in_flight"] as? Int ?? 0) }, health["waiting_requests"] as? Int ?? -1
        )
    }
}
