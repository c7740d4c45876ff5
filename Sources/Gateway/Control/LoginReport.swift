import JSON
import NIOCore
import Qwen

/// The state of the login, as `/auth`, `/health/detailed`, the log and the terminal tell it.
struct LoginReport: Sendable {
    /// Nil where nobody can log in.
    let state: LoginKeeper.State?
    /// A login is stored and works.
    let isLoggedIn: Bool

    /// A word for programs.
    var word: String {
        switch state {
        case nil: "unavailable"
        case .idle?: isLoggedIn ? "logged_in" : "logged_out"
        case .starting?: "starting"
        case .waiting?: "waiting"
        case .elsewhere?: "waiting_elsewhere"
        case .succeeded?: isLoggedIn ? "logged_in" : "logged_out"
        case .failed?: isLoggedIn ? "logged_in" : "failed"
        }
    }

    /// A sentence for people.
    var message: String {
        switch state {
        case nil:
            """
            Nobody can log in, because credentials are not kept: set QWEN_CREDENTIALS_SECRET, which seals them, and \
            restart the gateway.
            """
        case .idle?, .succeeded?:
            isLoggedIn ? "The gateway is logged in to Qwen." : "Nobody is logged in to Qwen."
        case .starting?: "Qwen is being asked for a code. Ask again in a moment."
        case .waiting(let prompt)?:
            "Open \(prompt.verificationURIComplete) and confirm the code \(prompt.userCode)."
        case .elsewhere?: "Another process that shares QWEN_DIR has a login under way, and shows its code."
        case .failed(let explanation)?: explanation
        }
    }

    /// Writes it as a JSON object.
    func write(into writer: inout JSONWriter, now: Int64) {
        writer.beginObject()
        writer.member("state", .string(word))
        writer.member("message", .string(message))
        if case .waiting(let prompt)? = state {
            writer.member("verification_uri", .string(prompt.verificationURI))
            writer.member("verification_uri_complete", .string(prompt.verificationURIComplete))
            writer.member("user_code", .string(prompt.userCode))
            writer.member("expires_in", .integer(Int(max(prompt.expiresAt - now, 0) / 1000)))
        }
        writer.endObject()
    }
}
