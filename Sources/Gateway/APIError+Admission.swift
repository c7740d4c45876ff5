import Admission
import NIOCore

extension APIError {
    /// What a client is told that is not let in.
    init(_ refusal: Refusal) {
        switch refusal.reason {
        case .missingKey:
            self.init(.missingKey, "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.")
        case .unknownKey: self.init(.invalidKey, "Incorrect API key provided. The gateway does not know it.")
        case .expiredKey:
            self.init(.expiredKey, "Your API key has expired. The gateway's operator can give you another.")
        case .backingOff:
            self.init(
                .tooManyFailures,
                "Too many requests without a right API key came from your address. One with a right key is served.")
        case .networkNotAllowed:
            self.init(.networkNotAllowed, "Your API key may not be used from the address that the request came from.")
        case .adminRequired:
            self.init(.adminOnly, "This is for the operator: it takes an administrator's key.")
        case .modelNotAllowed:
            let model = String(decoding: (refusal.model ?? "").utf8.prefix(64), as: UTF8.self)
            self.init(
                .modelNotAllowed,
                "Your API key may not use the model '\(model)'. GET /v1/models lists those that it may.",
                param: "model")
        case .rateLimited:
            let limit = refusal.report.requests.map { " (\($0.limit) at once)" } ?? ""
            self.init(
                .clientLimit, "Rate limit for requests reached\(limit). \(Self.again(refusal))",
                clientCode: "rate_limit_exceeded")
        case .tokensPerMinute:
            self.init(
                .clientLimit,
                "Rate limit for tokens reached (\(refusal.most ?? 0) a minute). \(Self.again(refusal))",
                clientCode: "rate_limit_exceeded")
        case .requestTooLarge:
            self.init(
                .clientLimit,
                "The request is too long: your API key gets \(refusal.most ?? 0) tokens, and this one needs more.",
                clientCode: "rate_limit_exceeded")
        case .tokensPerDay:
            self.init(
                .clientQuota,
                """
                The \(refusal.most ?? 0) tokens that your API key gets for a day are used up, or too few are left for \
                this request. The next day begins at 00:00 UTC.
                """, clientCode: "insufficient_quota")
        case .concurrentStreams:
            self.init(
                .clientLimit,
                "Your API key has as many requests in progress (\(refusal.client?.streams ?? 0)) as it may have at once.",
                clientCode: "rate_limit_exceeded")
        }
        retryAfter = refusal.wait.map { .nanoseconds(Int64(clamping: $0)) }
        switch refusal.reason {
        case .requestTooLarge, .tokensPerDay, .backingOff: shouldRetry = false
        default: break
        }
    }

    private static func again(_ refusal: Refusal) -> String {
        let milliseconds = (refusal.wait ?? 0) / 1_000_000 + 1
        let text = milliseconds < 1000 ? "\(milliseconds)ms" : "\(milliseconds / 1000 + 1)s"
        return "Please try again in \(text)."
    }
}
