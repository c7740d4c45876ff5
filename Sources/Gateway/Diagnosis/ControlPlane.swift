import NIOCore
import NIOPosix
package import Qwen
import TLS
package import Translation
import Transport

/// One event loop with its ways to Qwen, for commands that ask Qwen something without a gateway that runs.
package final class ControlPlane: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let context: NIOLoopBound<LoopContext>
    let fetcher: UpstreamFetcher
    private let aliases: ModelAliases

    /// - Throws: `StartupError` where UPSTREAM_CA_FILE is of no use.
    package static func start(_ configuration: GatewayConfiguration) async throws(StartupError) -> ControlPlane {
        let tls: TLSClientContext
        do {
            tls = try TLSClientContext(additionalTrustFile: configuration.upstreamCAFile)
        } catch {
            throw StartupError("UPSTREAM_CA_FILE: \(error.reason)", exitCode: .configuration)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let context = try await LoopContext.makeAll(group)[0]
            let timeouts = ClientTimeouts(configuration)
            let pools = try await context.submit { loop in
                NIOLoopBound(UpstreamPools(tls: tls, loop: loop, timeouts: timeouts), eventLoop: loop.eventLoop)
            }
            return ControlPlane(group, context, UpstreamFetcher(pools), configuration.modelAliases)
        } catch {
            try? await group.shutdownGracefully()
            throw StartupError("\(error)", exitCode: .unavailable)
        }
    }

    private init(
        _ group: MultiThreadedEventLoopGroup, _ context: NIOLoopBound<LoopContext>, _ fetcher: UpstreamFetcher,
        _ aliases: ModelAliases
    ) {
        self.group = group
        self.context = context
        self.fetcher = fetcher
        self.aliases = aliases
    }

    package func stop() async {
        _ = try? await context.submit { $0.shutdown() }
        try? await group.shutdownGracefully()
    }

    /// The models that the credentials offer, and the aliases; what is known of Qwen where it gives no list.
    package func models(of credentials: [Credential]) async -> ModelCatalog {
        let directory = ModelDirectory(fetcher: fetcher, aliases: aliases)
        return await directory.catalog(of: credentials.compactMap { QwenAccess($0) })
    }
}

extension GatewayConfiguration {
    /// QWEN_API_KEY, with where it belongs.
    var environmentKey: APIKeyCredential? {
        qwenAPIKey.map { APIKeyCredential(key: $0.value, baseURL: upstream.description) }
    }

    /// The same as a credential like those of the store.
    package var environmentCredential: Credential? { environmentKey.map { .apiKey($0) } }
}
