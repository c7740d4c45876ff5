import ArgumentParser
import Gateway
import NIOCore
import Qwen
import Translation

/// `qwen-gateway models`: what clients can ask for.
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models that the credentials offer, and the aliases.",
        discussion: """
            Asks Qwen where it has a list; otherwise shows what is known of it. The same is served at /v1/models.
            """)

    @Flag(help: "Write what /v1/models answers.")
    var json = false

    func run() async throws {
        let configuration = try CommandSupport.configuration()
        var credentials = [configuration.environmentCredential].compactMap { $0 }
        if configuration.credentials.secret != nil {
            let store = try CommandSupport.store(configuration)
            for entry in try CommandSupport.stored({ () throws(CredentialStoreError) in try store.list() }) {
                if case .success(let stored) = entry.content { credentials.append(stored.credential) }
            }
        }
        if credentials.isEmpty {
            CommandSupport.say("Beware: there is no credential for Qwen; this is what is known of Model Studio.")
        }
        let plane = try await CommandSupport.controlPlane(configuration)
        let catalog = await plane.models(of: credentials)
        await plane.stop()
        print(json ? String(buffer: catalog.list) : catalog.entries.map(\.id).joined(separator: "\n"))
    }
}
