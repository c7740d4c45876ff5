package import HTTP

/// How a client's limits stand, as its answer's fields tell: `X-RateLimit-*` with the seconds until the bucket is full
/// again, and OpenAI's `x-ratelimit-*-requests` and `-tokens` with durations as Go writes them.
package struct LimitReport: Sendable, Equatable {
    /// One limit.
    package struct Entry: Sendable, Equatable {
        /// What there is when nothing was used.
        package var limit: Int
        package var remaining: Int
        /// Nanoseconds until nothing counts as used.
        package var reset: UInt64

        package init(limit: Int, remaining: Int, reset: UInt64) {
            self.limit = limit
            self.remaining = remaining
            self.reset = reset
        }
    }

    /// Nil where requests, or tokens, are not limited.
    package var requests: Entry?
    package var tokens: Entry?

    package init(requests: Entry? = nil, tokens: Entry? = nil) {
        self.requests = requests
        self.tokens = tokens
    }

    init(_ limit: RateLimit, _ level: RateLimit.Level) {
        requests = Entry(limit: limit.burst, remaining: level.remaining, reset: level.untilFull)
    }

    /// Takes note of a client's tokens: of the minute's or the day's, whichever are fewer.
    mutating func look(at client: Client, _ time: AdmissionTime) {
        tokens = nil
        if let limit = client.tokens {
            let level = limit.look(at: client.state.tokens, now: time.uptime)
            tokens = Entry(limit: limit.burst, remaining: level.remaining, reset: level.untilFull)
        }
        if let limit = client.tokensPerDay {
            let left = max(0, limit - client.state.today.used(on: DailyTokens.day(of: time.wall)))
            guard tokens.map({ left < $0.remaining }) ?? true else { return }
            tokens = Entry(limit: limit, remaining: left, reset: DailyTokens.untilTomorrow(time.wall))
        }
    }

    // MARK: Fields

    /// How many fields there are at most, and about how many bytes they have: for room in a head.
    package static let fieldCount = 9
    package static let byteCount = 288

    package func append(to fields: inout HeaderFields) {
        if let requests {
            fields.append("x-ratelimit-limit", decimal: requests.limit)
            fields.append("x-ratelimit-remaining", decimal: requests.remaining)
            fields.append("x-ratelimit-reset", decimal: Self.seconds(requests.reset))
            fields.append("x-ratelimit-limit-requests", decimal: requests.limit)
            fields.append("x-ratelimit-remaining-requests", decimal: requests.remaining)
            fields.append("x-ratelimit-reset-requests", duration: requests.reset)
        }
        if let tokens {
            fields.append("x-ratelimit-limit-tokens", decimal: tokens.limit)
            fields.append("x-ratelimit-remaining-tokens", decimal: tokens.remaining)
            fields.append("x-ratelimit-reset-tokens", duration: tokens.reset)
        }
    }

    /// Rounded up, so that who comes back then does not come too early.
    private static func seconds(_ nanoseconds: UInt64) -> Int {
        Int(clamping: nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0))
    }
}
