import Foundation
import Testing

@testable import Gateway

/// Client keys, anonymous access, and the discipline about secrets.
@Suite struct ConfigurationAccessTests {
    let directory = ConfigurationDirectory()
    let qwenKey = ["QWEN_API_KEY": ConfigurationDirectory.qwenKey]

    @Test func withoutKeyOrPermissionTheStartFails() throws {
        let problems = directory.problems(qwenKey, minimal: false)
        let problem = try #require(problems.first)
        #expect(problems.count == 1)
        #expect(problem.hasPrefix("GATEWAY_API_KEYS is not set"))
        #expect(problem.contains("ALLOW_ANONYMOUS=true"))
        #expect(problem.contains("openssl rand -hex 32"))
    }

    @Test func falseIsNoPermission() {
        #expect(directory.problems(qwenKey.merging(["ALLOW_ANONYMOUS": "false"]) { $1 }, minimal: false).count == 1)
    }

    @Test func anonymousAccessIsWarnedOf() throws {
        let environment = qwenKey.merging(["ALLOW_ANONYMOUS": "true"]) { $1 }
        let open = try directory.load(environment, minimal: false)
        #expect(open.allowsAnonymous && open.clientKeys.isEmpty)
        #expect(open.warnings.count == 1 && open.warnings[0].contains("0.0.0.0"))

        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
            let local = try directory.load(environment.merging(["SERVER_HOST": host]) { $1 }, minimal: false)
            #expect(local.warnings.isEmpty)
        }
        let both = try directory.load(["ALLOW_ANONYMOUS": "true", "SERVER_HOST": "::1"])
        #expect(both.warnings.count == 1 && both.warnings[0].contains("GATEWAY_API_KEYS"))
    }

    @Test func aWayIntoQwenIsRequired() throws {
        let problems = directory.problems(["GATEWAY_API_KEYS": ConfigurationDirectory.clientKey], minimal: false)
        #expect(problems.count == 1 && problems[0].hasPrefix("QWEN_API_KEY is not set"))
        #expect(problems[0].contains("QWEN_CREDENTIALS_SECRET"))
        // Sealed credentials are another way in: they may come later, by a login.
        let sealed = try directory.load(
            [
                "GATEWAY_API_KEYS": ConfigurationDirectory.clientKey,
                "QWEN_CREDENTIALS_SECRET": "sixteen-bytes-ok",
            ], minimal: false)
        #expect(sealed.qwenAPIKey == nil && sealed.credentials.secret == Secret("sixteen-bytes-ok"))
        #expect(sealed.secrets.contains("sixteen-bytes-ok"))
    }

    @Test func managingCredentialsNeedsNoClientKeys() throws {
        let configuration = try GatewayConfiguration.load(
            for: .credentials, environment: [:], workingDirectory: directory.path)
        #expect(configuration.clientKeys.isEmpty && configuration.qwenAPIKey == nil)
    }

    @Test func adminKeysAreKeysWithARight() throws {
        let admin = "admin-key-0123456789"
        let configuration = try directory.load(["GATEWAY_ADMIN_KEYS": admin])
        #expect(configuration.clientKeys.map(\.name) == ["env-1", "admin-1"])
        #expect(configuration.clientKeys.map(\.isAdmin) == [false, true])
        // In both variables it has the right, and is one key.
        let both = try directory.load(["GATEWAY_ADMIN_KEYS": admin, "GATEWAY_API_KEYS": "\(admin)"])
        #expect(both.clientKeys.map(\.isAdmin) == [true])
    }

    @Test func emptyTurnsTheAdminAddressOff() throws {
        #expect(try directory.load().adminAddress == .init(host: "127.0.0.1", port: 9901))
        #expect(try directory.load(["ADMIN_ADDRESS": ""]).adminAddress == nil)
        directory.write("ADMIN_ADDRESS=\n", to: ".env")
        #expect(try directory.load().adminAddress == nil)
        #expect(try directory.load(["ADMIN_ADDRESS": "[::1]:9"]).adminAddress == .init(host: "::1", port: 9))
    }

    @Test func severalClientKeys() throws {
        let keys = ["first-key-0123456789", "second-key-0123456789", "~!@#$%^&*()_+|}{:?><"]
        let configuration = try directory.load(["GATEWAY_API_KEYS": " \(keys[0]) ,\(keys[1]),,\(keys[2]),"])
        #expect(configuration.clientKeys.map(\.key.value) == keys)
        #expect(configuration.clientKeys.map(\.name) == ["env-1", "env-2", "env-3"])
    }

    /// Values of secrets that are refused; none may appear in a problem.
    static let badSecrets: [(String, String, String)] = [
        ("GATEWAY_API_KEYS", "only-15-charact", "fewer than 16 characters in key 1"),
        ("GATEWAY_API_KEYS", "long-enough-0123456789,2short", "fewer than 16 characters in key 2"),
        ("GATEWAY_API_KEYS", "long-enough-0123456789,long enough 0123456789", "not visible ASCII in key 2"),
        ("GATEWAY_API_KEYS", "schlüssel-0123456789", "not visible ASCII in key 1"),
        ("GATEWAY_API_KEYS", "nul-\u{1}-0123456789abc", "not visible ASCII in key 1"),
        ("GATEWAY_API_KEYS", "twice-0123456789abc,x-0123456789abcdef,twice-0123456789abc", "keys 1 and 3"),
        ("GATEWAY_API_KEYS", " , ", "holds no key"),
        ("QWEN_API_KEY", "sk-with a blank", "not visible ASCII"),
        ("QWEN_API_KEY", "sk-line\nbreak-secret", "not visible ASCII"),
        ("QWEN_API_KEY", "sk-ünïcode-secret", "not visible ASCII"),
        ("QWEN_CREDENTIALS_SECRET", "only-15-charact", "fewer than 16 characters"),
        ("QWEN_CREDENTIALS_SECRET_PREVIOUS", "only-15-charact", "fewer than 16 characters"),
        ("GATEWAY_ADMIN_KEYS", "only-15-charact", "fewer than 16 characters in key 1"),
    ]

    @Test(arguments: badSecrets.indices, [false, true])
    func badSecretIsNamedAndNotShown(index: Int, inFile: Bool) throws {
        let (variable, value, fault) = Self.badSecrets[index]
        var environment = ConfigurationDirectory.minimal
        if inFile {
            directory.write(value, to: "secret")
            environment[variable] = nil
            environment[variable + "_FILE"] = "secret"
        } else {
            environment[variable] = value
        }
        let problems = directory.problems(environment, minimal: false)
        #expect(problems.count == 1)
        let problem = try #require(problems.first)
        #expect(problem.hasPrefix("\(variable) "))
        #expect(problem.contains(fault))
        for part in value.split(whereSeparator: { ", \n".contains($0) }) where part.utf8.count > 4 {
            #expect(!problem.contains(part))
        }
    }

    // MARK: Files

    @Test func secretsComeFromFiles() throws {
        directory.write("file-key-0123456789\nother-key-0123456789\r\n\n", to: "keys")
        directory.write("sk-from-a-file\n", to: "qwen", permissions: 0o444)
        let configuration = try directory.load(
            ["GATEWAY_API_KEYS_FILE": "keys", "QWEN_API_KEY_FILE": directory.path + "/qwen"], minimal: false)
        #expect(configuration.clientKeys.map(\.key.value) == ["file-key-0123456789", "other-key-0123456789"])
        #expect(configuration.qwenAPIKey?.value == "sk-from-a-file")
        #expect(configuration.settings.first { $0.variable == "GATEWAY_API_KEYS" }?.source == .file("keys"))
    }

    @Test func variableAndFileExcludeEachOther() {
        directory.write("file-key-0123456789", to: "keys")
        let problems = directory.problems(["GATEWAY_API_KEYS_FILE": "keys"])
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("GATEWAY_API_KEYS and GATEWAY_API_KEYS_FILE are both set") == true)
    }

    @Test func fileThatCannotBeUsedIsNamed() {
        let environment = ["GATEWAY_API_KEYS": ConfigurationDirectory.clientKey]
        directory.write("", to: "empty")
        directory.write(Data([0x73, 0xFF]), to: "binary")
        directory.write(String(repeating: "x", count: 1024 * 1024 + 1), to: "large")
        for (file, fault) in [
            ("missing", "No such file"), (".", "not a regular file"), ("empty", "not visible ASCII"),
            ("binary", "not UTF-8"), ("large", "larger than 1 MiB"), ("/dev/zero", "not a regular file"),
        ] {
            let problems = directory.problems(environment.merging(["QWEN_API_KEY_FILE": file]) { $1 }, minimal: false)
            #expect(problems.count == 1)
            #expect(problems.first?.hasPrefix("QWEN_API_KEY ") == true)
            #expect(problems.first?.contains(fault) == true, "\(problems)")
        }
    }

    @Test func aKeyInThePlaceOfItsFileIsNotShown() {
        let problems = directory.problems(
            ["GATEWAY_API_KEYS": ConfigurationDirectory.clientKey, "QWEN_API_KEY_FILE": "sk-0123456789"], minimal: false
        )
        #expect(problems.count == 1)
        #expect(problems.first?.contains("sk-0123456789") == false)
    }

    // MARK: Discretion

    @Test func secretsDoNotPrint() throws {
        let secret = Secret("sk-hush")
        #expect("\(secret)" == "[redacted]")
        #expect(String(reflecting: secret) == "[redacted]")
        var dumped = ""
        dump(secret, to: &dumped)
        dump(try directory.load(), to: &dumped)
        print(try directory.load(), to: &dumped)
        #expect(!dumped.contains("sk-hush"))
        #expect(!dumped.contains(ConfigurationDirectory.clientKey))
        #expect(!dumped.contains(ConfigurationDirectory.qwenKey))
    }

    @Test func passwordInAURLIsNotShown() {
        for url in ["https://user:hunter2@example.com/v1", "https://example.com/v1?key=hunter2", "hunter2@x"] {
            let problems = directory.problems(["API_BASE_URL": url])
            #expect(problems.count == 1)
            #expect(problems.first?.contains("hunter2") == false)
        }
    }

    @Test func settingsTellValuesAndSources() throws {
        directory.write("LOG_LEVEL=debug\nQWEN_API_KEY=\(ConfigurationDirectory.qwenKey)\n", to: ".env")
        let environment = ["GATEWAY_API_KEYS": ConfigurationDirectory.clientKey, "SERVER_PORT": ":8443"]
        let configuration = try directory.load(environment, minimal: false)
        let settings = Dictionary(uniqueKeysWithValues: configuration.settings.map { ($0.variable, $0) })
        #expect(Set(settings.keys) == Set(ConfigurationVariable.allCases.map(\.rawValue)))
        func check(_ variable: String, _ value: String?, _ source: GatewayConfiguration.Setting.Source) {
            #expect(settings[variable] == .init(variable: variable, value: value, source: source))
        }
        check("SERVER_PORT", ":8443", .environment)
        check("LOG_LEVEL", "debug", .dotEnv)
        check("READ_TIMEOUT", "30s", .default)
        check("WORKERS", "3", .default)
        check("UPSTREAM_CA_FILE", nil, .default)
        check("API_BASE_URL", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", .default)
        check("GATEWAY_API_KEYS", "[redacted]", .environment)
        check("QWEN_API_KEY", "[redacted]", .dotEnv)
    }
}
