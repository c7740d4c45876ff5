import ArgumentParser
import Dispatch
import Gateway
import Glibc
import Logging
import NIOCore
import Telemetry
import Vault

let gatewayVersion = GatewayVersion.current

/// `qwen-gateway serve`: runs the gateway until it is told to end.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        discussion: """
            Everything is configured by environment variables, or by a .env file in the working directory.
            SIGHUP reads the certificates again, which a change of their files does by itself.
            SIGTERM and SIGINT end it after the exchanges in progress, within SHUTDOWN_TIMEOUT; a second one at once.
            Exit codes: 0 ended as told, 69 the port is not free, 78 the configuration is wrong.
            """)

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        // A dump of the memory would hold every secret.
        ProcessHardening.disableCoreDumps()
        // Some builds of OpenSSL write the keys of every session to the file that this names.
        unsafe unsetenv("SSLKEYLOGFILE")
        // Asked for before the start, so that a signal during it is not lost.
        let signals = TerminationSignals()
        let configuration = try loadConfiguration()
        let redactor = SecretRedactor(configuration.secrets)
        let sink = LogSink(format: configuration.logFormat == .json ? .json : .text)
        let logger = Self.makeLogger(configuration, sink, redactor)
        for warning in configuration.warnings { logger.warning("\(warning)") }
        let server: GatewayServer
        do {
            server = try await GatewayServer.start(configuration, sink: sink, redactor: redactor, logger: logger)
        } catch {
            _ = sink.close(within: .seconds(1))
            Self.complain([error.description])
            throw ExitCode(error.exitCode.rawValue)
        }
        logger.info(
            "listening",
            metadata: [
                "address": "\(configuration.serverHost)", "port": "\(server.port)",
                "admin_port": "\(server.adminPort.map { "\($0)" } ?? "off")",
                "version": "\(gatewayVersion)", "workers": "\(configuration.workers)",
            ])
        let reloads = ReloadSignals { await server.reload() }
        await signals.next()
        reloads.cancel()
        Task {
            await signals.next()
            _ = sink.close(within: .seconds(1))
            Glibc.exit(130)
        }
        await server.shutdown()
        _ = sink.close(within: .seconds(5))
    }

    private func loadConfiguration() throws -> GatewayConfiguration {
        do {
            return try GatewayConfiguration.loadFromProcess()
        } catch {
            Self.complain(error.problems)
            throw ExitCode(StartupError.ExitCode.configuration.rawValue)
        }
    }

    private static func makeLogger(
        _ configuration: GatewayConfiguration, _ sink: LogSink, _ redactor: SecretRedactor
    ) -> Logger {
        let level = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        LoggingSystem.bootstrap { _ in SinkLogHandler(sink: sink, redactor: redactor, logLevel: level) }
        return Logger(label: "qwen-gateway")
    }

    /// Tells the operator what keeps the gateway from starting, a line each.
    private static func complain(_ problems: [String]) {
        var text = "qwen-gateway can not start:\n"
        for problem in problems { text += "  \(problem)\n" }
        _ = unsafe text.withCString { unsafe write(2, $0, strlen($0)) }
    }
}

/// Does something at each SIGHUP, one after the other; before and after it SIGHUP does nothing.
final class ReloadSignals: Sendable {
    private nonisolated(unsafe) let source: any DispatchSourceSignal
    private let task: Task<Void, Never>

    init(_ body: @escaping @Sendable () async -> Void) {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal(SIGHUP, SIG_IGN)
        unsafe source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        unsafe source.setEventHandler { continuation.yield() }
        unsafe source.activate()
        task = Task { for await _ in stream { await body() } }
    }

    func cancel() {
        unsafe source.cancel()
        task.cancel()
    }
}

/// SIGTERM and SIGINT, as a sequence.
final class TerminationSignals: Sendable {
    private let stream: AsyncStream<Void>
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(2))
        self.stream = stream
        unsafe sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.activate()
            return source
        }
    }

    /// Returns when the next one comes.
    func next() async {
        for await _ in stream { return }
    }
}
