internal import Configuration

/// Reads variables one after the other, and keeps what is wrong with them until all have been read.
///
/// The environment goes before the `.env` file. An empty value counts as none, which is how `docker compose` passes
/// on a variable that is not set.
struct SettingsReader {
    private(set) var problems: [String] = []
    /// What each variable came to, in the order of reading.
    private(set) var settings: [GatewayConfiguration.Setting] = []

    private let environment: EnvironmentVariablesProvider
    private let reader: ConfigReader
    private let workingDirectory: String

    init(environment: [String: String], dotEnv: [String: String], workingDirectory: String) {
        let environment = Self.provider(environment)
        self.environment = environment
        reader = ConfigReader(providers: [environment, Self.provider(dotEnv)])
        self.workingDirectory = workingDirectory
    }

    private static func provider(_ variables: [String: String]) -> EnvironmentVariablesProvider {
        EnvironmentVariablesProvider(
            environmentVariables: variables.filter { !$0.value.isEmpty },
            secretsSpecifier: .specific(ConfigurationVariable.secretNames))
    }

    // MARK: Values

    /// The value of a variable, or its default. A value with a fault becomes a problem, and `fallback` is returned.
    mutating func value<T>(
        _ variable: ConfigurationVariable, fallback: T, parse: (String) throws(ValueFault) -> T
    ) -> T {
        let found = text(variable.rawValue, isSecret: false)
        record(variable, value: found?.text ?? variable.defaultText, source: found?.source ?? .default)
        guard let text = found?.text ?? variable.defaultText else { return fallback }
        do throws(ValueFault) {
            return try parse(text)
        } catch {
            report(variable, value: text, error)
            return fallback
        }
    }

    /// The value of a secret, from its variable or from the file that `NAME_FILE` names; nil if there is none.
    mutating func secret(_ variable: ConfigurationVariable) -> String? {
        let found = text(variable.rawValue, isSecret: true)
        let file = variable.fileVariable.flatMap { text($0, isSecret: false) }
        guard let file, let fileVariable = variable.fileVariable else {
            record(variable, value: found.map { _ in "[redacted]" }, source: found?.source ?? .default)
            return found?.text
        }
        guard found == nil else {
            problems.append("\(variable.rawValue) and \(fileVariable) are both set; set one of them")
            return nil
        }
        do throws(ValueFault) {
            let text = try TextFile(path: path(file.text)).text
            record(variable, value: "[redacted]", source: .file(file.text))
            return String(text.trimmed)
        } catch {
            // The path is not shown: it may be the secret itself, put into the wrong variable.
            problems.append("\(fileVariable): the file that it names \(error.phrase); for example /run/secrets/name")
            return nil
        }
    }

    /// A path, resolved against the working directory.
    func path(_ text: String) -> String {
        text.hasPrefix("/") ? text : "\(workingDirectory)/\(text)"
    }

    // MARK: Problems

    mutating func report(_ problem: String) {
        problems.append(problem)
    }

    /// Reports the fault of a variable, whose value is left out.
    mutating func report(_ variable: ConfigurationVariable, _ fault: ValueFault) {
        problems.append("\(variable.rawValue) \(fault.phrase); for example \(variable.example)")
    }

    /// Reports the fault of a value.
    private mutating func report(_ variable: ConfigurationVariable, value: String, _ fault: ValueFault) {
        // A URL may hold a password or a key.
        let isShown = !value.contains("@") && !value.contains("?") && value.utf8.count <= 100
        let shown = isShown ? String(reflecting: value) : "the value"
        problems.append(
            "\(variable.rawValue): \(shown) \(fault.phrase); for example \(variable.rawValue)=\(variable.example)")
    }

    private mutating func record(
        _ variable: ConfigurationVariable, value: String?, source: GatewayConfiguration.Setting.Source
    ) {
        settings.append(GatewayConfiguration.Setting(variable: variable.rawValue, value: value, source: source))
    }

    private func text(
        _ name: String, isSecret: Bool
    ) -> (text: String, source: GatewayConfiguration.Setting.Source)? {
        guard let text = reader.string(forKey: ConfigKey([name]), isSecret: isSecret) else { return nil }
        let isInEnvironment = (try? environment.environmentValue(forName: name)) != nil
        return (text, isInEnvironment ? .environment : .dotEnv)
    }
}
