import Glibc
import Logging
import Qwen

/// Tells the operator of a login that needs him: in the log, and on the terminal if there is one.
enum LoginAnnouncement {
    static func make(_ state: LoginKeeper.State, logger: Logger) {
        let report = LoginReport(state: state, isLoggedIn: false)
        switch state {
        case .waiting(let prompt):
            logger.notice(
                "log in to Qwen: open the URL and confirm the code",
                metadata: ["url": "\(prompt.verificationURIComplete)", "code": "\(prompt.userCode)"])
            tell("\nLog in to Qwen: \(report.message)\n\n")
        case .succeeded(let name):
            logger.notice("logged in to Qwen", metadata: ["credential": "\(name)"])
            tell("Logged in to Qwen.\n")
        case .failed(let explanation):
            logger.error("the login has failed", metadata: ["reason": "\(explanation)"])
            tell("\(explanation)\n")
        case .elsewhere: logger.notice("\(report.message)")
        case .idle, .starting: break
        }
    }

    private static func tell(_ text: String) {
        guard isatty(2) == 1 else { return }
        _ = unsafe text.withCString { unsafe write(2, $0, strlen($0)) }
    }
}
