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
    /// Variables that are there without a value.
    private let empty: Set<String>

    init(environment: [String: String], dotEnv: [String: String], workingDirectory: String) {
        empty = Set(dotEnv.merging(environment) { $1 }.filter(\.value.isEmpty).keys)
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

    /// Whether a variable is set to nothing, for the few where that means something else than leaving it out.
    func isEmpty(_ variable: ConfigurationVariable) -> Bool { empty.contains(variable.rawValue) }

    /// Whether a variable that was read has another value than its default's.
    func isSet(_ variable: ConfigurationVariable) -> Bool {
        settings.contains { $0.variable == variable.rawValue && $0.source != .default }
    }

    // MARK: Values

    /// The value of a variable, or its default, which may depend on other variables. A value with a fault becomes a
    /// problem, and `fallback` is returned; as it is where there is no value at all.
    mutating func value<T>(
        _ variable: ConfigurationVariable, default defaultText: String? = nil, fallback: T,
        parse: (String) throws(ValueFault) -> T
    ) -> T {
        let found = text(variable.rawValue, isSecret: false)
        let text = found?.text ?? defaultText ?? variable.defaultText
        record(variable, value: text, source: found?.source ?? .default)
        guard let text else { return fallback }
        do throws(ValueFault) {
            return try parse(text)
        } catch {
            report(variable, value: text, error)
            return fallback
        }
    }

    /// The value of a secret, from its variable or from the file that `NAME_FILE` names. Where there is none, that is
    /// a problem which `missing` describes, or nothing if it is nil.
    mutating func secret<T>(
        _ variable: ConfigurationVariable, fallback: T, missing: ValueFault?, parse: (String) throws(ValueFault) -> T
    ) -> T {
        do throws(ValueFault) {
            guard let secret = try secretText(variable) else {
                record(variable, value: nil, source: .default)
                if let missing { throw missing }
                return fallback
            }
            record(variable, value: "[redacted]", source: secret.source)
            return try parse(secret.text)
        } catch {
            report(variable, error)
            return fallback
        }
    }

    private func secretText(_ variable: ConfigurationVariable) throws(ValueFault) -> Found? {
        let found = text(variable.rawValue, isSecret: true)
        let fileVariable = variable.rawValue + "_FILE"
        guard let file = text(fileVariable, isSecret: false) else { return found }
        guard found == nil else { throw ValueFault("and \(fileVariable) are both set, of which one must go") }
        do {
            return Found(text: String(try TextFile(path: path(file.text)).text.trimmed), source: .file(file.text))
        } catch {
            // The path is not shown: it may be the secret itself, put into the wrong variable.
            throw ValueFault("cannot be read: the file that \(fileVariable) names \(error.phrase)")
        }
    }

    /// A path, resolved against the working directory.
    func path(_ text: String) -> String {
        text.hasPrefix("/") ? text : "\(workingDirectory)/\(text)"
    }

    // MARK: Problems

    /// Reports what is wrong with a variable beside others.
    mutating func report(_ variable: ConfigurationVariable, _ fault: ValueFault) {
        problems.append("\(variable.rawValue) \(fault.phrase); for example \(variable.rawValue)=\(variable.example)")
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

    /// A value and where it came from.
    private struct Found {
        var text: String
        var source: GatewayConfiguration.Setting.Source
    }

    private func text(_ name: String, isSecret: Bool) -> Found? {
        guard let text = reader.string(forKey: ConfigKey([name]), isSecret: isSecret) else { return nil }
        let isInEnvironment = (try? environment.environmentValue(forName: name)) != nil
        return Found(text: text, source: isInEnvironment ? .environment : .dotEnv)
    }
}
