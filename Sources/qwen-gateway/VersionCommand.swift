import ArgumentParser
import Gateway
import JSON
import NIOCore

/// `qwen-gateway version`: what is installed here.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version, and those of the libraries that it runs with.")

    @Flag(help: "Write it as JSON.")
    var json = false

    func run() {
        let parts = [
            ("qwen-gateway", GatewayVersion.current), ("OpenSSL", GatewayVersion.openSSL),
            ("nghttp2", GatewayVersion.nghttp2),
        ]
        guard json else { return print(parts.map { "\($0) \($1)" }.joined(separator: "\n")) }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, version) in parts { writer.member(name.lowercased(), .string(version)) }
        writer.endObject()
        print(String(buffer: writer.buffer))
    }
}
