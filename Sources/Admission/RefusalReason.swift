/// Why a request is not admitted. The raw values are stable: they are labels of a metric and stand in the access log.
package enum RefusalReason: String, Sendable, CaseIterable {
    /// No key was given where one is needed.
    case missingKey = "missing_key"
    /// A key that nobody was given, or one that was revoked; credentials that are none.
    case unknownKey = "unknown_key"
    /// The key's time is over.
    case expiredKey = "expired_key"
    /// One of the three from an address that has failed too often of late.
    case backingOff = "backing_off"
    /// The key is good, but not from this address.
    case networkNotAllowed = "network_not_allowed"
    /// The key is good, but does not open what is for the operator.
    case adminRequired = "admin_required"
    /// The key is good, but not for this model.
    case modelNotAllowed = "model_not_allowed"
    /// Too many requests, of the key or of the address.
    case rateLimited = "rate_limited"
    /// Too many tokens in a minute.
    case tokensPerMinute = "tokens_per_minute"
    /// The day's tokens are used up.
    case tokensPerDay = "tokens_per_day"
    /// One request asks for more tokens than the key gets at all.
    case requestTooLarge = "request_too_large"
    /// Too many requests of the key are being answered.
    case concurrentStreams = "concurrent_streams"
}
