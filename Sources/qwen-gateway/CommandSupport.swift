import ArgumentParser
import Gateway
import Glibc
import Qwen
import Vault

/// What the commands beside `serve` share: the configuration, the store, and the way to fail.
enum CommandSupport {
    /// Exit codes, as sysexits(3) names them.
    static let configurationExit = ExitCode(StartupError.ExitCode.configuration.rawValue)

    /// Writes a line to standard error.
    static func say(_ text: String) {
        _ = unsafe (text + "\n").withCString { unsafe write(2, $0, strlen($0)) }
    }

    /// Ends the command with an explanation.
    static func fail(_ explanation: String, exitCode: ExitCode = .failure) -> ExitCode {
        say("qwen-gateway: \(explanation)")
        return exitCode
    }

    /// The configuration. What follows holds secrets in memory, of which there must be no dump.
    ///
    /// - Parameter purpose: what it must suffice for.
    static func configuration(
        for purpose: GatewayConfiguration.Purpose = .credentials
    ) throws -> GatewayConfiguration {
        ProcessHardening.disableCoreDumps()
        do {
            return try GatewayConfiguration.loadFromProcess(for: purpose)
        } catch {
            throw fail(error)
        }
    }

    /// Ends the command for a configuration that it can do nothing with.
    static func fail(_ error: ConfigurationError) -> ExitCode {
        for problem in error.problems { say("qwen-gateway: \(problem)") }
        return configurationExit
    }

    /// Ends the command for something that it can not begin without.
    static func fail(_ error: StartupError) -> ExitCode {
        fail(error.description, exitCode: ExitCode(error.exitCode.rawValue))
    }

    /// The store of the credentials.
    static func store(_ configuration: GatewayConfiguration) throws -> CredentialStore {
        do {
            if let store = try configuration.credentials.makeStore() { return store }
        } catch {
            throw fail(error.description, exitCode: configurationExit)
        }
        throw fail(
            """
            QWEN_CREDENTIALS_SECRET is not set, and without it no credential is kept: put a secret into .env, \
            QWEN_CREDENTIALS_SECRET=<what `openssl rand -hex 32` prints>, and give the gateway the same
            """, exitCode: configurationExit)
    }

    /// A way to ask Qwen something.
    static func controlPlane(_ configuration: GatewayConfiguration) async throws -> ControlPlane {
        do {
            return try await ControlPlane.start(configuration)
        } catch {
            throw fail(error)
        }
    }

    /// Refuses a name that no credential can have, before anybody is asked for anything.
    static func checkName(_ name: String) throws {
        guard Vault.isName(name) else {
            throw ValidationError(
                """
                "\(name)" is no name for a credential: it must have 1 to 64 of a-z, 0-9, ".", "_" and "-", the first \
                a letter or a digit
                """)
        }
    }

    /// Runs what the store can refuse.
    static func stored<Result>(_ body: () throws(CredentialStoreError) -> Result) throws -> Result {
        do throws(CredentialStoreError) {
            return try body()
        } catch {
            throw fail(error.reason)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    static var now: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
