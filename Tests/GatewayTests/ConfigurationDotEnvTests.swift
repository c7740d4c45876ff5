import Foundation
import Testing

@testable import Gateway

@Suite struct ConfigurationDotEnvTests {
    let directory = ConfigurationDirectory()

    @Test func fileIsRead() throws {
        directory.write(
            """
            # A comment

              # another
            SERVER_PORT=9000
              LOG_LEVEL =  debug\t
            DEFAULT_MODEL="qwen-max"
            SERVER_HOST='::1'
            QWEN_API_KEY=sk-a=b==
            GATEWAY_API_KEYS="key-with-#-0123456789"\r
            READ_TIMEOUT=
            """, to: ".env")
        let configuration = try directory.load(minimal: false)
        #expect(configuration.serverPort == 9000)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.defaultModel == "qwen-max")
        #expect(configuration.serverHost == "::1")
        #expect(configuration.qwenAPIKey?.value == "sk-a=b==")
        #expect(configuration.clientKeys.map(\.key.value) == ["key-with-#-0123456789"])
        #expect(configuration.readTimeout == .seconds(30))
        #expect(configuration.warnings.isEmpty)
    }

    @Test func environmentGoesFirst() throws {
        directory.write("SERVER_PORT=9000\nLOG_LEVEL=debug\n", to: ".env")
        let configuration = try directory.load(["SERVER_PORT": "9001", "LOG_LEVEL": ""])
        #expect(configuration.serverPort == 9001)
        #expect(configuration.logLevel == .debug, "an empty variable of the environment counts as none")
    }

    @Test func aSecretFileNextToAVariableOfTheFileIsOneTooMany() {
        directory.write("QWEN_API_KEY=sk-0123456789\n", to: ".env")
        directory.write("sk-0123456789", to: "qwen")
        let problems = directory.problems(
            ["GATEWAY_API_KEYS": ConfigurationDirectory.clientKey, "QWEN_API_KEY_FILE": "qwen"], minimal: false)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("both set") == true)
    }

    static let badLines: [(String, String)] = [
        ("no equals sign", "is not of the form NAME=value"),
        ("sk-0123456789", "is not of the form NAME=value"),
        ("=value", "does not begin with the name of a variable"),
        ("1A=value", "does not begin with the name of a variable"),
        ("export LOG_LEVEL=info", "does not begin with the name of a variable"),
        ("LOG-LEVEL=info", "does not begin with the name of a variable"),
        ("LOG_LEVEL=info # why not", "has a comment behind its value"),
        ("LOG_LEVEL=\"info", "has a quote without its counterpart"),
        ("LOG_LEVEL=\"", "has a quote without its counterpart"),
        ("LOG_LEVEL=\"in\"fo\"", "has a quote inside of quotes"),
        ("SERVER_PORT=1", "sets the variable of line 1 a second time"),
    ]

    @Test(arguments: badLines.indices) func badLineIsNamed(index: Int) {
        let (line, fault) = Self.badLines[index]
        directory.write("SERVER_PORT=9000\n\n\(line)\nLOG_FORMAT=text\n", to: ".env")
        let problems = directory.problems([:])
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(".env: line 3 \(fault)") == true, "\(problems)")
        #expect(problems.first?.contains("sk-0123456789") == false)
    }

    @Test func badLinesDoNotHideOtherProblems() {
        directory.write("nonsense\nWORKERS=0\nmore nonsense\n", to: ".env")
        #expect(directory.problems([:]).count == 3)
    }

    @Test func fileThatCannotBeReadIsNamed() throws {
        try FileManager.default.createDirectory(atPath: directory.path + "/.env", withIntermediateDirectories: false)
        #expect(directory.problems([:]) == [".env is not a regular file"])
        try FileManager.default.removeItem(atPath: directory.path + "/.env")
        directory.write(Data([0x41, 0x3D, 0xFF]), to: ".env")
        #expect(directory.problems([:]) == [".env is not UTF-8 text"])
    }

    @Test(arguments: [0o640, 0o604, 0o644]) func fileThatOthersCanReadIsWarnedOf(permissions: Int) throws {
        directory.write("LOG_LEVEL=debug\n", to: ".env", permissions: permissions)
        let warnings = try directory.load().warnings
        #expect(warnings.count == 1 && warnings[0].contains("chmod 600 .env"))
    }

    @Test func unknownVariablesAreWarnedOfWithoutTheirText() throws {
        directory.write("QWEN_APIKEY=sk-0123456789\nLOG_LEVEL=debug\nc2VjcmV0=\n", to: ".env")
        let warnings = try directory.load().warnings
        #expect(warnings.map { $0.prefix(12) } == [".env: line 1", ".env: line 3"])
        #expect(!warnings.joined().contains("sk-0123456789") && !warnings.joined().contains("c2VjcmV0"))
    }
}
