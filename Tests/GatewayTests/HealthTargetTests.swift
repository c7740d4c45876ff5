import Testing

@testable import Gateway

/// Where the health check asks, and what it makes of the answers.
@Suite(.timeLimit(.minutes(1))) struct HealthTargetTests {
    let directory = ConfigurationDirectory()

    private func load(_ environment: [String: String]) throws(ConfigurationError) -> HealthTarget {
        try HealthTarget.load(environment: environment, workingDirectory: directory.path)
    }

    private func problems(_ environment: [String: String]) -> [String] {
        do throws(ConfigurationError) {
            _ = try load(environment)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func theAdminAddressIsAskedFirst() throws {
        #expect(try load([:]) == HealthTarget(listener: .admin, host: "127.0.0.1", port: 9901))
        let open = try load(["ADMIN_ADDRESS": "0.0.0.0:9000", "SERVER_PORT": "443"])
        #expect(open == HealthTarget(listener: .admin, host: "127.0.0.1", port: 9000))
        let six = try load(["ADMIN_ADDRESS": "[::]:9000"])
        #expect(six == HealthTarget(listener: .admin, host: "::1", port: 9000))
        #expect(six.description == "[::1]:9000 (ADMIN_ADDRESS)")
    }

    @Test(arguments: ["", "off"]) func withoutOneThePublicPortIs(_ admin: String) throws {
        let target = try load(["ADMIN_ADDRESS": admin, "SERVER_PORT": ":8443"])
        #expect(target == HealthTarget(listener: .public, host: "127.0.0.1", port: 8443))
        let bound = try load(["ADMIN_ADDRESS": admin, "SERVER_HOST": "192.0.2.1"])
        #expect(bound == HealthTarget(listener: .public, host: "192.0.2.1", port: 8080))
    }

    @Test func theDotEnvFileIsRead() throws {
        directory.write("ADMIN_ADDRESS=off\nSERVER_PORT=8444\n", to: ".env")
        #expect(try load([:]) == HealthTarget(listener: .public, host: "127.0.0.1", port: 8444))
    }

    @Test func noSecretIsRead() throws {
        #expect(try load(["QWEN_API_KEY_FILE": "/nowhere"]).port == 9901)
    }

    @Test func whatCanNotBeAskedIsAProblem() {
        let random = problems(["ADMIN_ADDRESS": "127.0.0.1:0"])
        #expect(random.count == 1 && random[0].hasPrefix("ADMIN_ADDRESS"))
        #expect(problems(["ADMIN_ADDRESS": "off", "SERVER_PORT": "0"]).count == 1)
        #expect(problems(["ADMIN_ADDRESS": "9901"]).count == 1)
        let proxied = ["PROXY_PROTOCOL": "v2", "TRUSTED_PROXIES": "127.0.0.1", "ADMIN_ADDRESS": "off"]
        let behind = problems(proxied)
        #expect(behind.count == 1 && behind[0].hasPrefix("PROXY_PROTOCOL"))
        #expect(problems(proxied.filter { $0.key != "ADMIN_ADDRESS" }).isEmpty)
    }
}
