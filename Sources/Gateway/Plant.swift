import Logging
import NIOCore
import NIOPosix
package import Qwen
import TLS
import Telemetry
import Transport
import Vault

/// What is there before the first listener opens: the event loops with their ways to Qwen, and the control plane.
struct Plant: Sendable {
    let contexts: [NIOLoopBound<LoopContext>]
    /// One for each loop, in their order.
    let dispatchers: [NIOLoopBound<QwenDispatcher>]
    let keeper: CredentialKeeper

    static func start(
        _ group: MultiThreadedEventLoopGroup, _ configuration: GatewayConfiguration,
        _ settings: CredentialKeeper.Settings, tls: TLSClientContext, logger: Logger, redactor: SecretRedactor
    ) async throws -> Plant {
        let contexts = try await LoopContext.makeAll(group)
        let timeouts = ClientTimeouts(configuration)
        let retryBudget = TimeAmount(configuration.upstreamRetryBudget)
        var dispatchers: [NIOLoopBound<QwenDispatcher>] = []
        var fetcher: UpstreamFetcher?
        for context in contexts {
            let eventLoop = context.eventLoop
            let (dispatcher, pools) = try await eventLoop.submit {
                let pools = UpstreamPools(tls: tls, loop: context.value, timeouts: timeouts)
                let dispatcher = QwenDispatcher(
                    loop: context.value, pools: pools, retryBudget: retryBudget, metrics: LoopMetrics())
                return (
                    NIOLoopBound(dispatcher, eventLoop: eventLoop), NIOLoopBound(pools, eventLoop: eventLoop)
                )
            }.get()
            dispatchers.append(dispatcher)
            if fetcher == nil { fetcher = UpstreamFetcher(pools) }
        }
        guard let fetcher else { throw StartupError("there is no event loop", exitCode: .unavailable) }
        let keeper = CredentialKeeper(
            settings, transport: FetchingOAuthTransport(fetcher: fetcher),
            models: ModelDirectory(fetcher: fetcher, aliases: configuration.modelAliases), loops: dispatchers,
            logger: logger,
            redactor: redactor, onLogin: { LoginAnnouncement.make($0, logger: logger) })
        for dispatcher in dispatchers {
            dispatcher.execute { $0.control = .init { await keeper.renew($0, generation: $1, patience: $2) } }
        }
        try await keeper.start()
        return Plant(contexts: contexts, dispatchers: dispatchers, keeper: keeper)
    }
}

extension ClientTimeouts {
    init(_ configuration: GatewayConfiguration) {
        self.init()
        connect = TimeAmount(configuration.upstreamConnectTimeout)
        handshake = TimeAmount(configuration.handshakeTimeout)
        firstByte = TimeAmount(configuration.upstreamFirstByteTimeout)
        idle = TimeAmount(configuration.upstreamIdleTimeout)
    }
}

extension CredentialKeeper.Settings {
    /// - Throws: what of the credentials can not work, in a sentence for the operator.
    init(_ configuration: GatewayConfiguration, logger: Logger) throws(StartupError) {
        let userAgent = GatewayVersion.userAgent
        self.init(
            environmentKey: try Self.environmentKey(configuration, logger),
            store: try configuration.credentials.makeStore(),
            oauth: try configuration.oauth.requests(),
            refreshBuffer: configuration.oauth.refreshBuffer, userAgent: userAgent)
    }

    private static func environmentKey(
        _ configuration: GatewayConfiguration, _ logger: Logger
    ) throws(StartupError) -> APIKeyCredential? {
        guard let credential = configuration.environmentKey else { return nil }
        switch APIKeyFit(key: credential.key, baseURL: credential.baseURL) {
        case .fits: break
        case .warns(let warning): logger.warning("QWEN_API_KEY: \(warning)")
        case .refused(let reason): throw StartupError("QWEN_API_KEY: \(reason)", exitCode: .configuration)
        }
        guard QwenAccess(credential, userAgent: GatewayVersion.userAgent) != nil else {
            throw StartupError("API_BASE_URL: no request can be sent to it", exitCode: .configuration)
        }
        return credential
    }
}

extension GatewayConfiguration.CredentialSettings {
    /// The store of the credentials; nil without the secret that seals them.
    package func makeStore() throws(StartupError) -> CredentialStore? {
        guard let secret else { return nil }
        do throws(VaultError) {
            let sealing = try VaultSecret(Array(secret.value.utf8))
            let previous: VaultSecret?
            if let text = previousSecret?.value { previous = try VaultSecret(Array(text.utf8)) } else { previous = nil }
            return CredentialStore(directory: directory, secret: sealing, previous: previous)
        } catch {
            throw StartupError("QWEN_CREDENTIALS_SECRET: \(error)", exitCode: .configuration)
        }
    }
}

extension GatewayConfiguration.OAuthSettings {
    /// The requests of logins and refreshes.
    func requests() throws(StartupError) -> OAuthRequests {
        do throws(OAuthEndpoints.Fault) {
            let endpoints = try OAuthEndpoints(
                baseURL: baseURL.description, clientID: clientID, scope: scope,
                deviceAuthorizationURL: deviceURL?.description)
            return OAuthRequests(endpoints: endpoints, userAgent: GatewayVersion.userAgent)
        } catch {
            throw StartupError(error.description, exitCode: .configuration)
        }
    }
}

extension GatewayConfiguration {
    /// The base URL that a key for `region` or `baseURL` belongs to; the configuration's own where neither is given.
    ///
    /// - Throws: what is wrong with either.
    package func baseURL(region: String?, baseURL: String?) throws(StartupError) -> String {
        do throws(ValueFault) {
            switch (region, baseURL) {
            case (nil, nil): return upstream.description
            case (nil, let url?): return try BaseURL(url).description
            case (let name?, nil):
                let region: Region = try Values.choice(name)
                return region.baseURL
            case (_?, _?): throw ValueFault("and --base-url exclude each other")
            }
        } catch {
            throw StartupError(
                "\(baseURL == nil || region != nil ? "--region" : "--base-url") \(error.phrase)",
                exitCode: .configuration)
        }
    }
}
