import Admission
import HTTP
package import Logging
import NIOCore
import NIOPosix
import TLS
package import Telemetry
import Transport

/// The gateway as a running whole: event loops, listeners, credentials, upstream pools, and their end.
package final class GatewayServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let contexts: [NIOLoopBound<LoopContext>]
    private let server: HTTPSServer
    private let admin: HTTPSServer?
    private let keeper: CredentialKeeper
    private let clients: ClientKeeper
    private let console: ConsoleWatch
    private let configuration: GatewayConfiguration
    private let logger: Logger
    private let certificates: CertificateKeeper

    /// The port that is listened on.
    package var port: Int { server.port }
    /// The port of the admin address; nil where that is off.
    package var adminPort: Int? { admin?.port }

    private init(
        group: MultiThreadedEventLoopGroup, plant: Plant, clients: ClientKeeper, server: HTTPSServer,
        admin: HTTPSServer?,
        configuration: GatewayConfiguration, logger: Logger, certificates: CertificateKeeper, console: ConsoleWatch
    ) {
        self.group = group
        contexts = plant.contexts
        keeper = plant.keeper
        self.clients = clients
        self.server = server
        self.admin = admin
        self.configuration = configuration
        self.logger = logger
        self.console = console
        self.certificates = certificates
        console.begin([server, admin].compactMap(\.self), plant.dispatchers, clients) {
            certificates.context.certificateFacts.map(\.summary)
        }
    }

    /// Starts the gateway.
    ///
    /// - Throws: `StartupError`, with a sentence for the operator and an exit code.
    package static func start(
        _ configuration: GatewayConfiguration, sink: LogSink, redactor: SecretRedactor, logger: Logger
    ) async throws(StartupError) -> GatewayServer {
        let serverTLS: TLSServerContext
        let stamp: TLSFilesStamp
        let clientTLS: TLSClientContext
        let shared: GatewayService.Shared
        redactor.register(SecretForm(prefix: ClientKeyText.prefix, length: ClientKeyText.length))
        let settings = try CredentialKeeper.Settings(configuration, logger: logger)
        do {
            // Before the files are read: what changes meanwhile is seen.
            stamp = configuration.tls.stamp()
            serverTLS = try TLSServerContext(configuration.tls)
            clientTLS = try TLSClientContext(additionalTrustFile: configuration.upstreamCAFile)
            shared = GatewayShared(configuration, logger: logger, redactor: redactor)
        } catch {
            throw StartupError(error.reason, exitCode: .configuration)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.workers)
        var plant: Plant?
        var gatehouse: Gatehouse?
        do {
            let started = try await Plant.start(
                group, configuration, settings, tls: clientTLS, logger: logger, redactor: redactor)
            plant = started
            let gates = try await Gatehouse.start(started.contexts, configuration, logger: logger)
            gatehouse = gates
            let server = try await listen(
                serverOptions(configuration, logger), started, gates, started.contexts, tls: serverTLS,
                audience: .clients,
                shared, sink)
            do {
                let admin = try await listenForOperators(configuration, started, gates, shared, sink)
                let certificates = CertificateKeeper(configuration.tls, serverTLS, stamp: stamp, logger: logger) {
                    server.replaceTLS($0)
                }
                await certificates.start()
                return GatewayServer(
                    group: group, plant: started, clients: gates.keeper, server: server, admin: admin,
                    configuration: configuration,
                    logger: logger, certificates: certificates, console: shared.console)
            } catch {
                _ = await server.drain(timeout: .zero)
                throw error
            }
        } catch {
            await gatehouse?.keeper.stop()
            await plant?.keeper.stop()
            for context in plant?.contexts ?? [] { _ = try? await context.submit { $0.shutdown() } }
            try? await group.shutdownGracefully()
            throw error as? StartupError ?? StartupError("\(error)", exitCode: .unavailable)
        }
    }

    private static func listen(
        _ options: HTTPSServer.Options, _ plant: Plant, _ gatehouse: Gatehouse, _ contexts: [NIOLoopBound<LoopContext>],
        tls: TLSServerContext?, audience: GatewayService.Audience, _ shared: GatewayService.Shared, _ sink: LogSink
    ) async throws -> HTTPSServer {
        let dispatchers = plant.dispatchers
        let keeper = plant.keeper
        return try await HTTPSServer.start(options, tls: tls, contexts: contexts) { loop in
            GatewayService(
                shared: shared, loop: loop, dispatcher: dispatchers[loop.index].value, keeper: keeper,
                gate: gatehouse.gates[loop.index].value, audience: audience,
                accessLog: AccessLog(sink: sink, redactor: shared.redactor))
        }
    }

    /// Plain HTTP, on one event loop.
    private static func listenForOperators(
        _ configuration: GatewayConfiguration, _ plant: Plant, _ gatehouse: Gatehouse, _ shared: GatewayService.Shared,
        _ sink: LogSink
    ) async throws -> HTTPSServer? {
        guard let address = configuration.adminAddress else { return nil }
        var options = HTTPSServer.Options(host: address.host, port: address.port)
        options.portVariable = "ADMIN_ADDRESS"
        let needsKey = !HostText.isLoopback(address.host)
        return try await listen(
            options, plant, gatehouse, [plant.contexts[0]], tls: nil, audience: .operators(needsKey: needsKey), shared,
            sink)
    }

    /// How many connections clients may have. More than there are descriptors for would only make accepting fail.
    private static func connectionLimits(_ edge: EdgeSettings, _ logger: Logger) -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.total = edge.maxConnections
        limits.handshakes = edge.maxHandshakes
        if let descriptors = DescriptorLimit.raise() {
            limits.total = min(limits.total, descriptors.mostConnections)
            logger.info(
                "file descriptors",
                metadata: [
                    "limit": "\(descriptors.limit)", "before": "\(descriptors.before)",
                    "max_connections": "\(limits.total)",
                ])
        }
        // Where an address may have all of them, addresses are not counted.
        if edge.maxConnectionsPerAddress < limits.total { limits.perAddress = edge.maxConnectionsPerAddress }
        return limits
    }

    private static func serverOptions(
        _ configuration: GatewayConfiguration, _ logger: Logger
    ) -> HTTPSServer.Options {
        var options = HTTPSServer.Options(host: configuration.serverHost, port: configuration.serverPort)
        options.timeouts.handshake = TimeAmount(configuration.handshakeTimeout)
        let edge = configuration.edge
        let readTimeout = TimeAmount(configuration.readTimeout)
        options.timeouts.requestHead = min(TimeAmount(edge.headerTimeout), readTimeout)
        options.timeouts.body = MinimumPace(rate: edge.readMinRate, grace: readTimeout)
        options.timeouts.response = MinimumPace(
            rate: edge.writeMinRate, grace: TimeAmount(configuration.writeTimeout))
        options.timeouts.keepAlive = TimeAmount(configuration.keepAliveTimeout)
        options.connections = ConnectionLedger(connectionLimits(edge, logger))
        options.memory = MemoryBudget(limit: edge.memoryBudget)
        options.trustedProxies = edge.trustedProxies
        options.proxyProtocol = edge.proxyProtocol
        return options
    }

    /// Reads the files of the public listener's TLS again, whether or not they have changed. Connections stay.
    package func reload() async {
        await certificates.reload()
    }

    /// Stops accepting, lets exchanges in progress finish within SHUTDOWN_TIMEOUT, and ends the event loops.
    package func shutdown() async {
        await certificates.stop()
        let open = await server.connectionCount()
        logger.info("draining", metadata: ["connections": "\(open)"])
        let left = await server.drain(timeout: TimeAmount(configuration.shutdownTimeout))
        if left > 0 {
            logger.warning("connections were broken off", metadata: ["connections": "\(left)"])
        }
        _ = await admin?.drain(timeout: .seconds(1))
        await console.end()
        // What the last exchanges have cost is known now.
        await clients.stop()
        await keeper.stop()
        for context in contexts { _ = try? await context.submit { $0.shutdown() } }
        try? await group.shutdownGracefully()
        logger.info("stopped")
    }
}

/// Why the gateway did not start.
package struct StartupError: Error, Sendable, CustomStringConvertible {
    /// Exit codes, as sysexits(3) names them.
    package enum ExitCode: Int32, Sendable {
        /// EX_UNAVAILABLE: something that is needed is not there, such as a free port.
        case unavailable = 69
        /// EX_CONFIG: the configuration, or a file that it names, is wrong.
        case configuration = 78
    }

    package let description: String
    package let exitCode: ExitCode

    package init(_ description: String, exitCode: ExitCode) {
        self.description = description
        self.exitCode = exitCode
    }
}

/// The version of the gateway.
package enum GatewayVersion {
    package static let current = "0.1.0"
    /// Of the libraries that are loaded, which may be newer than those it was built with.
    package static var openSSL: String { TLSLibrary.version }
    package static var nghttp2: String { HTTP2Library.version }
    /// What the gateway calls itself to Qwen.
    static let userAgent = "qwen-gateway/\(current)"
}
