import ArgumentParser

/// The command `qwen-gateway`.
@main
struct QwenGatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qwen-gateway",
        abstract: "An HTTPS gateway to Qwen for clients that speak the OpenAI API.",
        version: "qwen-gateway \(gatewayVersion)",
        subcommands: [
            ServeCommand.self, HealthCommand.self, LoginCommand.self, LogoutCommand.self, CredentialsCommand.self,
            KeysCommand.self, CheckCommand.self, DoctorCommand.self, ModelsCommand.self, VersionCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}
