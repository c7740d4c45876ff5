import Admission
import Logging
import NIOCore
import TLS
import Transport

/// What lets clients in: a gate on each event loop, and what keeps them up to date.
struct Gatehouse: Sendable {
    /// One for each loop, in their order.
    let gates: [NIOLoopBound<AdmissionGate>]
    let keeper: ClientKeeper

    /// - Throws: if the keys can not be read, or nobody could be served.
    static func start(
        _ contexts: [NIOLoopBound<LoopContext>], _ configuration: GatewayConfiguration, logger: Logger
    ) async throws -> Gatehouse {
        let addresses = AddressTable()
        let limit = RateLimit(configuration.limits.requestRate, burst: configuration.limits.burst)
        var gates: [NIOLoopBound<AdmissionGate>] = []
        for context in contexts {
            let eventLoop = context.eventLoop
            gates.append(
                try await eventLoop.submit {
                    NIOLoopBound(try AdmissionGate(addresses: addresses, addressLimit: limit), eventLoop: eventLoop)
                }.get())
        }
        let environment: [ClientRecord]
        do {
            environment = try configuration.clientKeys.map {
                try ClientRecord(name: $0.name, key: $0.key.value, isAdmin: $0.isAdmin)
            }
        } catch {
            throw StartupError("\(error)", exitCode: .unavailable)
        }
        let keeper = ClientKeeper(
            ClientKeeper.Settings(
                environment: environment, store: ClientKeyStore(directory: configuration.credentials.directory),
                allowsAnonymous: configuration.allowsAnonymous,
                acceptsCertificates: configuration.tls.clientAuthentication != nil, defaults: configuration.limits,
                aliases: configuration.modelAliases),
            gates: gates, logger: logger)
        try await keeper.start()
        return Gatehouse(gates: gates, keeper: keeper)
    }
}
