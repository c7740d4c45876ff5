package import NIOCore

/// What a request does after an error, as long as no byte of an answer has gone to its client.
package enum RetryDecision: Sendable, Equatable {
    /// Send it again after so long, with whichever credential is best then.
    case retry(after: TimeAmount)
    /// Send it at once with another credential.
    case switchCredential
    /// Renew the credential's token, and send it at once with that.
    case refresh
    /// Tell the client, and how long to wait, if that is known.
    case giveUp(retryAfter: TimeAmount?)
}

/// One request's part of its client's patience: how often and how late it is sent again.
///
/// The number of attempts is not what bounds it, since with a third of all calls refused a fixed small number fails
/// someone every minute; the time is.
package struct RetryBudget: Sendable {
    package let began: NIODeadline
    /// UPSTREAM_RETRY_BUDGET; zero leaves only another credential, at once.
    package let patience: TimeAmount
    /// Times that the request was refused.
    package private(set) var refusals = 0
    private var switches = 0
    private var delays = 0
    private var refreshes = 0
    /// The number of the newest token that was refused.
    private var refusedGeneration: Int?
    /// A wait of the length that Qwen asked for did not help.
    private var hasWaitedAsTold = false

    private static let firstDelay = TimeAmount.milliseconds(200)
    private static let longestDelay = TimeAmount.seconds(3)
    private static let shortestDelay = TimeAmount.milliseconds(20)
    private static let mostSwitches = 16
    private static let mostRefreshes = 3

    package init(began: NIODeadline, patience: TimeAmount) {
        self.began = began
        self.patience = patience
    }

    /// The last instant at which the request may be sent.
    package var deadline: NIODeadline { began + patience }

    /// - Parameters:
    ///   - fault: as the lease has given it back.
    ///   - hasAlternative: another credential is open and untried (`CredentialPool.hasAlternative`).
    ///   - isRefreshable: the credential's token can be renewed, and may be now (`CredentialLease.canRefresh`).
    ///   - generation: the number of the token that was refused (`CredentialLease.generation`).
    ///   - random: from 0 up to 1, which it never is.
    package mutating func decide(
        _ fault: QwenFault, hasAlternative: Bool, isRefreshable: Bool, generation: Int = 0, now: NIODeadline,
        random: Double
    ) -> RetryDecision {
        refusals += 1
        let policy = FaultPolicy(fault.kind)
        if policy.rest == .asRefused, isRefreshable, takeRefresh(generation) { return .refresh }
        let giveUp = RetryDecision.giveUp(retryAfter: fault.retryAfter ?? policy.usualWait)
        guard refusals < policy.mostAttempts else { return giveUp }
        switch policy.again {
        case .never: return giveUp
        case .otherHost, .otherCredential:
            return hasAlternative && takeSwitch() ? .switchCredential : giveUp
        case .anyCredential:
            // Another credential helps against what concerns the account, not against a server's fault.
            if policy.rest != .none, hasAlternative, takeSwitch() { return .switchCredential }
            return delay(fault, now: now, random: random).map { .retry(after: $0) } ?? giveUp
        }
    }

    /// Another process may have replaced the token in the meantime, by one that is refused as well: that a renewal was
    /// no help is known once a newer token is refused.
    private mutating func takeRefresh(_ generation: Int) -> Bool {
        if let refusedGeneration, generation <= refusedGeneration { return false }
        guard refreshes < Self.mostRefreshes else { return false }
        refusedGeneration = generation
        refreshes += 1
        return true
    }

    private mutating func takeSwitch() -> Bool {
        switches += 1
        return switches <= Self.mostSwitches
    }

    /// How long to wait; nil if that is too long.
    private mutating func delay(_ fault: QwenFault, now: NIODeadline, random: Double) -> TimeAmount? {
        let left = deadline - now
        guard left > Self.shortestDelay else { return nil }
        // Full jitter: those who were refused together do not come back together.
        let most = min(Self.firstDelay.nanoseconds << Int64(min(delays, 8)), Self.longestDelay.nanoseconds)
        delays += 1
        var wait = max(.nanoseconds(Int64(Double(most) * random)), Self.shortestDelay)
        if let told = fault.retryAfter {
            guard told < left else { return nil }
            let spread = Int64(Double(min(told.nanoseconds, 1_000_000_000)) * random / 4)
            if !hasWaitedAsTold {
                hasWaitedAsTold = true
                wait = max(wait, told + .nanoseconds(spread))
            } else {
                // To wait as told was no help. So that there are some attempts left, none takes more than a part of
                // what is left of the time.
                wait = max(wait, min(told + .nanoseconds(spread), .nanoseconds(left.nanoseconds / 4)))
            }
        }
        return min(wait, left)
    }
}
