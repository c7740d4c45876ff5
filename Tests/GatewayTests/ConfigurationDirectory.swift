import Foundation

@testable import Gateway

/// A working directory for one test.
final class ConfigurationDirectory {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/configuration-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file with access for its owner only, or as told.
    func write(_ text: String, to name: String, permissions: Int = 0o600) {
        write(Data(text.utf8), to: name, permissions: permissions)
    }

    func write(_ bytes: Data, to name: String, permissions: Int = 0o600) {
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: permissions]
        _ = FileManager.default.createFile(atPath: "\(path)/\(name)", contents: bytes, attributes: attributes)
    }

    /// Loads a configuration here; without variables of its own it is the smallest that is valid.
    func load(
        _ environment: [String: String] = [:], minimal: Bool = true
    ) throws(ConfigurationError) -> GatewayConfiguration {
        let base = minimal ? Self.minimal : [:]
        return try GatewayConfiguration.load(
            environment: base.merging(environment) { $1 }, workingDirectory: path, processorCount: 3)
    }

    /// What is wrong with an environment; empty if nothing is.
    func problems(_ environment: [String: String], minimal: Bool = true) -> [String] {
        do throws(ConfigurationError) {
            _ = try load(environment, minimal: minimal)
            return []
        } catch {
            return error.problems
        }
    }

    static let minimal = ["GATEWAY_API_KEYS": clientKey, "QWEN_API_KEY": qwenKey]
    static let clientKey = "client-key-0123456789"
    static let qwenKey = "sk-qwen-0123456789"
}
