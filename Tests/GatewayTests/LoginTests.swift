import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway
@testable import Qwen

/// The device login from the first start to the first answer, as an operator and a client live through it.
@Suite(.timeLimit(.minutes(2))) struct LoginTests {
    private static var strictPortal: TestWorld.Options {
        var options = TestWorld.Options()
        options.behaviour = "oauth.approval=manual oauth.interval=1 portal.auth=tokens portal.system=on"
        return options
    }

    /// Waits until `/auth` tells of this state, and gives the last answer.
    private func auth(_ gateway: TestGateway, until state: String) async throws -> [String: Any] {
        var answer: [String: Any] = [:]
        let isReached = try await GatewayFixture.eventually {
            answer = try await gateway.auth()
            return answer["state"] as? String == state
        }
        #expect(isReached, "\(answer)")
        return answer
    }

    @Test func firstStartLogsInAndARestartKeepsTheLogin() async throws {
        try await TestWorld.run(Self.strictPortal) { world in
            try await world.withGateway { gateway in
                let early = try await gateway.ask()
                #expect(early.head?.status == 502)
                #expect(String(buffer: early.body).contains("upstream_auth_error"))
                #expect(String(buffer: early.body).contains("qwen-gateway login"))
                #expect(early.head?.fields["x-should-retry"] == "false")

                // Nobody has asked for it: it has begun by itself.
                #expect(await GatewayFixture.eventually { world.simulator.oauthCounts.logins == 1 })
                let answer = try await auth(gateway, until: "waiting")
                let code = try #require(answer["user_code"] as? String)
                let url = try #require(answer["verification_uri_complete"] as? String)
                #expect(url.contains(code))
                #expect((answer["expires_in"] as? Int).map { (1...900).contains($0) } == true)
                #expect(await GatewayFixture.eventually { gateway.log.text.contains(code) })
                #expect(gateway.log.text.contains("open the URL"))

                #expect(world.simulator.decide(code, approve: true) == 1)
                _ = try await auth(gateway, until: "logged_in")
                // Asked again and again meanwhile, it has begun no second one.
                #expect(world.simulator.oauthCounts.logins == 1)
                try await gateway.answers()
                #expect(try await gateway.state(of: "qwen") == "healthy")
            }
            try checkRequest(world)
            try checkFiles(world)
            try await world.withGateway { gateway in
                try await gateway.answers()
                #expect(try await gateway.auth()["state"] as? String == "logged_in")
            }
            #expect(world.simulator.oauthCounts.logins == 1)
        }
    }

    private func checkRequest(_ world: TestWorld) throws {
        let request = try #require(world.simulator.requests.last { $0.head.path.hasSuffix("/chat/completions") })
        #expect(request.head.path == "/v1/chat/completions")
        let fields = request.head.fields
        #expect(fields["user-agent"]?.hasPrefix("qwen-gateway/") == true)
        #expect(fields["x-dashscope-useragent"] == fields["user-agent"])
        #expect(fields["x-dashscope-authtype"] == "qwen-oauth")
        #expect(fields["x-dashscope-cachecontrol"] == "enable")
        let messages = try #require(TestJSON.object(request.text)["messages"] as? [[String: Any]])
        #expect(messages.map { $0["role"] as? String } == ["system", "user"])
        #expect((messages[0]["content"] as? [[String: Any]])?.first?["cache_control"] != nil)
    }

    private func checkFiles(_ world: TestWorld) throws {
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(world.directory) == 0o700)
        #expect(try mode("\(world.directory)/credentials") == 0o700)
        #expect(try mode("\(world.directory)/credentials/qwen.sealed") == 0o600)
        let left = try FileManager.default.contentsOfDirectory(atPath: world.directory)
        #expect(!left.contains("login.lock") && !left.contains("oauth_creds.lock"), "\(left)")
    }

    @Test func requestsOfKeysHaveNoneOfThePortalsShape() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(.http2)
            _ = try await client.chat("hello", streaming: false).finish()
            await client.close()
            let request = try #require(fixture.simulator.requests.last)
            for name: StaticString in ["x-dashscope-useragent", "x-dashscope-authtype", "x-dashscope-cachecontrol"] {
                #expect(request.head.fields[name] == nil)
            }
            let messages = TestJSON.object(request.text)["messages"] as? [[String: Any]]
            #expect(messages?.map { $0["role"] as? String } == ["user"])
        }
    }

    /// A host that accepts the connection and then hangs must not hold up who asks for the state.
    @Test func authAnswersAtOnceWhileTheCodeIsOnItsWay() async throws {
        let silent = try await SilentListener.start()
        try await TestWorld.run { world in
            let hanging = "https://127.0.0.1:\(silent.port)/device"
            try await world.withGateway(["QWEN_OAUTH_DEVICE_AUTH_URL": hanging]) { gateway in
                let answer = try await gateway.auth()
                #expect(answer["state"] as? String == "starting")
            }
        }
        await silent.stop()
    }

    @Test func authOnThePublicAddressIsForAdministrators() async throws {
        try await TestWorld.run(Self.strictPortal) { world in
            try await world.withGateway { gateway in
                let client = try await gateway.client(.http1)
                func auth(_ key: String?) async throws -> TestResponse.State {
                    let fields = key.map { [("authorization", "Bearer \($0)")] } ?? []
                    return try await client.start("GET", "/auth", fields: fields).finish()
                }
                #expect(try await auth(nil).head?.status == 401)
                #expect(try await auth(GatewayFixture.clientKey).head?.status == 403)
                let answer = try await auth(GatewayFixture.adminKey)
                #expect(answer.head?.status == 200)
                #expect(TestJSON.object(String(buffer: answer.body))["state"] != nil)
                await client.close()
            }
        }
    }

    /// A page in the operator's browser must not reach the admin address under a name of its own.
    @Test func adminAddressAnswersToItsOwnNamesOnly() async throws {
        try await TestWorld.run(Self.strictPortal) { world in
            try await world.withGateway { gateway in
                let port = try #require(gateway.server.adminPort)
                #expect(try await PlainAnswer.get("/auth", port: port, host: "evil.example").status == 403)
                #expect(try await PlainAnswer.get("/auth", port: port, host: "localhost:\(port)").status == 200)
            }
        }
    }

    @Test(arguments: [
        ("oauth.device=html", "Model Studio API key"), ("oauth.device=refused", "The client is not known"),
        ("oauth.poll=denied", "declined"), ("oauth.poll=expired", "expired"),
        ("oauth.poll=unauthorized", "no longer knows"),
    ])
    func failedLoginSaysWhyAndWhatToDo(_ behaviour: String, _ words: String) async throws {
        var options = TestWorld.Options()
        options.behaviour = "oauth.interval=1 \(behaviour)"
        try await TestWorld.run(options) { world in
            try await world.withGateway { gateway in
                #expect(await GatewayFixture.eventually { gateway.log.text.contains("the login has failed") })
                #expect(gateway.log.text.contains(words))
                #expect(world.simulator.oauthCounts.granted == 0)
                // Nobody is kept waiting for what nobody has asked for again.
                let answer = try await gateway.ask()
                #expect(answer.head?.status == 502)
                #expect(try await gateway.load() == (0, 0))
            }
        }
    }

    @Test func slowDownIsHeeded() async throws {
        var options = TestWorld.Options()
        options.behaviour = "oauth.interval=1 oauth.slow-down=1 oauth.slow-down-status=400 oauth.pending=0"
        try await TestWorld.run(options) { world in
            try await world.withGateway { gateway in
                _ = try await auth(gateway, until: "logged_in")
                #expect(world.simulator.oauthCounts.polls == 2)
            }
        }
    }

    @Test func withoutASecretNobodyCanLogInAndTheAnswerSaysSo() async throws {
        try await GatewayFixture.run { fixture in
            let answer = try await PlainAnswer.get("/auth", port: try #require(fixture.gateway.adminPort))
            #expect(answer.object["state"] as? String == "unavailable")
            #expect(answer.body.contains("QWEN_CREDENTIALS_SECRET"))
        }
    }
}
