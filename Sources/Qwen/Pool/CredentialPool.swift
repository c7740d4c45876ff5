package import NIOCore

/// The credentials as one event loop sees them: what each call is sent with is chosen here.
///
/// All loops have pools over the same `PooledCredential`s, which carry what is shared; what a call is sent with is the
/// loop's own copy, replaced when a token is.
package struct CredentialPool {
    private struct Entry {
        let credential: PooledCredential
        var provider: QwenProvider
        var generation: Int
        /// The number of the last choice that fell on it.
        var lastUsed: UInt64 = 0
    }

    /// What came of a choice.
    package enum Choice {
        case lease(CredentialLease)
        /// Those that could serve rest, or have as many calls as they may: look again then, or when a call has ended.
        /// A request whose patience ends before is told at once, with `exhaustion`.
        case wait(until: NIODeadline)
        /// There is none that ever will by itself: all are dead, tried, or unsuitable.
        case none
    }

    private var entries: [Entry] = []
    private var choices: UInt64 = 0
    /// How soon to look again where a call that ends on another loop makes room.
    private static let look = TimeAmount.milliseconds(50)

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// Whether every credential serves requests of this kind.
    package func allServe(_ need: QwenProvider.Capability) -> Bool {
        need == .chat || entries.allSatisfy { $0.provider.serves(need) }
    }

    package var count: Int { entries.count }

    // MARK: Members

    /// Adds a credential, or replaces the one of the same name.
    package mutating func add(_ credential: PooledCredential, provider: QwenProvider, generation: Int = 0) {
        let entry = Entry(credential: credential, provider: provider, generation: generation)
        if let index = index(of: credential.name) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Calls under way keep their leases.
    package mutating func remove(_ name: String) {
        entries.removeAll { $0.credential.name == name }
    }

    /// Sends further calls with a new token. An older one than that in use is ignored.
    package mutating func replaceProvider(of name: String, with provider: QwenProvider, generation: Int) {
        guard let index = index(of: name), entries[index].generation < generation else { return }
        entries[index].provider = provider
        entries[index].generation = generation
    }

    private func index(of name: String) -> Int? {
        entries.firstIndex { $0.credential.name == name }
    }

    // MARK: Choosing

    /// The open credential with the fewest calls in flight, of several the one that was not used for longest. One that
    /// was throttled a moment ago is taken only if there is no other.
    ///
    /// - Parameters:
    ///   - tried: what the request need not be sent with again.
    ///   - need: what the request asks for.
    package mutating func choose(
        now: NIODeadline, except tried: TriedCredentials = TriedCredentials(), for need: QwenProvider.Capability = .chat
    ) -> Choice {
        var best: (index: Int, isAvoided: Bool, inFlight: Int)?
        var soonest: NIODeadline?
        // By index: a copy of each entry would count references.
        for index in entries.indices {
            let credential = entries[index].credential
            if !tried.isEmpty, tried.contains(credential.name, entries[index].provider.authority) { continue }
            guard entries[index].provider.serves(need) else { continue }
            if let opens = credential.closed(now) {
                if !credential.isDead { soonest = min(soonest ?? opens, opens) }
                continue
            }
            let inFlight = credential.inFlight
            guard inFlight < credential.width(now) else {
                soonest = min(soonest ?? now + Self.look, now + Self.look)
                continue
            }
            let isAvoided = credential.isAvoided(now)
            if let best {
                guard
                    (isAvoided ? 1 : 0, inFlight, entries[index].lastUsed)
                        < (best.isAvoided ? 1 : 0, best.inFlight, entries[best.index].lastUsed)
                else { continue }
            }
            best = (index, isAvoided, inFlight)
        }
        guard let best else { return soonest.map { .wait(until: $0) } ?? .none }
        choices += 1
        entries[best.index].lastUsed = choices
        let entry = entries[best.index]
        return .lease(CredentialLease(entry.credential, entry.provider, generation: entry.generation, now: now))
    }

    /// Whether a request that a credential was refused with can at once be sent with another that is open, not
    /// throttled, and not yet tried.
    package func hasAlternative(
        to lease: CredentialLease, again: FaultPolicy.Again, except tried: TriedCredentials, now: NIODeadline,
        for need: QwenProvider.Capability = .chat
    ) -> Bool {
        entries.contains { entry in
            entry.credential !== lease.credential
                && (again != .otherHost || entry.provider.authority != lease.provider.authority)
                && !tried.contains(entry.credential.name, entry.provider.authority)
                && entry.credential.closed(now) == nil && !entry.credential.isAvoided(now)
                && entry.credential.inFlight < entry.credential.width(now) && entry.provider.serves(need)
        }
    }

    // MARK: Exhaustion

    /// The soonest instant at which a credential is open; nil if none ever is by itself.
    package func earliestRecovery(now: NIODeadline, for need: QwenProvider.Capability = .chat) -> NIODeadline? {
        entries.lazy.filter { !$0.credential.isDead && $0.provider.serves(need) }
            .map { $0.credential.closed(now) ?? now }.min()
    }

    /// What a client is told when no credential is open: the error of the one that opens first, and exactly how long
    /// that takes.
    package func exhaustion(now: NIODeadline, for need: QwenProvider.Capability = .chat) -> QwenFault {
        let suitable = entries.filter { $0.provider.serves(need) }
        if suitable.isEmpty, !entries.isEmpty {
            return QwenFault(kind: .authentication, message: Self.noCredential(for: need))
        }
        let alive = suitable.filter { !$0.credential.isDead }
        let first = alive.min { ($0.credential.closed(now) ?? now) < ($1.credential.closed(now) ?? now) }
        guard let first else {
            let reason = suitable.lazy.compactMap { $0.credential.reason() }.first { _ in true }
            return reason ?? QwenFault(kind: .authentication, message: Self.noCredential)
        }
        var fault = first.credential.reason() ?? QwenFault(kind: .throttled(.concurrency))
        fault.retryAfter = first.credential.closed(now).map { $0 - now }
        return fault
    }

    private static let noCredential = """
        It has no credential: set QWEN_API_KEY, run “qwen-gateway credentials add”, or log in with \
        “qwen-gateway login” or /auth on its admin address.
        """

    /// Logins lead to the portal.
    private static func noCredential(for need: QwenProvider.Capability) -> String {
        """
        It has logins alone, which serve chat and no \(need.rawValue): set QWEN_API_KEY, or run “qwen-gateway \
        credentials add”.
        """
    }

    package func snapshots(now: NIODeadline) -> [CredentialSnapshot] {
        entries.map { $0.credential.snapshot(now) }
    }
}

/// What one request has been refused with, and need not be sent with again.
package struct TriedCredentials: Sendable, Equatable {
    private var names: [String] = []
    private var authorities: [String] = []

    package init() {}

    package var isEmpty: Bool { names.isEmpty && authorities.isEmpty }

    /// Takes note of a credential that is of no use to the request.
    package mutating func add(_ name: String) { names.append(name) }

    /// Takes note of a refusal after which the request may be sent again as `again` says.
    package mutating func add(_ lease: CredentialLease, again: FaultPolicy.Again) {
        switch again {
        case .never, .anyCredential: break
        case .otherCredential: names.append(lease.credential.name)
        case .otherHost: authorities.append(lease.provider.authority)
        }
    }

    func contains(_ name: String, _ authority: String) -> Bool {
        names.contains(name) || authorities.contains(authority)
    }
}
