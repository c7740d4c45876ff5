internal import Synchronization

/// The time of a request on both clocks.
package struct AdmissionTime: Sendable {
    /// Nanoseconds of the monotonic clock: what limits are measured by.
    package var uptime: UInt64
    /// Milliseconds since 1970-01-01T00:00:00Z: what keys expire and days end by.
    package var wall: Int64

    package init(uptime: UInt64, wall: Int64) {
        self.uptime = uptime
        self.wall = wall
    }
}

/// A request that may be served: whose it is, and how its limits stand.
package struct Admission: Sendable {
    package let client: Client
    package var report: LimitReport
    /// What was set aside for the answer, until `settle`; nil where nothing is to be settled.
    private var reserved: Int?
    private var holdsStream = false
    /// Tokens of the prompt, as they were estimated.
    package private(set) var estimatedPrompt = 0

    init(_ client: Client, report: LimitReport) {
        self.client = client
        self.report = report
    }

    /// Sets aside what a call of Qwen is expected to cost, and a place among those that run.
    ///
    /// - Parameters:
    ///   - model: as Qwen names it.
    ///   - estimate: asked only where tokens are limited.
    /// - Returns: why the call is not made; nil if it may be. Then `settle` must follow.
    package mutating func reserve(
        model: String, at time: AdmissionTime, estimate: () -> TokenEstimate
    ) -> Refusal? {
        guard client.models.allows(model) else {
            return Refusal(.modelNotAllowed, client: client, report: report, model: model)
        }
        let state = client.state
        if let most = client.streams {
            guard state.streams.add(1, ordering: .relaxed).newValue <= most else {
                state.streams.subtract(1, ordering: .relaxed)
                return Refusal(.concurrentStreams, client: client, report: report, wait: 1_000_000_000)
            }
            holdsStream = true
        }
        guard client.countsTokens else { return nil }
        guard let refusal = reserveTokens(estimate(), time) else { return nil }
        releaseStream()
        return refusal
    }

    private mutating func reserveTokens(_ estimate: TokenEstimate, _ time: AdmissionTime) -> Refusal? {
        let most = min(client.tokens?.burst ?? .max, client.tokensPerDay ?? .max)
        guard estimate.prompt <= most else {
            return Refusal(.requestTooLarge, client: client, report: report, most: most)
        }
        // What an answer may have at most is more than most answers have: it bars nothing that could be answered.
        let count = min(estimate.prompt + min(estimate.answer, ClientLimits.mostTokens), most)
        let day = DailyTokens.day(of: time.wall)
        if let limit = client.tokensPerDay, !client.state.today.take(count, limit: limit, on: day) {
            report.look(at: client, time)
            return Refusal(
                .tokensPerDay, client: client, report: report, wait: DailyTokens.untilTomorrow(time.wall), most: limit)
        }
        if let limit = client.tokens {
            let level = limit.take(count, from: client.state.tokens, now: time.uptime)
            if level.wait > 0 {
                if client.tokensPerDay != nil { client.state.today.add(-count, on: day) }
                report.look(at: client, time)
                return Refusal(.tokensPerMinute, client: client, report: report, wait: level.wait, most: limit.burst)
            }
        }
        reserved = count
        estimatedPrompt = estimate.prompt
        report.look(at: client, time)
        return nil
    }

    /// Whether nothing is set aside.
    package var isSettled: Bool { reserved == nil && !holdsStream }

    /// Puts the tokens that the answer has cost in the place of what was set aside for them, and gives its place back.
    /// What comes after the first call does nothing.
    package mutating func settle(_ tokens: Int, at time: AdmissionTime) {
        releaseStream()
        guard let reserved else { return }
        self.reserved = nil
        let difference = min(max(tokens, 0), ClientLimits.mostTokens) - reserved
        client.tokens?.settle(difference, with: client.state.tokens, now: time.uptime)
        if client.tokensPerDay != nil { client.state.today.add(difference, on: DailyTokens.day(of: time.wall)) }
    }

    private mutating func releaseStream() {
        guard holdsStream else { return }
        holdsStream = false
        client.state.streams.subtract(1, ordering: .relaxed)
    }
}

/// What a request is expected to cost.
package struct TokenEstimate: Sendable, Equatable {
    package var prompt: Int
    /// The most that the answer may have, as the request says it; zero where it does not.
    package var answer: Int

    package init(prompt: Int, answer: Int) {
        self.prompt = prompt
        self.answer = answer
    }
}

/// Why a request is not admitted, with what the client needs to know.
package struct Refusal: Sendable {
    package let reason: RefusalReason
    /// Whose key it was, where that is known.
    package var client: Client?
    package var report: LimitReport
    /// Nanoseconds until it may be tried again; nil where that would not help.
    package var wait: UInt64?
    /// The limit that was hit, where it is a number of tokens.
    package var most: Int?
    /// The model that the key may not use.
    package var model: String?
    /// So many requests of the address were refused since the log last said so, and it is time to say it again.
    package var untold: Int?

    package init(
        _ reason: RefusalReason, client: Client? = nil, report: LimitReport = LimitReport(), wait: UInt64? = nil,
        most: Int? = nil, model: String? = nil
    ) {
        self.reason = reason
        self.client = client
        self.report = report
        self.wait = wait
        self.most = most
        self.model = model
    }
}
