import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway
@testable import Qwen

/// Several credentials: what one is refused with another one serves, and what none can serve is told exactly.
@Suite(.timeLimit(.minutes(2))) struct FailoverTests {
    private static let bad = "sk-bad-0123456789abcdef", good = "sk-good-0123456789abcdef"

    private func run(
        _ behaviour: String, _ body: (TestWorld, TestGateway) async throws -> Void
    ) async throws {
        var options = TestWorld.Options()
        options.simulatorKey = nil
        try await TestWorld.run(options) { world in
            world.simulator.update {
                try? $0.setKey("\(Self.bad) \(behaviour)")
                try? $0.setKey(Self.good)
            }
            try world.storeKey(Self.good, as: "good")
            try await world.withGateway(["QWEN_API_KEY": Self.bad]) { try await body(world, $0) }
        }
    }

    @Test(arguments: [
        ("quota", "quota_exhausted.free"), ("quota-403", "quota_exhausted.free"), ("arrearage", "billing.arrears"),
        ("overdue", "billing.overdue"), ("week-quota", "quota_exhausted.plan_week"),
        ("invalid-key", "authentication"), ("coding-plan", "plan_refuses_client"),
        ("free-tier-only", "quota_exhausted.free"),
    ])
    func restsAndTheRequestGoesOn(_ error: String, _ reason: String) async throws {
        try await run("error=\(error)") { world, gateway in
            let client = try await gateway.client()
            for number in 0..<10 {
                let answer = try await client.chat("chunks=2", streaming: number % 2 == 0).finish()
                #expect(answer.head?.status == 200)
            }
            await client.close()
            let health = try await gateway.admin("/health/detailed")
            #expect(health.status == 200)
            for secret in [Self.bad, Self.good, TestWorld.secret] { #expect(!health.body.contains(secret)) }
            let refused = try await gateway.health(of: "QWEN_API_KEY")
            #expect(refused?["state"] as? String == "resting")
            #expect(refused?["reason"] as? String == reason)
            #expect((refused?["rests_for_seconds"] as? Double).map { $0 > 0 } == true)
            #expect(try await gateway.state(of: "good") == "healthy")
            // It was asked once and is left alone now.
            #expect(world.simulator.calls(of: Self.bad).calls == 1)
        }
    }

    @Test func throttledKeyHandsOverAtOnce() async throws {
        try await run("error=throttling retry-after=600") { world, gateway in
            for _ in 0..<5 { try await gateway.answers() }
            #expect(world.simulator.calls(of: Self.good).calls == 5)
        }
    }

    /// Both the request that finds out and those that follow hear when it makes sense to come back.
    @Test(arguments: [("", 3600), ("retry-after=120", 120)])
    func exhaustedQuotaTellsWhenToComeBack(_ switches: String, _ seconds: Int) async throws {
        try await GatewayFixture.run { fixture in
            try fixture.simulator.apply("error=quota \(switches)")
            let client = try await fixture.client(.http1)
            for _ in 0..<3 {
                let answer = try await client.chat("hello", streaming: true).finish()
                #expect(answer.head?.status == 429)
                let error = TestJSON.error(String(buffer: answer.body))
                #expect(error["type"] as? String == "insufficient_quota")
                #expect(error["code"] as? String == "insufficient_quota")
                #expect(error["message"] as? String == "Free allocated quota exceeded.")
                #expect(answer.head?.fields["x-should-retry"] == "false")
                let told = try #require(answer.head?.fields["retry-after"].flatMap { Int($0) })
                #expect((seconds - 2...seconds).contains(told), "\(told)")
            }
            await client.close()
            #expect(fixture.simulator.counters.read().started == 1)
        }
    }

    @Test func keyOfAPlanOnAnotherHostStopsTheStart() async throws {
        try await TestWorld.run { world in
            let error = await #expect(throws: StartupError.self) {
                _ = try await world.start([
                    "QWEN_API_KEY": "sk-sp-0123456789abcdef", "API_BASE_URL": "", "QWEN_REGION": "intl",
                ])
            }
            #expect(error?.exitCode == .configuration)
            #expect(error?.description.contains("dashscope-intl.aliyuncs.com") == true)
            #expect(error?.description.contains("sk-sp-0123456789abcdef") == false)
        }
    }

    @Test func storedKeysComeAndGoWhileItRuns() async throws {
        try await TestWorld.run { world in
            try world.storeKey(GatewayFixture.qwenKey, as: "first")
            try await world.withGateway { gateway in
                try await gateway.answers()
                #expect(try world.store().remove("first"))
                #expect(try await GatewayFixture.eventually { try await gateway.state(of: "first") == nil })
                #expect(try await gateway.ask().head?.status == 502)
                try world.storeKey(GatewayFixture.qwenKey, as: "second")
                #expect(try await GatewayFixture.eventually { try await gateway.state(of: "second") == "healthy" })
                try await gateway.answers()
            }
        }
    }

    // MARK: A store that can not be opened

    @Test func wrongSecretStopsTheStartWhenNothingElseWorks() async throws {
        try await TestWorld.run { world in
            try world.storeKey(GatewayFixture.qwenKey, as: "sealed")
            let error = await #expect(throws: StartupError.self) {
                try await world.withGateway(["QWEN_CREDENTIALS_SECRET": "another-secret-0123456789"]) { _ in }
            }
            #expect(error?.exitCode == .configuration)
            #expect(error?.description.contains("credentials/sealed.sealed") == true)
            #expect(error?.description.contains("QWEN_CREDENTIALS_SECRET") == true)
            // What could not be opened is as it was.
            try await world.withGateway { try await $0.answers() }
        }
    }

    @Test func wrongSecretIsSaidLoudlyWhenAnotherCredentialWorks() async throws {
        try await TestWorld.run { world in
            try world.storeKey(GatewayFixture.qwenKey, as: "sealed")
            let changes = [
                "QWEN_API_KEY": GatewayFixture.qwenKey, "QWEN_CREDENTIALS_SECRET": "another-secret-0123456789",
            ]
            try await world.withGateway(changes) { gateway in
                try await gateway.answers()
                #expect(await GatewayFixture.eventually { gateway.log.text.contains("credentials/sealed.sealed") })
                let line = gateway.log.lines.first { $0.contains("sealed.sealed") }
                #expect(line?.contains(#""level":"error""#) == true, "\(line ?? "")")
            }
        }
    }
}
