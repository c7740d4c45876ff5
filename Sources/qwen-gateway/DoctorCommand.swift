import ArgumentParser
import Gateway
import JSON
import NIOCore
import Telemetry
import Vault

/// `qwen-gateway doctor`: what is wrong, and what to do.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at all that the gateway needs, and say what to do.",
        discussion: """
            Looks at the configuration, the certificate, the port, the modes of files, the credentials, the way to Qwen
            (DNS, connection, TLS) and the clock. It changes nothing, and asks no model anything.
            Exit codes: 0 nothing is in the way, 1 something is, 78 the configuration is wrong.
            """)

    @Flag(help: "Write the findings as JSON.")
    var json = false

    func run() async throws {
        ProcessHardening.disableCoreDumps()
        let configuration: GatewayConfiguration
        do {
            configuration = try GatewayConfiguration.loadFromProcess()
        } catch {
            report(error.problems.map { Finding("configuration", .problem, $0 + ".") })
            throw CommandSupport.configurationExit
        }
        let plane = try await CommandSupport.controlPlane(configuration)
        var findings = [Finding("configuration", .ok, "It is valid; `qwen-gateway check` shows it.")]
        await Doctor(configuration, plane, now: WallTime.now).examine { findings.append($0) }
        await plane.stop()
        report(findings)
        if findings.contains(where: { $0.state == .problem }) { throw ExitCode.failure }
    }

    private func report(_ findings: [Finding]) {
        guard json else {
            for finding in findings {
                print("\(finding.state.mark)  \(finding.subject): \(finding.text)")
                if let advice = finding.advice { print("         \(advice)") }
            }
            return
        }
        var writer = JSONWriter()
        writer.beginArray()
        for finding in findings { finding.write(into: &writer) }
        writer.endArray()
        print(String(buffer: writer.buffer))
    }
}

extension Finding.State {
    fileprivate var mark: String {
        switch self {
        case .ok: "ok     "
        case .warning: "warning"
        case .problem: "PROBLEM"
        case .skipped: "skipped"
        }
    }
}
