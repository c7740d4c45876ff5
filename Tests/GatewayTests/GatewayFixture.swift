import HTTP
import Logging
import NIOCore
import NIOPosix
import QwenSimulator
import TLS
import Telemetry
import TestSupport
import Transport

@testable import Gateway

/// A gateway before a simulator, both on loopback with certificates of their own, and the way to end them.
final class GatewayFixture: Sendable {
    static let clientKey = "client-key-0123456789abcdef"
    static let qwenKey = "qwen-key-0123456789abcdef"

    /// What is varied from test to test.
    struct Options: Sendable {
        var upstreamProtocols: [ApplicationProtocol] = [.http2, .http1]
        var environment: [String: String] = [:]
        /// The simulator accepts this key; nil for any.
        var simulatorKey: String? = GatewayFixture.qwenKey
    }

    let gateway: GatewayServer
    let simulator: QwenSimulator
    let certificates: TestCertificates
    let log: LogCollector

    private init(
        gateway: GatewayServer, simulator: QwenSimulator, certificates: TestCertificates, log: LogCollector
    ) {
        self.gateway = gateway
        self.simulator = simulator
        self.certificates = certificates
        self.log = log
    }

    /// Runs `body` with a fixture, and ends it whatever happens.
    static func run(
        _ options: Options = Options(), _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let fixture = try await start(options)
        do {
            try await body(fixture)
        } catch {
            await fixture.stop()
            throw error
        }
        await fixture.stop()
    }

    private static func start(_ options: Options) async throws -> GatewayFixture {
        let certificates = try TestCertificates()
        let server = try certificates.issue(names: ["localhost"], addresses: ["127.0.0.1"])
        var simulatorOptions = QwenSimulator.Options()
        simulatorOptions.apiKey = options.simulatorKey
        let simulator = try await QwenSimulator.start(
            simulatorOptions,
            tls: TLSServerContext(
                certificateChain: server.certificate, privateKey: server.privateKey, alpn: options.upstreamProtocols))
        var environment = [
            "SERVER_HOST": "127.0.0.1", "SERVER_PORT": "0", "TLS_CERT_FILE": server.certificateFile,
            "TLS_KEY_FILE": server.privateKeyFile, "API_BASE_URL": "https://127.0.0.1:\(simulator.port)/v1",
            "UPSTREAM_CA_FILE": certificates.authority.certificateFile, "QWEN_API_KEY": qwenKey,
            "GATEWAY_API_KEYS": clientKey, "WORKERS": "1", "SHUTDOWN_TIMEOUT": "10s", "LOG_LEVEL": "debug",
            "ADMIN_ADDRESS": "127.0.0.1:0",
        ]
        environment.merge(options.environment) { $1 }
        environment = environment.filter { !$0.value.isEmpty }
        let configuration = try GatewayConfiguration.load(
            environment: environment, workingDirectory: certificates.directory)
        let redactor = SecretRedactor(configuration.secrets)
        let log = LogCollector()
        let sink = LogSink(descriptor: log.writeDescriptor, format: .json)
        var logger = Logger(label: "test") { _ in
            SinkLogHandler(sink: sink, redactor: redactor, logLevel: .debug)
        }
        logger.logLevel = Logger.Level.debug
        do {
            let gateway = try await GatewayServer.start(configuration, sink: sink, redactor: redactor, logger: logger)
            log.attach(sink)
            return GatewayFixture(gateway: gateway, simulator: simulator, certificates: certificates, log: log)
        } catch {
            await simulator.shutdown()
            throw error
        }
    }

    private func stop() async {
        await gateway.shutdown()
        await simulator.shutdown()
        log.close()
    }

    /// A client of the gateway that speaks one protocol only.
    func client(_ applicationProtocol: ApplicationProtocol) async throws -> TestClient {
        try await TestClient(
            port: gateway.port, trustFile: certificates.authority.certificateFile,
            applicationProtocol: applicationProtocol)
    }

    /// Waits until `condition` holds; false when it does not within the limit.
    static func eventually(
        within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
    ) async rethrows -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if try await condition() { return true }
            await Task.yield()
        }
        return try await condition()
    }
}
