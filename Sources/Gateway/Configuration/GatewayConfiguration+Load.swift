import Admission
internal import Glibc
import TLS
import Translation

extension GatewayConfiguration {
    /// Reads the configuration of this process.
    ///
    /// - Parameter processorCount: The default of `WORKERS`.
    /// - Throws: All that is wrong with it.
    package static func loadFromProcess(
        for purpose: Purpose = .serve, processorCount: Int = onlineProcessors
    ) throws(ConfigurationError) -> Self {
        // Settings are checked with OpenSSL: nothing may use it before.
        OpenSSLMemory.install()
        return try load(
            for: purpose, environment: processEnvironment(), workingDirectory: ".", processorCount: processorCount)
    }

    /// The variables of this process's environment that the gateway reads.
    static func processEnvironment() -> [String: String] {
        var environment: [String: String] = [:]
        for name in ConfigurationVariable.allNames {
            if let value = unsafe getenv(name) { environment[name] = unsafe String(cString: value) }
        }
        return environment
    }

    /// The processors that are switched on.
    package static var onlineProcessors: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }

    /// Reads a configuration.
    ///
    /// - Parameters:
    ///   - purpose: What it must suffice for.
    ///   - environment: The environment's variables. They go before those of the `.env` file.
    ///   - workingDirectory: Where the `.env` file is looked for and relative paths begin.
    ///   - processorCount: The default of `WORKERS`.
    /// - Throws: All that is wrong with it.
    package static func load(
        for purpose: Purpose = .serve, environment: [String: String], workingDirectory: String,
        processorCount: Int = onlineProcessors
    ) throws(ConfigurationError) -> Self {
        var warnings: [String] = []
        var problems: [String] = []
        let dotEnv = readDotEnv(path: "\(workingDirectory)/.env", warnings: &warnings, problems: &problems)
        var reader = SettingsReader(environment: environment, dotEnv: dotEnv, workingDirectory: workingDirectory)
        var configuration = read(&reader, purpose, processorCount: processorCount)
        problems += reader.problems
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        configuration.warnings = warnings + configuration.accessWarnings
        configuration.settings = reader.settings
        return configuration
    }

    /// The variables of the `.env` file; none if there is no such file.
    static func readDotEnv(
        path: String, warnings: inout [String], problems: inout [String]
    ) -> [String: String] {
        guard unsafe access(path, F_OK) == 0 else { return [:] }
        let content: TextFile
        do throws(ValueFault) {
            content = try TextFile(path: path)
        } catch {
            problems.append(".env \(error.phrase)")
            return [:]
        }
        let file = DotEnvFile(content.text)
        problems += file.faults.map { ".env: line \($0.line) \($0.fault.phrase); for example LOG_LEVEL=info" }
        let unknown = file.lines.filter { !ConfigurationVariable.allNames.contains($0.key) }.values.sorted()
        warnings += unknown.map { ".env: line \($0) sets a variable that the gateway does not read" }
        if content.isReadableByOthers {
            warnings.append(".env can be read by other users of this machine; run `chmod 600 .env`")
        }
        return file.variables
    }

    private static func read(_ reader: inout SettingsReader, _ purpose: Purpose, processorCount: Int) -> Self {
        let host = reader.value(.serverHost, fallback: "", parse: Values.host)
        let port = reader.value(.serverPort, fallback: 0, parse: Values.port)
        let tls = TLSSettings.read(&reader)
        let debugMode = reader.value(.debugMode, fallback: false, parse: Values.boolean)
        let allowsAnonymous = reader.value(.allowAnonymous, fallback: false, parse: Values.boolean)
        let region = reader.value(.qwenRegion, fallback: Region.intl, parse: Values.choice)
        let workers = String(min(max(processorCount, 1), 256))
        let maxBodyBytes = reader.value(.maxBodyBytes, fallback: 0, parse: Values.bodySize)
        let credentials = readCredentials(&reader)
        let needsKey = purpose == .serve && credentials.secret == nil
        return GatewayConfiguration(
            serverHost: host, serverPort: port,
            tls: tls, browsers: BrowserSettings.read(&reader),
            readTimeout: reader.value(.readTimeout, fallback: .zero, parse: Values.timeout),
            writeTimeout: reader.value(.writeTimeout, fallback: .zero, parse: Values.timeout),
            handshakeTimeout: reader.value(.handshakeTimeout, fallback: .zero, parse: Values.timeout),
            keepAliveTimeout: reader.value(.keepAliveTimeout, fallback: .zero, parse: Values.timeout),
            shutdownTimeout: reader.value(.shutdownTimeout, fallback: .zero, parse: DurationText.parse),
            maxBodyBytes: maxBodyBytes, edge: EdgeSettings.read(&reader, maxBodyBytes: maxBodyBytes),
            workers: reader.value(.workers, default: workers, fallback: 1, parse: Values.workers),
            logLevel: reader.value(
                .logLevel, default: debugMode ? "debug" : nil, fallback: .info, parse: Values.logLevel),
            logFormat: reader.value(.logFormat, fallback: .json, parse: Values.choice),
            debugMode: debugMode,
            clientKeys: readClientKeys(
                &reader,
                areNeeded: purpose == .serve && !allowsAnonymous && tls.clientAuthentication == nil
                    && !ClientKeyStore(directory: credentials.directory).exists),
            allowsAnonymous: allowsAnonymous,
            limits: LimitSettings.read(&reader),
            qwenAPIKey: reader.secret(
                .qwenAPIKey, fallback: nil, missing: needsKey ? Values.noWayIn : nil, parse: Values.optionalSecret),
            upstream: reader.value(
                .apiBaseURL, default: region.baseURL, fallback: BaseURL(host: "", port: 0, path: ""),
                parse: BaseURL.init),
            upstreamCAFile: reader.value(.upstreamCAFile, fallback: nil, parse: Values.optionalText).map(reader.path),
            upstreamConnectTimeout: reader.value(.upstreamConnectTimeout, fallback: .zero, parse: Values.timeout),
            upstreamFirstByteTimeout: reader.value(.upstreamFirstByteTimeout, fallback: .zero, parse: Values.timeout),
            upstreamIdleTimeout: reader.value(.upstreamIdleTimeout, fallback: .zero, parse: Values.timeout),
            upstreamRetryBudget: reader.value(.upstreamRetryBudget, fallback: .zero, parse: DurationText.parse),
            streamKeepAlive: reader.value(.streamKeepAlive, fallback: .zero, parse: DurationText.parse),
            credentials: credentials, oauth: readOAuth(&reader),
            adminAddress: reader.value(
                .adminAddress, default: reader.isEmpty(.adminAddress) ? "off" : nil, fallback: nil,
                parse: Values.adminAddress),
            defaultModel: reader.value(.defaultModel, fallback: "", parse: Values.model),
            modelAliases: reader.value(.modelAliases, fallback: .none, parse: Values.modelAliases),
            warnings: [], settings: [])
    }

    private static func readClientKeys(_ reader: inout SettingsReader, areNeeded: Bool) -> [ClientKey] {
        let admins = reader.secret(.gatewayAdminKeys, fallback: [], missing: nil, parse: Values.adminKeys)
        let missing = areNeeded && admins.isEmpty ? Values.noClientKeys : nil
        let keys = reader.secret(.gatewayAPIKeys, fallback: [], missing: missing, parse: Values.clientKeys)
        // A key that stands in both is an administrator's.
        return keys.filter { key in !admins.contains { $0.key == key.key } } + admins
    }

    private static func readCredentials(_ reader: inout SettingsReader) -> CredentialSettings {
        CredentialSettings(
            directory: reader.path(reader.value(.qwenDirectory, fallback: "", parse: Values.text)),
            secret: reader.secret(
                .credentialsSecret, fallback: nil, missing: nil, parse: Values.sealingSecret),
            previousSecret: reader.secret(
                .previousCredentialsSecret, fallback: nil, missing: nil, parse: Values.sealingSecret))
    }

    private static func readOAuth(_ reader: inout SettingsReader) -> OAuthSettings {
        OAuthSettings(
            baseURL: reader.value(
                .oauthBaseURL, fallback: BaseURL(host: "", port: 0, path: ""), parse: BaseURL.init),
            deviceURL: reader.value(.oauthDeviceURL, fallback: nil, parse: Values.optionalURL),
            clientID: reader.value(.oauthClientID, fallback: "", parse: Values.text),
            scope: reader.value(.oauthScope, fallback: "", parse: Values.text),
            refreshBuffer: reader.value(.tokenRefreshBuffer, fallback: .zero, parse: Values.timeout))
    }

    /// What anonymous access comes to.
    private var accessWarnings: [String] {
        guard allowsAnonymous else { return [] }
        var warnings: [String] = []
        if !HostText.isLoopback(serverHost) {
            warnings.append(
                "ALLOW_ANONYMOUS=true: whoever reaches \(serverHost) uses Qwen at your expense")
        }
        if !clientKeys.isEmpty {
            warnings.append("ALLOW_ANONYMOUS=true: requests without a key are served though GATEWAY_API_KEYS is set")
        }
        return warnings
    }
}
