import Admission
import Foundation
import TLS
import Testing

@testable import Gateway

@Suite struct ConfigurationTests {
    let directory = ConfigurationDirectory()

    @Test func defaults() throws {
        let configuration = try directory.load()
        #expect(configuration.serverHost == "0.0.0.0")
        #expect(configuration.serverPort == 8080)
        let certs = directory.path + "/certs/"
        #expect(
            configuration.tls
                == TLSServerSettings(
                    certificates: [.init(chain: certs + "server.pem", key: certs + "server.key")]))
        #expect(configuration.browsers.hstsMaxAge == 63_072_000)
        #expect(configuration.browsers.corsOrigins == nil)
        #expect(configuration.readTimeout == .seconds(30))
        #expect(configuration.writeTimeout == .seconds(30))
        #expect(configuration.handshakeTimeout == .seconds(10))
        #expect(configuration.keepAliveTimeout == .seconds(75))
        #expect(configuration.shutdownTimeout == .seconds(30))
        #expect(configuration.maxBodyBytes == 64 * 1024 * 1024)
        #expect(configuration.workers == 3)
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == .json)
        #expect(!configuration.debugMode)
        #expect(configuration.clientKeys == [.init(name: "env-1", key: Secret(ConfigurationDirectory.clientKey))])
        #expect(!configuration.allowsAnonymous)
        #expect(configuration.qwenAPIKey == Secret(ConfigurationDirectory.qwenKey))
        #expect(configuration.upstream.description == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1")
        #expect(configuration.upstreamCAFile == nil)
        #expect(configuration.upstreamConnectTimeout == .seconds(10))
        #expect(configuration.upstreamFirstByteTimeout == .seconds(600))
        #expect(configuration.upstreamIdleTimeout == .seconds(300))
        #expect(configuration.defaultModel == "qwen3-coder-plus")
        #expect(configuration.warnings.isEmpty)
        #expect(configuration.secrets == [ConfigurationDirectory.clientKey, ConfigurationDirectory.qwenKey])
    }

    // MARK: Every variable

    /// What a value of a variable comes to, as text.
    static let good: [(String, String, String, @Sendable (GatewayConfiguration) -> String)] = [
        ("SERVER_HOST", "127.0.0.1", "127.0.0.1", { $0.serverHost }),
        ("SERVER_HOST", "::", "::", { $0.serverHost }),
        ("SERVER_HOST", "[::1]", "::1", { $0.serverHost }),
        ("SERVER_HOST", "localhost", "localhost", { $0.serverHost }),
        ("SERVER_PORT", "8443", "8443", { "\($0.serverPort)" }),
        ("SERVER_PORT", ":8443", "8443", { "\($0.serverPort)" }),
        ("SERVER_PORT", "0", "0", { "\($0.serverPort)" }),
        ("SERVER_PORT", "65535", "65535", { "\($0.serverPort)" }),
        ("TLS_CERT_FILE", "/etc/tls/a.pem", "/etc/tls/a.pem", { $0.tls.certificates.first?.chain ?? "" }),
        ("TLS_KEY_FILE", "/etc/tls/a.key", "/etc/tls/a.key", { $0.tls.certificates.first?.key ?? "" }),
        ("READ_TIMEOUT", "1m30s", "90.0 seconds", { "\($0.readTimeout)" }),
        ("WRITE_TIMEOUT", "500ms", "0.5 seconds", { "\($0.writeTimeout)" }),
        ("HANDSHAKE_TIMEOUT", "5", "5.0 seconds", { "\($0.handshakeTimeout)" }),
        ("KEEPALIVE_TIMEOUT", "2m", "120.0 seconds", { "\($0.keepAliveTimeout)" }),
        ("SHUTDOWN_TIMEOUT", "0", "0.0 seconds", { "\($0.shutdownTimeout)" }),
        ("UPSTREAM_CONNECT_TIMEOUT", "1s500ms", "1.5 seconds", { "\($0.upstreamConnectTimeout)" }),
        ("UPSTREAM_FIRST_BYTE_TIMEOUT", "2h", "7200.0 seconds", { "\($0.upstreamFirstByteTimeout)" }),
        ("UPSTREAM_IDLE_TIMEOUT", "168h", "604800.0 seconds", { "\($0.upstreamIdleTimeout)" }),
        ("UPSTREAM_RETRY_BUDGET", "0", "0.0 seconds", { "\($0.upstreamRetryBudget)" }),
        ("STREAM_KEEPALIVE", "20s", "20.0 seconds", { "\($0.streamKeepAlive)" }),
        ("QWEN_DIR", "/var/lib/qwen", "/var/lib/qwen", { $0.credentials.directory }),
        ("QWEN_OAUTH_BASE_URL", "https://a.example/", "https://a.example", { "\($0.oauth.baseURL)" }),
        (
            "QWEN_OAUTH_DEVICE_AUTH_URL", "https://a.example/d", "https://a.example/d",
            { $0.oauth.deviceURL?.description ?? "" }
        ),
        ("QWEN_OAUTH_CLIENT_ID", "abc", "abc", { $0.oauth.clientID }),
        ("QWEN_OAUTH_SCOPE", "openid a", "openid a", { $0.oauth.scope }),
        ("TOKEN_REFRESH_BUFFER", "90s", "90.0 seconds", { "\($0.oauth.refreshBuffer)" }),
        ("ADMIN_ADDRESS", "localhost:0", "localhost:0", { $0.adminAddress.map { "\($0.host):\($0.port)" } ?? "" }),
        ("ADMIN_ADDRESS", "off", "nil", { $0.adminAddress?.host ?? "nil" }),
        ("MAX_BODY_BYTES", "1024", "1024", { "\($0.maxBodyBytes)" }),
        ("MAX_BODY_BYTES", "2k", "2048", { "\($0.maxBodyBytes)" }),
        ("MAX_BODY_BYTES", "2KiB", "2048", { "\($0.maxBodyBytes)" }),
        ("MAX_BODY_BYTES", "3m", "3145728", { "\($0.maxBodyBytes)" }),
        ("MAX_BODY_BYTES", "3MiB", "3145728", { "\($0.maxBodyBytes)" }),
        ("MAX_BODY_BYTES", "1GiB", "1073741824", { "\($0.maxBodyBytes)" }),
        ("WORKERS", "1", "1", { "\($0.workers)" }),
        ("WORKERS", "256", "256", { "\($0.workers)" }),
        ("LOG_LEVEL", "TRACE", "trace", { $0.logLevel.rawValue }),
        ("LOG_LEVEL", "warn", "warning", { $0.logLevel.rawValue }),
        ("LOG_FORMAT", "text", "text", { $0.logFormat.rawValue }),
        ("DEBUG_MODE", "true", "debug", { $0.logLevel.rawValue }),
        ("ALLOW_ANONYMOUS", "true", "true", { "\($0.allowsAnonymous)" }),
        ("QWEN_REGION", "cn", "https://dashscope.aliyuncs.com/compatible-mode/v1", { "\($0.upstream)" }),
        ("QWEN_REGION", "us", "https://dashscope-us.aliyuncs.com/compatible-mode/v1", { "\($0.upstream)" }),
        ("QWEN_REGION", "hk", "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1", { "\($0.upstream)" }),
        ("API_BASE_URL", "https://localhost:8443/v1/", "https://localhost:8443/v1", { "\($0.upstream)" }),
        ("UPSTREAM_CA_FILE", "/etc/ca.pem", "/etc/ca.pem", { $0.upstreamCAFile ?? "" }),
        ("DEFAULT_MODEL", "qwen-max", "qwen-max", { $0.defaultModel }),
        ("RATE_LIMIT_RPS", "0", "0", { $0.limits.requestRate?.description ?? "" }),
        ("RATE_LIMIT_RPS", "2.5", "2.5", { $0.limits.requestRate?.description ?? "" }),
        ("RATE_LIMIT_BURST", "1", "1", { "\($0.limits.burst ?? 0)" }),
        ("RATE_LIMIT_TPM", "60000", "60000", { "\($0.limits.tokensPerMinute ?? 0)" }),
        ("RATE_LIMIT_DAILY_TOKENS", "1000000000000", "1000000000000", { "\($0.limits.tokensPerDay ?? 0)" }),
        ("RATE_LIMIT_STREAMS", "16", "16", { "\($0.limits.streams ?? 0)" }),
    ]

    @Test(arguments: good.indices) func goodValues(index: Int) throws {
        let (variable, value, expected, read) = Self.good[index]
        #expect(read(try directory.load([variable: value])) == expected)
    }

    @Test(arguments: [
        ("SERVER_HOST", "not a host"), ("SERVER_HOST", "256.1.1.1"), ("SERVER_HOST", "[localhost]"),
        ("SERVER_HOST", "::1::"), ("SERVER_HOST", "a..b"), ("SERVER_HOST", "https://x"),
        ("SERVER_PORT", "65536"), ("SERVER_PORT", "-1"), ("SERVER_PORT", "+80"), ("SERVER_PORT", "http"),
        ("SERVER_PORT", ":"), ("SERVER_PORT", "::80"), ("SERVER_PORT", "99999999999999999999"),
        ("RATE_LIMIT_RPS", "-1"), ("RATE_LIMIT_RPS", "ten"), ("RATE_LIMIT_RPS", "0.0001"), ("RATE_LIMIT_BURST", "0"),
        ("RATE_LIMIT_BURST", "1.5"), ("RATE_LIMIT_TPM", "-1"), ("RATE_LIMIT_TPM", "1k"),
        ("RATE_LIMIT_DAILY_TOKENS", "1000000000001"), ("RATE_LIMIT_STREAMS", "many"),
        ("READ_TIMEOUT", "12 parsecs"), ("READ_TIMEOUT", "0"), ("READ_TIMEOUT", "-5s"), ("READ_TIMEOUT", "1.5s"),
        ("READ_TIMEOUT", "s"), ("READ_TIMEOUT", "5x"), ("WRITE_TIMEOUT", "0s"), ("WRITE_TIMEOUT", "5s3"),
        ("HANDSHAKE_TIMEOUT", "169h"), ("HANDSHAKE_TIMEOUT", "99999999999999999999h"),
        ("KEEPALIVE_TIMEOUT", "1000000000001ms"), ("KEEPALIVE_TIMEOUT", "1h 5m"), ("SHUTDOWN_TIMEOUT", "soon"),
        ("UPSTREAM_CONNECT_TIMEOUT", "1µs"), ("UPSTREAM_FIRST_BYTE_TIMEOUT", "1d"), ("UPSTREAM_IDLE_TIMEOUT", "٣s"),
        ("MAX_BODY_BYTES", "1023"), ("MAX_BODY_BYTES", "2GiB"), ("MAX_BODY_BYTES", "64MB"), ("MAX_BODY_BYTES", "-1"),
        ("MAX_BODY_BYTES", "9223372036854775807k"), ("MAX_BODY_BYTES", "k"), ("MAX_BODY_BYTES", "1 MiB"),
        ("WORKERS", "0"), ("WORKERS", "257"), ("WORKERS", "all"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
        ("DEBUG_MODE", "1"), ("DEBUG_MODE", "yes"), ("DEBUG_MODE", "True"),
        ("ALLOW_ANONYMOUS", "TRUE"), ("ALLOW_ANONYMOUS", "on"), ("ALLOW_ANONYMOUS", "true "),
        ("TLS_PROFILE", "old"), ("TLS_UNKNOWN_HOST", "drop"), ("TLS_CERT_FILE", "a.pem,"), ("TLS_OCSP_FILE", ",a"),
        ("TLS_CLIENT_AUTH", "maybe"), ("HSTS_MAX_AGE", "2y"), ("HSTS_MAX_AGE", "-1"), ("HSTS_MAX_AGE", "315360001"),
        ("CORS_ALLOW_ORIGINS", "app.example"), ("CORS_ALLOW_ORIGINS", "null"), ("CORS_ALLOW_ORIGINS", "https://a/"),
        ("CORS_ALLOW_ORIGINS", "https://a,*"), ("CORS_ALLOW_ORIGINS", "https://a:0"),
        ("CORS_ALLOW_ORIGINS", "https://"),
        ("QWEN_REGION", "mars"), ("API_BASE_URL", "http://localhost/v1"), ("DEFAULT_MODEL", "qwen max"),
        ("DEFAULT_MODEL", String(repeating: "m", count: 257)), ("DEFAULT_MODEL", "a\u{1B}[2J"),
    ])
    func badValueIsNamedWithAnExample(variable: String, value: String) throws {
        let problems = directory.problems([variable: value])
        #expect(problems.count == 1)
        let problem = try #require(problems.first)
        #expect(problem.hasPrefix("\(variable): "))
        #expect(problem.contains("; for example \(variable)="))
        #expect(problem.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        if value.utf8.count <= 100 { #expect(problem.contains(String(reflecting: value))) }
    }

    @Test func theTextOfAProblem() {
        #expect(
            directory.problems(["READ_TIMEOUT": "12 parsecs"]) == [
                #"READ_TIMEOUT: "12 parsecs" has a number without one of the units h, m, s, ms; for example READ_TIMEOUT=30s"#
            ])
    }

    @Test func examplesAreRight() {
        for variable in ConfigurationVariable.allCases where !variable.isSecret {
            var environment = [variable.rawValue: variable.example]
            // How to ask makes sense only with whom to believe.
            if variable == .tlsClientAuth { environment["TLS_CLIENT_CA_FILE"] = "ca.pem" }
            #expect(directory.problems(environment) == [])
        }
    }

    @Test func allProblemsAreReportedAtOnce() {
        let problems = directory.problems(
            ["SERVER_PORT": "x", "WORKERS": "x", "LOG_LEVEL": "x", "API_BASE_URL": "x", "GATEWAY_API_KEYS": "short"],
            minimal: false)
        let variables = ["SERVER_PORT", "WORKERS", "LOG_LEVEL", "API_BASE_URL", "GATEWAY_API_KEYS", "QWEN_API_KEY"]
        #expect(problems.count == variables.count)
        for variable in variables { #expect(problems.count { $0.hasPrefix(variable) } == 1) }
    }

    @Test func emptyValuesCountAsNone() throws {
        var environment: [String: String] = [:]
        for name in ConfigurationVariable.allNames where !ConfigurationDirectory.minimal.keys.contains(name) {
            environment[name] = ""
        }
        let configuration = try directory.load(environment)
        #expect(configuration.serverPort == 8080)
        #expect(configuration.upstreamCAFile == nil)
        #expect(directory.problems(["QWEN_API_KEY": ""]).count == 1)
    }

    @Test func relativePathsBeginInTheWorkingDirectory() throws {
        let configuration = try directory.load(["TLS_CERT_FILE": "a.pem", "UPSTREAM_CA_FILE": "ca/b.pem"])
        #expect(configuration.tls.certificates.first?.chain == directory.path + "/a.pem")
        #expect(configuration.upstreamCAFile == directory.path + "/ca/b.pem")
    }

    @Test func logLevelGoesBeforeDebugMode() throws {
        #expect(try directory.load(["DEBUG_MODE": "true", "LOG_LEVEL": "error"]).logLevel == .error)
    }

    @Test func baseURLGoesBeforeRegion() throws {
        let configuration = try directory.load(["QWEN_REGION": "cn", "API_BASE_URL": "https://example.com"])
        #expect(configuration.upstream.host == "example.com")
    }

    @Test func processorsAreBounded() throws {
        for (count, expected) in [(0, 1), (-1, 1), (2, 2), (1000, 256)] {
            let configuration = try GatewayConfiguration.load(
                environment: ConfigurationDirectory.minimal, workingDirectory: directory.path, processorCount: count)
            #expect(configuration.workers == expected)
        }
        #expect(GatewayConfiguration.onlineProcessors >= 1)
    }
}
