import Admission
import HTTP
package import Logging
import NIOCore
import NIOPosix
import Qwen
import TLS
package import Telemetry
import Transport

/// The gateway as a running whole: event loops, listeners, upstream pools, and their end.
package final class GatewayServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let contexts: [NIOLoopBound<LoopContext>]
    private let server: HTTPSServer
    private let configuration: GatewayConfiguration
    private let logger: Logger
    private let ticketRotation: RepeatedTask

    /// The port that is listened on.
    package var port: Int { server.port }

    private init(
        group: MultiThreadedEventLoopGroup, contexts: [NIOLoopBound<LoopContext>], server: HTTPSServer,
        configuration: GatewayConfiguration, logger: Logger, tls: TLSServerContext
    ) {
        // Hourly: the context decides whether its ticket keys are old enough.
        ticketRotation = contexts[0].eventLoop.scheduleRepeatedTask(initialDelay: .hours(1), delay: .hours(1)) { _ in
            do {
                try tls.rotateTicketKeys(now: .now())
            } catch {
                logger.error("the session ticket keys could not be rotated", metadata: ["reason": "\(error)"])
            }
        }
        self.group = group
        self.contexts = contexts
        self.server = server
        self.configuration = configuration
        self.logger = logger
    }

    /// Starts the gateway.
    ///
    /// - Throws: `StartupError`, with a sentence for the operator and an exit code.
    package static func start(
        _ configuration: GatewayConfiguration, sink: LogSink, redactor: SecretRedactor, logger: Logger
    ) async throws(StartupError) -> GatewayServer {
        let serverTLS: TLSServerContext
        let clientTLS: TLSClientContext
        let shared: GatewayService.Shared
        do {
            serverTLS = try TLSServerContext(
                certificateChainFile: configuration.tlsCertificateFile, privateKeyFile: configuration.tlsKeyFile)
            clientTLS = try TLSClientContext(additionalTrustFile: configuration.upstreamCAFile)
            shared = try makeShared(configuration, logger, redactor)
        } catch {
            throw StartupError(error.reason, exitCode: .configuration)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.workers)
        do {
            let contexts = try await LoopContext.makeAll(group)
            let origin = Origin(host: configuration.upstream.host, port: configuration.upstream.port)
            let timeouts = clientTimeouts(configuration)
            let server = try await HTTPSServer.start(
                serverOptions(configuration), tls: serverTLS, contexts: contexts
            ) { loop in
                let pool = UpstreamPool(origin: origin, tls: clientTLS, loop: loop, timeouts: timeouts)
                return try GatewayService(
                    shared: shared, loop: loop, pool: pool, accessLog: AccessLog(sink: sink, redactor: redactor))
            }
            return GatewayServer(
                group: group, contexts: contexts, server: server, configuration: configuration, logger: logger,
                tls: serverTLS)
        } catch {
            try? await group.shutdownGracefully()
            throw StartupError("\(error)", exitCode: .unavailable)
        }
    }

    private static func makeShared(
        _ configuration: GatewayConfiguration, _ logger: Logger, _ redactor: SecretRedactor
    ) throws(TLSError) -> GatewayService.Shared {
        let origin = Origin(host: configuration.upstream.host, port: configuration.upstream.port)
        var entries: [ClientKeys.Entry] = []
        for key in configuration.clientKeys {
            entries.append(try ClientKeys.Entry(name: key.name, key: key.key.value))
        }
        return GatewayService.Shared(
            provider: QwenProvider(
                authority: origin.authority, basePath: configuration.upstream.path,
                apiKey: configuration.qwenAPIKey?.value ?? "", userAgent: "qwen-gateway/\(GatewayVersion.current)"),
            keys: entries, allowsAnonymous: configuration.allowsAnonymous,
            defaultModel: configuration.defaultModel, maxBodyBytes: configuration.maxBodyBytes, logger: logger,
            redactor: redactor)
    }

    private static func serverOptions(_ configuration: GatewayConfiguration) -> HTTPSServer.Options {
        var options = HTTPSServer.Options(host: configuration.serverHost, port: configuration.serverPort)
        options.timeouts.handshake = TimeAmount(configuration.handshakeTimeout)
        options.timeouts.request = TimeAmount(configuration.readTimeout)
        options.timeouts.stalledWrite = TimeAmount(configuration.writeTimeout)
        options.timeouts.keepAlive = TimeAmount(configuration.keepAliveTimeout)
        return options
    }

    private static func clientTimeouts(_ configuration: GatewayConfiguration) -> ClientTimeouts {
        var timeouts = ClientTimeouts()
        timeouts.connect = TimeAmount(configuration.upstreamConnectTimeout)
        timeouts.handshake = TimeAmount(configuration.handshakeTimeout)
        timeouts.firstByte = TimeAmount(configuration.upstreamFirstByteTimeout)
        timeouts.idle = TimeAmount(configuration.upstreamIdleTimeout)
        return timeouts
    }

    /// Stops accepting, lets exchanges in progress finish within SHUTDOWN_TIMEOUT, and ends the event loops.
    package func shutdown() async {
        ticketRotation.cancel()
        let open = await server.connectionCount()
        logger.info("draining", metadata: ["connections": "\(open)"])
        let left = await server.drain(timeout: TimeAmount(configuration.shutdownTimeout))
        if left > 0 {
            logger.warning("connections were broken off", metadata: ["connections": "\(left)"])
        }
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
}
