import ArgumentParser
import Gateway
import JSON
import NIOCore

/// `qwen-gateway check`: what the configuration comes to.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration and say where each value comes from.",
        discussion: """
            Reads the environment and .env as `serve` does, and starts nothing. Secrets are never shown.
            Exit codes: 0 it is valid, 78 it is not; then every fault is told.
            """)

    @Flag(help: "Write it as JSON.")
    var json = false

    func run() throws {
        let configuration = try CommandSupport.configuration(for: .serve)
        print(json ? Self.json(configuration) : Self.table(configuration.settings))
        if !json { for warning in configuration.warnings { CommandSupport.say("Beware: \(warning)") } }
    }

    private static func table(_ settings: [GatewayConfiguration.Setting]) -> String {
        let width = settings.map(\.variable.count).max() ?? 0
        return settings.map { setting in
            let padding = String(repeating: " ", count: width - setting.variable.count + 2)
            return "\(setting.variable)\(padding)\(setting.value ?? "-")  (\(setting.source.text))"
        }.joined(separator: "\n")
    }

    private static func json(_ configuration: GatewayConfiguration) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("settings")
        writer.beginArray()
        for setting in configuration.settings {
            writer.beginObject()
            writer.member("variable", .string(setting.variable))
            writer.member("value", setting.value.map { .string($0) } ?? .null)
            writer.member("source", .string(setting.source.text))
            writer.endObject()
        }
        writer.endArray()
        writer.key("warnings")
        writer.beginArray()
        for warning in configuration.warnings { writer.value(.string(warning)) }
        writer.endArray()
        writer.endObject()
        return String(buffer: writer.buffer)
    }
}

extension GatewayConfiguration.Setting.Source {
    fileprivate var text: String {
        switch self {
        case .environment: "environment"
        case .dotEnv: ".env"
        case .file(let path): "file \(path)"
        case .default: "default"
        }
    }
}
