/// What a refresh has come to.
enum RefreshOutcome: Sendable, Equatable {
    case refreshed(OAuthCredential)
    /// Qwen will not refresh this credential, however often it is asked. Why and what to do.
    case refusedForGood(String)
    /// It failed this time.
    case failed(RefreshTrouble)
}

/// A refresh that failed and may work later.
struct RefreshTrouble: Error, Sendable, Equatable {
    /// What happened, as the end of a sentence.
    let words: String
    /// Whether to try again at once.
    let isBrief: Bool
}

extension OAuthAnswer {
    /// Reads the answer to the refresh of `credential`.
    ///
    /// Qwen refuses for good with 400 or 401 (RFC 6749 §5.2), as a rule with `invalid_request` and the sentence
    /// "Invalid refresh token or client_id"; a web page with such a status is a firewall's. An error in an answer of
    /// status 200 has been seen and does not end a credential.
    func refreshOutcome(of credential: OAuthCredential, host: String, now: Int64) -> RefreshOutcome {
        let secrets = [credential.accessToken, credential.refreshToken ?? ""]
        let content = tokenGrant()
        let words: String
        switch content {
        case .granted(let grant): return .refreshed(grant.credential(after: credential, now: now))
        case .refused(let error): words = ServerText.words(error, hiding: secrets)
        case .nothing: words = " and a JSON object without a token"
        case .unreadable(let body): words = " and \(body.words)"
        }
        let isFinal = (status == 400 || status == 401) && content != .unreadable(.html) && !content.isTemporary
        if isFinal {
            return .refusedForGood(
                "\(host) refused to refresh this login: status \(status)\(words). \(OAuthAdvice.loginAgain) "
                    + "If that fails as well: \(OAuthAdvice.freeTierIsClosed) \(OAuthAdvice.useAPIKey)")
        }
        return .failed(
            RefreshTrouble(words: "\(host) answered with status \(status)\(words)", isBrief: status >= 500))
    }
}

extension OAuthContent {
    fileprivate var isTemporary: Bool {
        if case .refused(let error) = self {
            ["temporarily_unavailable", "server_error", "slow_down"].contains(error.code)
        } else {
            false
        }
    }
}

/// When a credential is refreshed ahead of its end. Times are milliseconds since 1970.
struct RefreshSchedule: Sendable {
    /// How long before a token expires it is replaced.
    let buffer: Int64

    /// Tokens that live for seconds are not replaced all the time while nobody needs them.
    static let shortestPause: Int64 = 30_000
    static let longestBackoff: Int64 = 60_000

    /// When to refresh.
    ///
    /// - Parameters:
    ///   - obtained: when the credential came, nil for one that was found: a token that lives shorter than the buffer
    ///     is replaced at half its life.
    ///   - jitter: 0..<1; processes that share a credential do not all come at one instant.
    func due(_ credential: OAuthCredential, obtained: Int64?, jitter: Double) -> Int64 {
        // Nothing can be done before it ends.
        guard credential.refreshToken != nil else { return credential.expiry }
        let early = credential.expiry - buffer - Int64(Double(buffer) * jitter / 10)
        guard let obtained else { return early }
        let half = obtained + max(credential.expiry - obtained, 0) / 2
        return max(early, half, obtained + Self.shortestPause)
    }

    /// How long to wait after the `failures`-th failure in a row: 5 s, doubling up to a minute, and up to a fifth more.
    static func backoff(failures: Int, jitter: Double) -> Int64 {
        let pause = min(5000 << Int64(min(max(failures - 1, 0), 10)), longestBackoff)
        return pause + Int64(Double(pause) * jitter / 5)
    }
}
