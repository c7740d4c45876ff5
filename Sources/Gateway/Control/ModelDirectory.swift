import JSON
import NIOCore
import Qwen
import Translation
import Transport

/// Which models the credentials in use offer: asked of Qwen where it has a list, and kept for a while.
actor ModelDirectory {
    private struct Offer {
        let entries: [ModelEntry]
        let expiry: ContinuousClock.Instant
    }

    private static let lifetime = Duration.seconds(600)
    /// After a failure: a plan's host may have no list at all.
    private static let lifetimeOfFailure = Duration.seconds(60)
    private static let timeout = TimeAmount.seconds(5)

    private let fetcher: UpstreamFetcher
    private let aliases: ModelAliases
    /// By the base URLs' authorities.
    private var offers: [String: Offer] = [:]

    init(fetcher: UpstreamFetcher, aliases: ModelAliases) {
        self.fetcher = fetcher
        self.aliases = aliases
    }

    /// All that is offered, and the aliases. Where Qwen gives no list it is what is known of it.
    func catalog(of accesses: [QwenAccess]) async -> ModelCatalog {
        var entries: [[ModelEntry]] = []
        var asked: Set<String> = []
        for access in accesses where asked.insert(access.origin.authority).inserted {
            entries.append(await offer(of: access))
        }
        if entries.isEmpty { entries = [KnownModels.modelStudio] }
        return ModelCatalog(offers: entries, aliases: aliases)
    }

    private func offer(of access: QwenAccess) async -> [ModelEntry] {
        // Nobody has seen the portal serve a list.
        if access.provider.isPortal { return KnownModels.portal }
        let authority = access.origin.authority
        if let offer = offers[authority], offer.expiry > .now { return offer.entries }
        let fetched = await fetch(access)
        let lifetime = fetched == nil ? Self.lifetimeOfFailure : Self.lifetime
        let entries = fetched.map { Self.withEmbeddings($0, of: authority) } ?? KnownModels.modelStudio
        offers[authority] = Offer(entries: entries, expiry: .now + lifetime)
        return entries
    }

    /// A list without models for embeddings, with those that Model Studio has all the same; plans have none.
    static func withEmbeddings(_ entries: [ModelEntry], of authority: String) -> [ModelEntry] {
        let isComplete = entries.contains { $0.id.contains("embed") } || APIKeyFit.isPlan(authority)
        return isComplete ? entries : entries + KnownModels.embeddings
    }

    private func fetch(_ access: QwenAccess) async -> [ModelEntry]? {
        let response = try? await fetcher.fetch(
            access.provider.request(.get, "models"), from: access.origin, timeout: Self.timeout)
        guard let response, response.status == 200 else { return nil }
        var document = JSONDocument()
        return ModelEntry.offered(response.body, document: &document)
    }
}
