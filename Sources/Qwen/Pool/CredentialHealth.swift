import NIOCore

/// How one credential is doing: a state machine that is told what Qwen has answered, and says whether, and how much,
/// the credential may be used.
///
/// It rests for what only time or money heals: quotas, bills, refused tokens. It does not rest for a throttled call:
/// where others are taken, that call alone has to wait. Only when call after call is refused and next to none is taken
/// it pauses, each time for a third of the time that the trouble has lasted, and begins again with few calls at once.
/// That a call is taken is known late, as a model may think for a minute; that it is refused, at once. So a call that
/// has not come back counts as taken.
struct CredentialHealth: Sendable {
    /// The call that an answer is about.
    struct Call: Sendable {
        var began: NIODeadline
        /// Of the token that it carried.
        var generation: Int
    }

    /// How many calls may be in flight. It doubles by itself until it is no limit any more.
    struct Window: Sendable, Equatable {
        var calls: Int
        var since: NIODeadline
        var doubling: TimeAmount

        /// More calls than this are no limit.
        static let widest = 4096
        static let open = Window(calls: widest, since: .uptimeNanoseconds(0), doubling: .seconds(1))

        func width(_ now: NIODeadline) -> Int {
            guard calls < Self.widest, now > since else { return calls }
            let age = (now - since).nanoseconds
            let time = max(doubling.nanoseconds, 1)
            let doublings = age / time
            guard doublings < 12 else { return Self.widest }
            let width = calls << Int(doublings)
            let rest = Double(age % time) / Double(time)
            return min(Self.widest, width + Int(Double(width) * rest))
        }
    }

    /// Refusals for too much, with no call accepted that began after the first of them.
    private struct Streak: Sendable {
        var began: NIODeadline
        /// How many calls had begun by then.
        var begun: Int
        /// How many of those that began since were refused.
        var refused = 0
        /// When the last refusal was counted as a round: those of calls that had begun before tell nothing new.
        var counted: NIODeadline
        var rounds = 0
        var tokensBegan: NIODeadline?
        var tokensLast: NIODeadline

        init(_ now: NIODeadline, begun: Int) {
            began = now
            self.begun = begun
            counted = .uptimeNanoseconds(0)
            tokensLast = now
        }

        /// Calls that began since and have not been refused, given all that have begun.
        func taken(_ begun: Int) -> Int { max(0, begun - self.begun - refused) }
    }

    /// Resting before this instant, for what only time or money heals, or because its token has expired.
    var restsUntil: NIODeadline { max(accountRestsUntil, tokenRestsUntil) }
    /// For what a new token does not change.
    private var accountRestsUntil = NIODeadline.uptimeNanoseconds(0)
    /// For what a new token puts right.
    private var tokenRestsUntil = NIODeadline.uptimeNanoseconds(0)
    /// Pausing before this instant, because call after call was refused; the first that is accepted ends it.
    private(set) var pausesUntil = NIODeadline.uptimeNanoseconds(0)
    /// Before this instant others are preferred.
    var avoidedUntil: NIODeadline { max(slowedUntil, doubtedUntil) }
    /// Because calls were refused for too much.
    private var slowedUntil = NIODeadline.uptimeNanoseconds(0)
    /// Because its token was refused.
    private var doubtedUntil = NIODeadline.uptimeNanoseconds(0)
    /// Closed until somebody logs in again, or replaces the key.
    var isDead: Bool { isTokenDead || isAccountClosed }
    /// Its token cannot be renewed.
    private var isTokenDead = false
    /// Token after token that Qwen gave for its own was refused.
    private var isAccountClosed = false
    private(set) var window = Window.open
    /// The last error that concerned the credential: why it is closed, avoided or narrow.
    private(set) var fault: QwenFault?

    private var streak: Streak?
    /// The newest generation whose token was refused, with no newer one accepted since.
    private var refusedGeneration: Int?
    /// The newest generation that Qwen gave in a refresh; one that was found in the store may be of any age.
    private var grantedGeneration: Int?
    /// Refusals in a row: of a key, or of tokens that Qwen had given in a refresh.
    private var refusals = 0

    private let isRefreshable: Bool
    private let isPortal: Bool

    /// Rounds of refusals that are taken for the calls' own bad luck.
    private static let roundsBeforePause = 3
    private static let longestPause = TimeAmount.seconds(60)
    private static let shortestPause = TimeAmount.milliseconds(200)
    /// Others are preferred for at least so long after a refusal.
    private static let avoidance = TimeAmount.seconds(1)
    /// Too many tokens for longer than that is a quota that is used up.
    private static let longestTokenThrottle = TimeAmount.seconds(60)
    /// Refusals farther apart are not of one kind of trouble.
    private static let longestGap = TimeAmount.seconds(120)

    /// - Parameters:
    ///   - isRefreshable: it has a token that can be renewed.
    ///   - isPortal: quotas are the portal's.
    init(isRefreshable: Bool, isPortal: Bool) {
        self.isRefreshable = isRefreshable
        self.isPortal = isPortal
    }

    /// No call may begin before this instant.
    var closedUntil: NIODeadline { max(restsUntil, pausesUntil) }

    /// Nothing is wrong, or has been lately.
    var isUntroubled: Bool { streak == nil && refusedGeneration == nil && refusals == 0 && fault == nil && !isDead }

    // MARK: Events

    /// Qwen has begun to answer a call with what was asked for.
    mutating func accepted(_ call: Call, now: NIODeadline) {
        if let streak, call.began >= streak.began {
            self.streak = nil
            pausesUntil = min(pausesUntil, now)
            slowedUntil = min(slowedUntil, now)
            if window.doubling == Self.rateDoubling { window = .open }
        }
        if let refused = refusedGeneration, call.generation > refused {
            refusedGeneration = nil
            doubtedUntil = min(doubtedUntil, now)
        }
        if refusedGeneration == nil { refusals = 0 }
        if streak == nil, refusedGeneration == nil, restsUntil <= now, window.width(now) >= Window.widest {
            fault = nil
        }
    }

    /// Qwen has refused a call.
    ///
    /// - Parameters:
    ///   - others: calls in flight without this one.
    ///   - begun: calls that have ever begun.
    ///   - unixTime: seconds since 1970-01-01T00:00:00Z.
    /// - Returns: the error as what it turns out to be: too many tokens for more than a minute is a spent quota.
    mutating func refused(
        _ fault: QwenFault, _ call: Call, others: Int, begun: Int, now: NIODeadline, unixTime: Int64
    ) -> QwenFault {
        var fault = fault
        var rest = FaultPolicy(fault.kind).rest
        if rest == .slows || rest == .narrows {
            slow(fault, call, others: others, begun: begun, now: now)
            guard fault.kind == .throttled(.tokens), isTokenQuotaSpent(now) else { return fault }
            fault.kind = .quotaExhausted(.free)
            fault.retryAfter = nil
            rest = FaultPolicy(fault.kind).rest
        }
        switch rest {
        case .none, .slows, .narrows: break
        case .lasts(let time): close(fault, for: time, now: now)
        case .untilMidnight: close(fault, for: ChinaTime.untilMidnight(unixTime), now: now)
        case .untilMonday: close(fault, for: ChinaTime.untilMonday(unixTime), now: now)
        case .asFreeQuota:
            close(fault, for: isPortal ? ChinaTime.untilMidnight(unixTime) : .hours(1), now: now)
        case .asRefused: refuse(fault, call, now: now)
        }
        return fault
    }

    /// Its host could not be reached.
    mutating func avoid(until instant: NIODeadline) {
        slowedUntil = max(slowedUntil, instant)
    }

    /// A login, or a new key, has made a fresh start.
    mutating func revive() {
        self = CredentialHealth(isRefreshable: isRefreshable, isPortal: isPortal)
    }

    /// It has another token: what was due to the old one is over. Quotas and throttling concern the account, and stay.
    /// So does the memory of a refusal, until a newer token is accepted: a renewal alone proves nothing.
    ///
    /// - Parameters:
    ///   - generation: the new token's number.
    ///   - isGranted: Qwen has just given it in a refresh. One that was found in the store may be of any age.
    mutating func tokenRenewed(generation: Int, isGranted: Bool) {
        tokenRestsUntil = .uptimeNanoseconds(0)
        doubtedUntil = .uptimeNanoseconds(0)
        isTokenDead = false
        if isGranted { grantedGeneration = generation }
        if fault?.kind == .authentication, refusedGeneration == nil { fault = nil }
    }

    /// Its token cannot be renewed: it waits for a login.
    mutating func die(_ fault: QwenFault) {
        isTokenDead = true
        self.fault = fault
    }

    /// It rests until it has another token, or the instant has come: its token has expired, and the refresh failed for
    /// now.
    mutating func close(_ fault: QwenFault, until instant: NIODeadline) {
        guard instant > tokenRestsUntil else { return }
        if instant > restsUntil { self.fault = fault }
        tokenRestsUntil = instant
    }

    // MARK: Quotas, bills, refused credentials

    private mutating func close(_ fault: QwenFault, for time: TimeAmount, now: NIODeadline) {
        let instant = now + max(fault.retryAfter ?? time, .seconds(1))
        guard instant > accountRestsUntil else { return }
        if instant > restsUntil { self.fault = fault }
        accountRestsUntil = instant
    }

    private mutating func refuse(_ fault: QwenFault, _ call: Call, now: NIODeadline) {
        guard isRefreshable else {
            // Somebody may be at work on the account: it is looked at again, more and more seldom. Calls that were
            // under way together are refused together, and count once.
            if restsUntil <= now { refusals = min(refusals + 1, 7) }
            return close(fault, for: .seconds(min(30 << Int64(refusals), 3600)), now: now)
        }
        if restsUntil <= now { self.fault = fault }
        guard call.generation > refusedGeneration ?? -1 else { return doubt(now) }
        let isAgain = refusedGeneration != nil
        refusedGeneration = call.generation
        // The first may have been revoked, and one from the store replaced since.
        guard isAgain, call.generation == grantedGeneration else { return doubt(now) }
        // Qwen gives tokens and refuses them: the account is closed, and each further refresh only turns the token over.
        refusals += 1
        guard refusals <= Self.mostRefusedGrants else {
            isAccountClosed = true
            return
        }
        accountRestsUntil = max(accountRestsUntil, now + .seconds(min(30 << Int64(refusals - 1), 3600)))
    }

    /// Others are preferred until the token is renewed.
    private mutating func doubt(_ now: NIODeadline) {
        doubtedUntil = max(doubtedUntil, now + .seconds(10))
    }

    /// With rests from 30 s to an hour between them, they take two hours.
    private static let mostRefusedGrants = 8

    // MARK: Too much

    /// How soon twice as many calls are tried: after a pause, and after too many calls at once.
    private static let rateDoubling = TimeAmount.milliseconds(500)
    private static let concurrencyDoubling = TimeAmount.seconds(8)

    private mutating func slow(_ fault: QwenFault, _ call: Call, others: Int, begun: Int, now: NIODeadline) {
        if restsUntil <= now { self.fault = fault }
        var streak = self.streak ?? Streak(now, begun: begun)
        if streak.rounds > 0, streak.counted + Self.longestGap < now { streak = Streak(now, begun: begun) }
        if call.began >= streak.began { streak.refused += 1 }
        let isRound = call.began >= streak.counted
        if isRound {
            streak.rounds += 1
            streak.counted = now
        }
        self.streak = streak
        let taken = streak.taken(begun)
        let pause = max(min(.nanoseconds((now - streak.began).nanoseconds / 3), Self.longestPause), Self.shortestPause)
        let wait = max(pause, fault.retryAfter ?? .zero)
        slowedUntil = max(slowedUntil, now + max(wait, Self.avoidance))
        let isConcurrency = fault.kind == .throttled(.concurrency)
        if isConcurrency, streak.refused > 2 * taken + 4 {
            // As many at once as have not been refused.
            window = Window(
                calls: max(1, min(window.width(now), others)), since: now, doubling: Self.concurrencyDoubling)
        }
        guard isRound, streak.rounds >= Self.roundsBeforePause, streak.refused > 4 * taken else { return }
        pausesUntil = max(pausesUntil, now + wait)
        if !isConcurrency { window = Window(calls: 1, since: pausesUntil, doubling: Self.rateDoubling) }
    }

    /// Takes note of a refusal for too many tokens; true once they have gone on for too long to be that.
    private mutating func isTokenQuotaSpent(_ now: NIODeadline) -> Bool {
        guard var streak else { return false }
        defer { self.streak = streak }
        if streak.tokensLast + Self.longestGap < now { streak.tokensBegan = nil }
        streak.tokensLast = now
        guard let began = streak.tokensBegan else {
            streak.tokensBegan = now
            return false
        }
        return now - began > Self.longestTokenThrottle
    }
}
