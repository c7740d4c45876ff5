import ArgumentParser
import Gateway
import NIOCore

/// `qwen-gateway health`: the health check of containers, which need no shell and no curl for it.
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask the gateway that runs here whether it is well.",
        discussion: """
            Asks ADMIN_ADDRESS, or, where that is off, SERVER_PORT for its redirect to https: in plain HTTP, so that no
            certificate need be trusted. Takes the addresses from the environment or .env, as the gateway does.
            Whether Qwen can be reached is not part of it: see /health/detailed.
            Exit codes: 0 well, 1 not well, 78 the configuration is wrong.
            """)

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 5

    func validate() throws {
        guard (1...300).contains(timeout) else { throw ValidationError("--timeout must be in 1...300") }
    }

    func run() throws {
        let target: HealthTarget
        do {
            target = try HealthTarget.loadFromProcess()
        } catch {
            throw CommandSupport.fail(error)
        }
        if let fault = target.fault(timeout: .seconds(Int64(timeout))) {
            throw CommandSupport.fail("not well: \(target): \(fault)")
        }
        print("well: \(target)")
    }
}
