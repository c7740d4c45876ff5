package import NIOCore

/// What follows from an error of a kind: for the request, for the credential, and for the client's own retries.
package struct FaultPolicy: Sendable, Equatable {
    /// Where the request may be sent again, as long as no byte has gone to the client.
    package enum Again: Sendable, Equatable {
        /// Nowhere: it would be refused again.
        case never
        /// With another credential whose base URL is another one.
        case otherHost
        /// With another credential.
        case otherCredential
        /// With any, after a while.
        case anyCredential
    }

    /// What the credential does that got the error.
    package enum Rest: Sendable, Equatable {
        /// It goes on.
        case none
        /// It is avoided, and stops for a while if every call is refused for long enough.
        case slows
        /// It is called less at once.
        case narrows
        case lasts(TimeAmount)
        /// Until the next midnight, UTC+8.
        case untilMidnight
        /// Until Monday 00:00, UTC+8.
        case untilMonday
        /// The portal's free quota is that of a day; Model Studio's is looked at again in an hour.
        case asFreeQuota
        /// An OAuth token is refreshed; a key, or a token refused again, cannot be helped.
        case asRefused
    }

    package var again: Again
    /// The most times that one request is sent, the first among them.
    package var mostAttempts: Int
    package var rest: Rest
    /// Whether client libraries should try again by themselves: `x-should-retry`. nil leaves it to them.
    package var clientShouldRetry: Bool?
    /// What Retry-After tells the client when nobody knows better.
    package var usualWait: TimeAmount?

    private init(
        _ again: Again, attempts: Int = 32, _ rest: Rest = .none, clientShouldRetry: Bool? = nil,
        usualWait: TimeAmount? = nil
    ) {
        self.again = again
        mostAttempts = again == .never ? 1 : attempts
        self.rest = rest
        self.clientShouldRetry = clientShouldRetry
        self.usualWait = usualWait
    }

    /// The row of the table.
    package init(_ kind: QwenFault.Kind) {
        self =
            switch kind {
            case .invalidRequest, .contextLengthExceeded, .moderation: Self(.never)
            case .modelNotFound, .wrongEndpoint: Self(.otherHost, clientShouldRetry: false)
            case .permissionDenied: Self(.otherCredential)
            case .planRefusesClient: Self(.otherCredential, .lasts(.hours(1)), clientShouldRetry: false)
            case .authentication: Self(.otherCredential, .asRefused, clientShouldRetry: false)
            case .throttled(.concurrency): Self(.anyCredential, .narrows, usualWait: .seconds(2))
            case .throttled: Self(.anyCredential, .slows, usualWait: .seconds(5))
            case .quotaExhausted(.free): Self(.otherCredential, .asFreeQuota, clientShouldRetry: false)
            case .quotaExhausted(.day): Self(.otherCredential, .untilMidnight, clientShouldRetry: false)
            // Comes back minute by minute.
            case .quotaExhausted(.planHours):
                Self(.otherCredential, .lasts(.minutes(5)), clientShouldRetry: false)
            case .quotaExhausted(.planWeek): Self(.otherCredential, .untilMonday, clientShouldRetry: false)
            // On which day it comes back is not known: each is tried.
            case .quotaExhausted(.planMonth): Self(.otherCredential, .untilMidnight, clientShouldRetry: false)
            case .billing: Self(.otherCredential, .lasts(.hours(1)), clientShouldRetry: false)
            // What took too long is likely to do so again.
            case .timeout: Self(.anyCredential, attempts: 2)
            case .unavailable: Self(.anyCredential, usualWait: .seconds(5))
            case .server: Self(.anyCredential, attempts: 5)
            case .blocked: Self(.anyCredential, attempts: 3)
            case .truncated: Self(.anyCredential, attempts: 4)
            }
    }
}
