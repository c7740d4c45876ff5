/// One device login (RFC 8628, with PKCE) as a state machine: events and the time go in, what to do comes out.
///
/// Times are milliseconds since 1970. Does no I/O: who drives it does what the last action says and reports what came
/// of it, until the action is an end.
///
/// It polls every `interval` of the server's, and every 2 s where it gives none. RFC 8628 §3.2 has 5 s for that case;
/// Qwen's server gives none, and its own client polls every 2 s. `slow_down` makes the interval half as long again, up
/// to 10 s, for good (RFC 8628 §3.5). It ends when the code does.
package struct DeviceLogin: Sendable {
    /// What the driver does next.
    package enum Action: Sendable, Equatable {
        /// Send this, then report `answered` or `transportFailed`.
        case send(OAuthRequest)
        /// Wait until then, and report `timePassed`.
        case wait(until: Int64)
        case succeed(OAuthCredential)
        case fail(LoginFailure)
        /// Nothing: the event did not fit, or the login is over.
        case ignore
    }

    private enum State: Sendable {
        case new
        /// The device request is under way, for the `attempt`-th time.
        case asking(attempt: Int)
        case waitingToAsk(attempt: Int, until: Int64)
        case waitingToPoll(Confirmation, until: Int64)
        case polling(Confirmation)
        case ended
    }

    /// A code that the user may be confirming.
    private struct Confirmation: Sendable {
        let authorization: DeviceAuthorization
        let expiresAt: Int64
        var interval: Int64
        /// Transport errors and server errors since the last good answer.
        var failures = 0
        /// Answers that make no sense, since the last that did.
        var strangeAnswers = 0
    }

    private static let defaultInterval: Int64 = 2000
    private static let shortestInterval: Int64 = 1000
    private static let longestSlowedInterval: Int64 = 10_000
    private static let longestBackoff: Int64 = 30_000
    private static let mostAttempts = 3
    private static let mostStrangeAnswers = 5

    private let requests: OAuthRequests
    private let pkce: PKCE
    private let requestID: String
    private var state = State.new

    /// What the user must be shown, once the server has given a code.
    package private(set) var prompt: DevicePrompt?

    /// - Parameter requestID: a fresh UUID for the device request.
    init(requests: OAuthRequests, pkce: PKCE, requestID: String) {
        self.requests = requests
        self.pkce = pkce
        self.requestID = requestID
    }

    /// Asks for a code.
    package mutating func begin() -> Action {
        guard case .new = state else { return .ignore }
        return ask(attempt: 1)
    }

    /// The server has answered the request that was sent.
    package mutating func answered(_ answer: OAuthAnswer, now: Int64) -> Action {
        switch state {
        case .asking(let attempt): codeAnswered(answer, attempt: attempt, now: now)
        case .polling(let confirmation): pollAnswered(answer, confirmation, now: now)
        case .new, .waitingToAsk, .waitingToPoll, .ended: .ignore
        }
    }

    /// The request could not be sent, or its answer did not arrive.
    package mutating func transportFailed(_ error: OAuthTransportError, now: Int64) -> Action {
        switch state {
        case .asking(let attempt):
            askAgain(after: attempt, now: now, or: .unavailable(error.description))
        case .polling(let confirmation): backOff(confirmation, now: now)
        case .new, .waitingToAsk, .waitingToPoll, .ended: .ignore
        }
    }

    /// The time that was waited for has come, or any other has.
    package mutating func timePassed(now: Int64) -> Action {
        switch state {
        case .waitingToAsk(let attempt, let until):
            return now >= until ? ask(attempt: attempt) : .wait(until: until)
        case .waitingToPoll(let confirmation, let until):
            if now >= confirmation.expiresAt { return expire(confirmation) }
            guard now >= until else { return .wait(until: until) }
            state = .polling(confirmation)
            return .send(
                requests.deviceToken(
                    deviceCode: confirmation.authorization.deviceCode, verifier: pkce.verifier))
        case .new, .asking, .polling, .ended:
            return .ignore
        }
    }
}

/// What a user needs to confirm a login. None of it is a secret to who may see the log.
package struct DevicePrompt: Sendable, Equatable {
    /// What the user compares, or types; may be empty where the complete URL carries it.
    package var userCode: String
    package var verificationURI: String
    /// With the code in it: what to show as a link or a QR code.
    package var verificationURIComplete: String
    /// When the code expires, in milliseconds since 1970.
    package var expiresAt: Int64

    package init(userCode: String, verificationURI: String, verificationURIComplete: String, expiresAt: Int64) {
        self.userCode = userCode
        self.verificationURI = verificationURI
        self.verificationURIComplete = verificationURIComplete
        self.expiresAt = expiresAt
    }
}

// MARK: - Asking for a code

extension DeviceLogin {
    private var deviceHost: String { requests.endpoints.deviceAuthorization.host }

    private mutating func ask(attempt: Int) -> Action {
        state = .asking(attempt: attempt)
        return .send(requests.deviceAuthorization(challenge: pkce.challenge, requestID: requestID))
    }

    /// A first start may come before the network does: a few tries, 1 s and 2 s apart.
    private mutating func askAgain(after attempt: Int, now: Int64, or failure: LoginFailure) -> Action {
        guard attempt < Self.mostAttempts else { return end(failure) }
        let until = now + 1000 << Int64(attempt - 1)
        state = .waitingToAsk(attempt: attempt + 1, until: until)
        return .wait(until: until)
    }

    private mutating func codeAnswered(_ answer: OAuthAnswer, attempt: Int, now: Int64) -> Action {
        let content = answer.deviceAuthorization()
        if case .granted(let authorization) = content { return codeGranted(authorization, now: now) }
        if answer.status >= 500 {
            return askAgain(
                after: attempt, now: now,
                or: .unavailable("\(deviceHost) answered with status \(answer.status)"))
        }
        if answer.status == 429 { return end(.rateLimited(deviceHost)) }
        switch content {
        case .refused(let error) where answer.status != 404 && answer.status != 410:
            return end(.refused(deviceHost, ServerText.words(error, hiding: [pkce.verifier])))
        case .unreadable(let body): return end(.closed(deviceHost, status: answer.status, body.words))
        case .granted, .refused, .nothing:
            return end(.closed(deviceHost, status: answer.status, "a JSON object"))
        }
    }

    private mutating func codeGranted(_ authorization: DeviceAuthorization, now: Int64) -> Action {
        let expiresAt = now + authorization.lifetime
        prompt = DevicePrompt(
            userCode: authorization.userCode, verificationURI: authorization.verificationURI,
            verificationURIComplete: authorization.verificationURIComplete, expiresAt: expiresAt)
        let interval = max(authorization.interval ?? Self.defaultInterval, Self.shortestInterval)
        return poll(
            Confirmation(authorization: authorization, expiresAt: expiresAt, interval: interval), at: now + interval)
    }
}

// MARK: - Polling

extension DeviceLogin {
    private var tokenHost: String { requests.endpoints.token.host }

    private mutating func pollAnswered(_ answer: OAuthAnswer, _ confirmation: Confirmation, now: Int64) -> Action {
        let status = answer.status
        let content = answer.tokenGrant()
        switch content {
        case .granted(let grant):
            state = .ended
            return .succeed(grant.credential(now: now))
        case .refused(let error) where status != 401:
            return pollRefused(error, status: status, confirmation, now: now)
        case .refused, .nothing, .unreadable: break
        }
        switch status {
        case 401: return end(.codeRefused)
        case 429: return end(.rateLimited(tokenHost))
        case 500...: return backOff(confirmation, now: now)
        default: break
        }
        if content == .nothing, answer.isSuccess { return pending(confirmation, now: now) }
        return strange(answer, content, confirmation, now: now)
    }

    private mutating func pollRefused(
        _ error: OAuthServerError, status: Int, _ confirmation: Confirmation, now: Int64
    ) -> Action {
        switch error.code {
        case "authorization_pending": return pending(confirmation, now: now)
        case "slow_down":
            var confirmation = confirmation
            let slowed = min(confirmation.interval * 3 / 2, Self.longestSlowedInterval)
            confirmation.interval = max(confirmation.interval, slowed)
            return pending(confirmation, now: now)
        case "access_denied": return end(.denied)
        case "expired_token": return end(.codeRefused)
        case "temporarily_unavailable", "server_error": return backOff(confirmation, now: now)
        default: break
        }
        switch status {
        case 429: return end(.rateLimited(tokenHost))
        case 500...: return backOff(confirmation, now: now)
        default:
            let secrets = [pkce.verifier, confirmation.authorization.deviceCode]
            return end(.refused(tokenHost, ServerText.words(error, hiding: secrets)))
        }
    }

    /// Not confirmed yet.
    private mutating func pending(_ confirmation: Confirmation, now: Int64) -> Action {
        var confirmation = confirmation
        confirmation.failures = 0
        confirmation.strangeAnswers = 0
        return poll(confirmation, at: now + confirmation.interval)
    }

    /// The network or the server fails: asks less and less often (RFC 8628 §3.5), for as long as the code is good.
    private mutating func backOff(_ confirmation: Confirmation, now: Int64) -> Action {
        var confirmation = confirmation
        confirmation.failures = min(confirmation.failures + 1, 10)
        let pause = min(confirmation.interval << Int64(confirmation.failures), Self.longestBackoff)
        return poll(confirmation, at: now + max(pause, confirmation.interval))
    }

    /// A firewall's page may pass; that of a closed endpoint does not, and must not leave the user waiting.
    private mutating func strange(
        _ answer: OAuthAnswer, _ content: OAuthContent<TokenGrant>, _ confirmation: Confirmation, now: Int64
    ) -> Action {
        var confirmation = confirmation
        confirmation.strangeAnswers += 1
        guard confirmation.strangeAnswers < Self.mostStrangeAnswers else {
            let body = if case .unreadable(let body) = content { body.words } else { "a JSON object without a token" }
            return end(.unusable(tokenHost, status: answer.status, body))
        }
        return backOff(confirmation, now: now)
    }

    private mutating func poll(_ confirmation: Confirmation, at time: Int64) -> Action {
        let until = min(time, confirmation.expiresAt)
        state = .waitingToPoll(confirmation, until: until)
        return .wait(until: until)
    }

    private mutating func expire(_ confirmation: Confirmation) -> Action {
        end(.expired(after: confirmation.authorization.lifetime))
    }

    private mutating func end(_ failure: LoginFailure) -> Action {
        state = .ended
        return .fail(failure)
    }
}
