import ArgumentParser
import Gateway
import Glibc
import Qwen

/// `qwen-gateway login`: the device login, in the terminal.
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Log in to Qwen with a browser.",
        discussion: """
            Shows a URL, a code, and both as a QR code, and waits until they are confirmed. The login is kept sealed in
            QWEN_DIR; a gateway that runs with the same directory uses it at once.
            Qwen closed its free tier for such logins on 2026-04-15: an API key (`credentials add`) is the usual way in.
            """)

    @Option(help: "What to call it: several accounts need several names.")
    var name = CredentialImport.defaultName

    @Flag(help: "Show no QR code.")
    var noQR = false

    func validate() throws { try CommandSupport.checkName(name) }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let configuration = try CommandSupport.configuration()
        let store = try CommandSupport.store(configuration)
        // Before anybody confirms a code whose tokens could not be stored.
        if case .apiKey? = try CommandSupport.stored({ () throws(CredentialStoreError) in try store.load(name) })?
            .credential
        {
            throw CommandSupport.fail("\"\(name)\" is an API key: choose another name with --name")
        }
        let signals = TerminationSignals()
        let showsQR = !noQR
        let session: LoginSession
        do {
            session = try await LoginSession.start(configuration) { Self.show($0, withQR: showsQR) }
        } catch {
            throw CommandSupport.fail(error)
        }
        let interruption = Task {
            await signals.next()
            await session.cancel()
        }
        let end = await session.logIn(as: name)
        interruption.cancel()
        await session.stop()
        switch end {
        case .succeeded(let name): CommandSupport.say("Logged in. The login is stored as \"\(name)\", sealed.")
        case .failed(let explanation): throw CommandSupport.fail(explanation)
        default: throw CommandSupport.fail("the login was given up", exitCode: ExitCode(130))
        }
    }

    private static func show(_ state: LoginKeeper.State, withQR: Bool) {
        switch state {
        case .waiting(let prompt):
            CommandSupport.say("Open this page and confirm the code \(prompt.userCode):\n\n")
            CommandSupport.say("    \(prompt.verificationURIComplete)\n")
            guard withQR, let code = QRCode(prompt.verificationURIComplete) else { return }
            CommandSupport.say(code.text(isatty(2) == 1 ? .coloured : .darkOnLight))
        case .elsewhere:
            CommandSupport.say("Another process has a login under way, and shows its code. Waiting for it.")
        case .starting: CommandSupport.say("Asking Qwen for a code.")
        case .idle, .succeeded, .failed: break
        }
    }
}

/// `qwen-gateway logout`: forgets a login.
struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Forget a login.",
        discussion: "Removes it from QWEN_DIR; a gateway that runs lets go of it within a second.")

    @Argument(help: "Its name.")
    var name = CredentialImport.defaultName

    func run() async throws {
        let store = try CommandSupport.store(try CommandSupport.configuration())
        let stored = try CommandSupport.stored { () throws(CredentialStoreError) in try store.load(name) }
        guard case .oauth? = stored?.credential else {
            throw CommandSupport.fail("there is no login \"\(name)\": see `qwen-gateway credentials list`")
        }
        _ = try CommandSupport.stored { () throws(CredentialStoreError) in try store.remove(name) }
        CommandSupport.say("Logged out: \"\(name)\" is removed.")
    }
}
