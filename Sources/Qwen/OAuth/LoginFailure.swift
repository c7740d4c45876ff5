/// Why a login has ended without a credential.
package struct LoginFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: Sendable, Equatable {
        /// The endpoint answers as one that is no more: with a web page, nothing, or 404.
        case closed
        /// Qwen names an error that another try will not change.
        case refused
        /// The user said no.
        case denied
        /// Nobody confirmed the code while it was good.
        case expired
        case rateLimited
        /// Qwen could not be reached, or has failed itself, again and again.
        case unavailable
        /// Qwen answered in a way that makes no sense.
        case unusableAnswer
        /// The tokens came and could not be stored.
        case notSaved
        /// The gateway could not even begin.
        case notStarted
    }

    package let reason: Reason
    /// What happened and what to do, for the log, the terminal and `/auth`. Holds neither token nor device code.
    package let explanation: String

    package init(_ reason: Reason, _ explanation: String) {
        self.reason = reason
        self.explanation = explanation
    }

    package var description: String { explanation }
}

/// What a user can do, said in the same words everywhere.
enum OAuthAdvice {
    static let useAPIKey =
        "Use a Model Studio API key instead: set QWEN_API_KEY, or run “qwen-gateway credentials add”."
    static let freeTierIsClosed =
        "Qwen closed the free OAuth tier on 2026-04-15, so this login may exist no longer."
    static let loginAgain = "Log in again with “qwen-gateway login”."
    static let tryLater = "Try again later."
}

extension LoginFailure {
    static func closed(_ host: String, status: Int, _ body: String) -> LoginFailure {
        LoginFailure(
            .closed,
            "\(host) answered the login with status \(status) and \(body) instead of a code. "
                + "\(OAuthAdvice.freeTierIsClosed) \(OAuthAdvice.useAPIKey)")
    }

    static func refused(_ host: String, _ words: String) -> LoginFailure {
        LoginFailure(
            .refused,
            "\(host) refused the login\(words). \(OAuthAdvice.loginAgain) If it is refused again: "
                + "\(OAuthAdvice.freeTierIsClosed) \(OAuthAdvice.useAPIKey)")
    }

    static func expired(after lifetime: Int64) -> LoginFailure {
        let time = lifetime < 120_000 ? "\(lifetime / 1000) seconds" : "\(lifetime / 60_000) minutes"
        return LoginFailure(
            .expired, "The code was not confirmed within its \(time), and has expired. \(OAuthAdvice.loginAgain)")
    }

    static let codeRefused = LoginFailure(
        .expired, "Qwen no longer knows the code: it has expired or was used before. \(OAuthAdvice.loginAgain)")

    static let denied = LoginFailure(
        .denied, "The login was declined on Qwen's page. \(OAuthAdvice.loginAgain)")

    static func rateLimited(_ host: String) -> LoginFailure {
        LoginFailure(
            .rateLimited,
            "\(host) takes no more login requests from here for now. Wait some minutes, and log in again.")
    }

    static func unavailable(_ what: String) -> LoginFailure {
        LoginFailure(
            .unavailable,
            "The login could not be begun: \(what). Look at the network, DNS and any proxy between. "
                + OAuthAdvice.tryLater)
    }

    static func unusable(_ host: String, status: Int, _ body: String) -> LoginFailure {
        LoginFailure(
            .unusableAnswer,
            "\(host) answered the login again and again with status \(status) and \(body), so it was given up. "
                + "\(OAuthAdvice.freeTierIsClosed) \(OAuthAdvice.useAPIKey)")
    }
}
