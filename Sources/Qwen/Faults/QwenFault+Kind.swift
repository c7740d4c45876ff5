extension QwenFault {
    /// What an error means for the request and for the credential that it was sent with.
    package enum Kind: Sendable, Hashable {
        /// The request is wrong; sending it again will not help.
        case invalidRequest
        case contextLengthExceeded
        case modelNotFound
        /// The content was refused.
        case moderation(Moderation)
        /// The gateway's own credential was refused: not the client's fault.
        case authentication
        /// The account must not use the model, the workspace or the application.
        case permissionDenied
        /// A plan that serves known coding agents only, by its terms.
        case planRefusesClient
        /// Qwen has no such path, method or workspace: the base URL is wrong for what was asked.
        case wrongEndpoint
        /// Too much for now: waiting helps.
        case throttled(Throttle)
        /// A quota is used up: waiting a minute does not help.
        case quotaExhausted(Quota)
        /// The account has to pay or buy something first.
        case billing(Billing)
        case timeout
        /// Qwen, or one of its models, has no capacity or is away.
        case unavailable
        case server
        /// Something in front of Qwen answered with a web page.
        case blocked
        /// The answer ended before it was whole.
        case truncated
    }

    /// Which side of the conversation moderation has refused.
    package enum Moderation: Sendable, Hashable, CaseIterable {
        case input, output
        /// Qwen did not say which.
        case either
    }

    /// What there was too much of.
    package enum Throttle: Sendable, Hashable, CaseIterable {
        /// Requests in a minute or a second.
        case rate
        /// The rate rose too quickly.
        case burst
        /// Requests at once.
        case concurrency
        /// Tokens in a minute or a second.
        case tokens
    }

    /// What has been used up, and so when it comes back.
    package enum Quota: Sendable, Hashable, CaseIterable {
        /// A free quota: on the portal that of a day, which begins at midnight UTC+8; at Model Studio one that does
        /// not come back by itself.
        case free
        /// A day's, until midnight UTC+8.
        case day
        /// A plan's quota of some hours, which rolls: it comes back minute by minute.
        case planHours
        /// A plan's quota of a week, until Monday 00:00 UTC+8.
        case planWeek
        /// A plan's quota of a month; on which day that begins is not known.
        case planMonth
    }

    package enum Billing: Sendable, Hashable, CaseIterable {
        /// The account is in debt.
        case arrears
        /// A bill is overdue.
        case overdue
        /// The service was never bought or activated.
        case unpurchased
    }
}

extension QwenFault.Kind: CaseIterable {
    package static let allCases: [QwenFault.Kind] =
        [
            .invalidRequest, .contextLengthExceeded, .modelNotFound, .authentication, .permissionDenied,
            .planRefusesClient, .wrongEndpoint, .timeout, .unavailable, .server, .blocked, .truncated,
        ]
        + QwenFault.Moderation.allCases.map { .moderation($0) } + QwenFault.Throttle.allCases.map { .throttled($0) }
        + QwenFault.Quota.allCases.map { .quotaExhausted($0) } + QwenFault.Billing.allCases.map { .billing($0) }
}

extension QwenFault.Kind: CustomStringConvertible {
    /// A name for logs and health reports: `throttled.tokens`.
    package var description: String {
        switch self {
        case .invalidRequest: "invalid_request"
        case .contextLengthExceeded: "context_length_exceeded"
        case .modelNotFound: "model_not_found"
        case .moderation(let side): "moderation.\(side)"
        case .authentication: "authentication"
        case .permissionDenied: "permission_denied"
        case .planRefusesClient: "plan_refuses_client"
        case .wrongEndpoint: "wrong_endpoint"
        case .throttled(let throttle): "throttled.\(throttle)"
        case .quotaExhausted(let quota):
            switch quota {
            case .free: "quota_exhausted.free"
            case .day: "quota_exhausted.day"
            case .planHours: "quota_exhausted.plan_hours"
            case .planWeek: "quota_exhausted.plan_week"
            case .planMonth: "quota_exhausted.plan_month"
            }
        case .billing(let billing): "billing.\(billing)"
        case .timeout: "timeout"
        case .unavailable: "unavailable"
        case .server: "server"
        case .blocked: "blocked"
        case .truncated: "truncated"
        }
    }

    /// What is told of an error for which Qwen gave no words.
    var sentence: String {
        switch self {
        case .invalidRequest: "Qwen refused the request and gave no reason."
        case .contextLengthExceeded: "The request is longer than the model's context."
        case .modelNotFound: "Qwen does not know the model."
        case .moderation: "Qwen's moderation refused the content."
        case .authentication: "Qwen refused the credential."
        case .permissionDenied: "Qwen denied access and gave no reason."
        case .planRefusesClient: "The plan serves coding agents only."
        case .wrongEndpoint: "There is nothing at this address of Qwen's."
        case .throttled: "Qwen takes no more requests for now."
        case .quotaExhausted: "A quota at Qwen is used up."
        case .billing: "Qwen refuses to serve the account until it is paid for."
        case .timeout: "Qwen did not answer in time."
        case .unavailable: "Qwen gave no reason."
        case .server: "Qwen gave no reason."
        case .blocked: "Something in front of Qwen answered with a web page in place of Qwen."
        case .truncated: "Qwen ended its answer before it was complete."
        }
    }
}
