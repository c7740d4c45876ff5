import Admission

/// `RATE_LIMIT_RPS` and what belongs to it: what each client key may use that has no limits of its own. Without keys
/// the first two hold for each address, and the others for all clients together.
enum LimitSettings {
    static func read(_ reader: inout SettingsReader) -> ClientLimits {
        ClientLimits(
            requestRate: reader.value(.rateLimitRPS, fallback: nil, parse: requestRate),
            burst: reader.value(.rateLimitBurst, fallback: nil, parse: burst),
            tokensPerMinute: reader.value(.rateLimitTPM, fallback: nil, parse: tokens),
            tokensPerDay: reader.value(.rateLimitDailyTokens, fallback: nil, parse: tokens),
            streams: reader.value(.rateLimitStreams, fallback: nil, parse: streams))
    }

    private static func requestRate(_ text: String) throws(ValueFault) -> RequestRate? {
        guard let rate = RequestRate(text) else {
            throw ValueFault(
                "is no rate in 0...\(RequestRate.most) with three decimals at most; 0 turns the limit off")
        }
        return rate
    }

    private static func burst(_ text: String) throws(ValueFault) -> Int? {
        try Values.wholeNumber(text, in: 1...ClientLimits.mostRequests)
    }

    private static func tokens(_ text: String) throws(ValueFault) -> Int? {
        try Values.wholeNumber(text, in: 0...ClientLimits.mostTokens)
    }

    private static func streams(_ text: String) throws(ValueFault) -> Int? {
        try Values.wholeNumber(text, in: 0...ClientLimits.mostRequests)
    }
}
