package import HTTP
internal import Synchronization

/// One client, as the gateway admits it: what it may do, and what it has used of that. Immutable but for its state;
/// event loops share it.
package final class Client: Sendable {
    package let id: String
    /// For logs and metrics; nil for clients without a key.
    package let name: String?
    package let isAdmin: Bool
    package let models: ModelPatterns
    package let networks: [NetworkPrefix]
    /// Nil turns a limit off. Where there is no key requests are limited by the address, and the rest holds for all
    /// clients without one together.
    package let requests: RateLimit?
    package let tokens: RateLimit?
    package let tokensPerDay: Int?
    package let streams: Int?
    package let state: ClientState

    package init(
        id: String, name: String?, isAdmin: Bool = false, models: ModelPatterns = ModelPatterns([]),
        networks: [NetworkPrefix] = [], limits: ClientLimits, state: ClientState
    ) {
        self.id = id
        self.name = name
        self.isAdmin = isAdmin
        self.models = models
        self.networks = networks
        requests = RateLimit(limits.requestRate, burst: limits.burst)
        tokens = RateLimit(tokensPerMinute: limits.tokensPerMinute)
        tokensPerDay = limits.tokensPerDay.flatMap { $0 > 0 ? $0 : nil }
        streams = limits.streams.flatMap { $0 > 0 ? $0 : nil }
        self.state = state
    }

    /// Whether tokens have to be estimated before Qwen is asked.
    package var countsTokens: Bool { tokens != nil || tokensPerDay != nil }

    func isAllowed(from address: NetworkAddress?) -> Bool {
        guard !networks.isEmpty else { return true }
        guard let address else { return false }
        return networks.contains { $0.contains(address) }
    }
}

/// What a client has used. It outlives changes of the client's settings.
package final class ClientState: Sendable {
    /// Theoretical arrival times (`RateLimit`).
    let requests = Atomic<UInt64>(0)
    let tokens = Atomic<UInt64>(0)
    package let today = DailyTokens()
    /// Requests that Qwen is answering, where they are limited.
    let streams = Atomic<Int>(0)
    private let lastUse = Atomic<Int64>(0)

    /// - Parameter usage: from before a restart.
    package init(_ usage: ClientUsage = ClientUsage()) {
        today.add(usage.tokens, on: usage.day)
        lastUse.store(usage.lastUsed ?? 0, ordering: .relaxed)
    }

    /// Milliseconds since 1970, to the second; nil for never.
    package var lastUsed: Int64? {
        let time = lastUse.load(ordering: .relaxed)
        return time > 0 ? time : nil
    }

    /// Notes a use. The word is written once a second only: loops that use one key at the same time share it.
    func use(_ time: Int64) {
        if time - lastUse.load(ordering: .relaxed) >= 1000 { lastUse.store(time, ordering: .relaxed) }
    }
}
