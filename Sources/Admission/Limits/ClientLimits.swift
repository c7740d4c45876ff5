/// What a client may use. Nil leaves a limit to the defaults, and zero turns it off.
package struct ClientLimits: Sendable, Equatable {
    package var requestRate: RequestRate?
    /// How many requests may come at once; at least one.
    package var burst: Int?
    /// Tokens of prompts and answers.
    package var tokensPerMinute: Int?
    /// The same, in each day of UTC.
    package var tokensPerDay: Int?
    /// Requests that Qwen is answering at the same time, as streams or not.
    package var streams: Int?

    package static let none = ClientLimits()
    /// The most tokens that a limit can be set to, and the most of everything else.
    package static let mostTokens = 1_000_000_000_000
    package static let mostRequests = 1_000_000

    package init(
        requestRate: RequestRate? = nil, burst: Int? = nil, tokensPerMinute: Int? = nil, tokensPerDay: Int? = nil,
        streams: Int? = nil
    ) {
        self.requestRate = requestRate
        self.burst = burst
        self.tokensPerMinute = tokensPerMinute
        self.tokensPerDay = tokensPerDay
        self.streams = streams
    }

    /// These limits, with `defaults` where there are none. A rate of one's own brings its own usual burst.
    package func filled(from defaults: ClientLimits) -> ClientLimits {
        ClientLimits(
            requestRate: requestRate ?? defaults.requestRate,
            burst: burst ?? (requestRate == nil ? defaults.burst : nil),
            tokensPerMinute: tokensPerMinute ?? defaults.tokensPerMinute,
            tokensPerDay: tokensPerDay ?? defaults.tokensPerDay, streams: streams ?? defaults.streams)
    }
}
