import HTTP
import NIOCore
import NIOPosix
package import TLS
import Transport

/// A stand-in for Qwen: an HTTPS server that answers chat completions in Qwen's shapes and goes wrong on demand.
package final class QwenSimulator: Sendable {
    /// How it is set up.
    package struct Options: Sendable {
        package var host = "127.0.0.1"
        /// 0 lets the system choose.
        package var port = 0
        /// The only key that is let in; nil lets every one in.
        package var apiKey: String?
        package var workers = 1
        package init() {}
    }

    private let group: MultiThreadedEventLoopGroup
    private let contexts: [NIOLoopBound<LoopContext>]
    private let server: HTTPSServer
    /// What became of the requests.
    package let counters: Counters

    package var port: Int { server.port }

    private init(
        group: MultiThreadedEventLoopGroup, contexts: [NIOLoopBound<LoopContext>], server: HTTPSServer,
        counters: Counters
    ) {
        self.group = group
        self.contexts = contexts
        self.server = server
        self.counters = counters
    }

    /// Starts a simulator.
    package static func start(_ options: Options, tls: TLSServerContext) async throws -> QwenSimulator {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.workers)
        do {
            let contexts = try await LoopContext.makeAll(group)
            let counters = Counters()
            let apiKey = options.apiKey
            var serverOptions = HTTPSServer.Options(host: options.host, port: options.port)
            serverOptions.limits.concurrentStreams = 256
            let server = try await HTTPSServer.start(serverOptions, tls: tls, contexts: contexts) { loop in
                SimulatorService(loop: loop, apiKey: apiKey, counters: counters)
            }
            return QwenSimulator(group: group, contexts: contexts, server: server, counters: counters)
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
}
