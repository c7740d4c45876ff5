package import NIOCore
import Synchronization

/// What all event loops share of one credential: how many calls it has in flight, and how it is doing.
///
/// A request reads atomics and takes no lock. What an answer changes is worked out under a lock, which is taken only
/// when something is or was wrong, and published in the atomics: all loops see it with their next choice. It holds no
/// secret.
package final class PooledCredential: Sendable {
    package enum Access: String, Sendable {
        case apiKey = "api_key"
        case oauth
    }

    /// Names the credential in the pool, in logs and in reports; unique.
    package let name: String
    package let access: Access

    private let health: Mutex<CredentialHealth>
    private let inFlightCount = Atomic<Int>(0)
    private let begunCount = Atomic<Int>(0)
    private let succeededCount = Atomic<Int>(0)
    private let failedCount = Atomic<Int>(0)
    private let latestGeneration = Atomic<Int>(0)
    private let acceptedGeneration = Atomic<Int>(-1)

    /// Published, in nanoseconds of uptime: closed and avoided before these instants; the largest number is forever.
    private let closedUntil = Atomic<UInt64>(0)
    private let avoidedUntil = Atomic<UInt64>(0)
    private let isTroubled = Atomic<Bool>(false)
    private let windowCalls = Atomic<Int>(CredentialHealth.Window.widest)
    private let windowSince = Atomic<UInt64>(0)
    private let windowDoubling = Atomic<Int64>(0)

    /// - Parameter isPortal: its quotas are those of the portal.
    package init(name: String, access: Access, isPortal: Bool) {
        self.name = name
        self.access = access
        health = Mutex(CredentialHealth(isRefreshable: access == .oauth, isPortal: isPortal))
    }

    // MARK: Reading

    package var inFlight: Int { inFlightCount.load(ordering: .relaxed) }

    /// How many calls may be in flight now.
    func width(_ now: NIODeadline) -> Int {
        // Whoever sees it sees what was stored before it.
        let calls = windowCalls.load(ordering: .acquiring)
        guard calls < CredentialHealth.Window.widest else { return calls }
        return CredentialHealth.Window(
            calls: calls, since: .uptimeNanoseconds(windowSince.load(ordering: .relaxed)),
            doubling: .nanoseconds(windowDoubling.load(ordering: .relaxed))
        ).width(now)
    }

    /// When it opens; nil if it is open.
    func closed(_ now: NIODeadline) -> NIODeadline? {
        let until = closedUntil.load(ordering: .relaxed)
        return until > now.uptimeNanoseconds ? .uptimeNanoseconds(until) : nil
    }

    var isDead: Bool { closedUntil.load(ordering: .relaxed) == Self.forever }

    func isAvoided(_ now: NIODeadline) -> Bool {
        avoidedUntil.load(ordering: .relaxed) > now.uptimeNanoseconds
    }

    // MARK: Calls

    func began() {
        inFlightCount.add(1, ordering: .relaxed)
        begunCount.add(1, ordering: .relaxed)
    }

    func ended() { inFlightCount.subtract(1, ordering: .relaxed) }
    func countSuccess() { succeededCount.add(1, ordering: .relaxed) }

    func accepted(_ call: CredentialHealth.Call, now: NIODeadline) {
        if acceptedGeneration.load(ordering: .relaxed) < call.generation {
            acceptedGeneration.max(call.generation, ordering: .relaxed)
        }
        guard isTroubled.load(ordering: .relaxed) else { return }
        update { $0.accepted(call, now: now) }
    }

    /// - Returns: the error as what it turns out to be.
    func refused(_ fault: QwenFault, _ call: CredentialHealth.Call, now: NIODeadline, unixTime: Int64) -> QwenFault {
        failedCount.add(1, ordering: .relaxed)
        // A token that has been replaced since by one that works: nothing is wrong with the credential.
        if access == .oauth, fault.kind == .authentication,
            call.generation < acceptedGeneration.load(ordering: .relaxed)
        {
            return fault
        }
        let (others, begun) = (inFlight, begunCount.load(ordering: .relaxed))
        return update { $0.refused(fault, call, others: others, begun: begun, now: now, unixTime: unixTime) }
    }

    // MARK: Tokens

    /// The number of the token in use, counted up with each new one.
    package var generation: Int { latestGeneration.load(ordering: .relaxed) }

    /// Counts a new token, before it is given to the pools of the loops.
    ///
    /// - Returns: its number.
    package func advanceGeneration() -> Int { latestGeneration.add(1, ordering: .relaxed).newValue }

    /// Takes note of a new token, before `advanceGeneration()` numbers it: rests that the old one has caused are over.
    /// What the account is refused for stays, and so does the suspicion of an account whose tokens are refused.
    ///
    /// - Parameter isGranted: Qwen has just given the token in a refresh of this process; false for one that was found
    ///   in the store.
    package func tokenRenewed(isGranted: Bool = true) {
        let next = generation + 1
        update { $0.tokenRenewed(generation: next, isGranted: isGranted) }
    }

    /// Marks it as of no use until there is another token, because its own cannot be renewed.
    package func markDead(_ fault: QwenFault) { update { $0.die(fault) } }

    /// Lets it rest for a reason outside any call, such as a refresh that failed for now.
    package func rest(_ fault: QwenFault, until instant: NIODeadline) { update { $0.close(fault, until: instant) } }

    /// Has others preferred for a while: its host does not answer.
    package func avoid(until instant: NIODeadline) { update { $0.avoid(until: instant) } }

    /// Forgets all that was wrong: there is a new login, or a new key. A mere refresh is `tokenRenewed`.
    package func revive() { update { $0.revive() } }

    // MARK: Reports

    /// The error that closed it, or nil.
    func reason() -> QwenFault? { health.withLock { $0.fault } }

    package func snapshot(_ now: NIODeadline) -> CredentialSnapshot {
        let (fault, isDead, isPaused) = health.withLock { ($0.fault, $0.isDead, $0.pausesUntil > $0.restsUntil) }
        let closed = closed(now)
        let state: CredentialSnapshot.State =
            if isDead {
                .dead
            } else if closed != nil {
                isPaused ? .pausing : .resting
            } else if isAvoided(now) || width(now) < CredentialHealth.Window.widest {
                .slowed
            } else {
                .healthy
            }
        return CredentialSnapshot(
            name: name, access: access, state: state, reason: state == .healthy ? nil : fault?.kind.description,
            opensIn: isDead ? nil : closed.map { $0 - now }, inFlight: inFlight,
            succeeded: succeededCount.load(ordering: .relaxed), failed: failedCount.load(ordering: .relaxed))
    }

    // MARK: Publishing

    private static let forever = UInt64.max

    @discardableResult
    private func update<Result: Sendable>(_ body: (inout CredentialHealth) -> Result) -> Result {
        health.withLock { health in
            let result = body(&health)
            closedUntil.store(
                health.isDead ? Self.forever : health.closedUntil.uptimeNanoseconds, ordering: .relaxed)
            avoidedUntil.store(health.avoidedUntil.uptimeNanoseconds, ordering: .relaxed)
            windowSince.store(health.window.since.uptimeNanoseconds, ordering: .relaxed)
            windowDoubling.store(health.window.doubling.nanoseconds, ordering: .relaxed)
            windowCalls.store(health.window.calls, ordering: .releasing)
            isTroubled.store(!health.isUntroubled, ordering: .relaxed)
            return result
        }
    }
}
