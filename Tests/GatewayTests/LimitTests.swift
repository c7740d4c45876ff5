import Admission
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway

/// Limits, as clients meet them.
@Suite(.timeLimit(.minutes(1)), .serialized) struct LimitTests {
    private static let json = ("content-type", "application/json")

    private func number(_ response: TestResponse.State, _ name: StaticString) -> Int? {
        response.head?.fields[name].flatMap { Int($0) }
    }

    private func code(_ response: TestResponse.State) -> String? {
        TestJSON.error(String(buffer: response.body))["code"] as? String
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func requestsOverTheLimitAreToldWhenToComeBack(_ applicationProtocol: ApplicationProtocol) async throws {
        var options = GatewayFixture.Options()
        // One in a hundred seconds: the test is over before the second.
        options.environment = ["RATE_LIMIT_RPS": "0.01", "RATE_LIMIT_BURST": "4"]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(applicationProtocol)
            for (left, isStreaming) in [(3, false), (2, true)] {
                let served = try await client.chat("hello", streaming: isStreaming).finish()
                #expect(served.head?.status == 200)
                #expect(number(served, "x-ratelimit-limit") == 4)
                #expect(number(served, "x-ratelimit-remaining") == left)
                #expect(number(served, "x-ratelimit-limit-requests") == 4)
                #expect(number(served, "x-ratelimit-remaining-requests") == left)
                #expect(served.head?.fields["x-ratelimit-limit-tokens"] == nil)
            }
            // What is refused for another reason counts, and says how the limit stands.
            let malformed = try await client.start(
                "POST", "/v1/chat/completions", body: "{", fields: [RefusalTests.key, Self.json]
            ).finish()
            #expect(malformed.head?.status == 400 && number(malformed, "x-ratelimit-remaining") == 1)
            let models = try await client.start("GET", "/v1/models", fields: [RefusalTests.key]).finish()
            #expect(models.head?.status == 200 && number(models, "x-ratelimit-remaining") == 0)

            let refused = try await client.chat("hello", streaming: true).finish()
            #expect(refused.head?.status == 429 && code(refused) == "rate_limit_exceeded")
            #expect((1...100).contains(number(refused, "retry-after") ?? 0))
            #expect(number(refused, "x-ratelimit-remaining") == 0)
            #expect((301...400).contains(number(refused, "x-ratelimit-reset") ?? 0))
            #expect(refused.head?.fields["x-ratelimit-reset-requests"]?.hasPrefix("6m") == true)
            #expect(refused.head?.fields["x-should-retry"] == nil)

            let messages = try await client.start(
                "POST", "/v1/messages", body: "{}",
                fields: [RefusalTests.key, Self.json, ("anthropic-version", "2023-06-01")]
            ).finish()
            #expect(messages.head?.status == 429 && number(messages, "retry-after") != nil)
            #expect(TestJSON.error(String(buffer: messages.body))["type"] as? String == "rate_limit_error")

            let other = try await client.chat("hello", streaming: false, key: GatewayFixture.otherClientKey).finish()
            #expect(other.head?.status == 200 && number(other, "x-ratelimit-remaining") == 3)
            let logged = await GatewayFixture.eventually {
                fixture.log.lines.count { $0.contains(#""refusal":"rate_limited""#) && $0.contains(#""key":"env-1""#) }
                    == 2
            }
            #expect(logged)
            await client.close()
        }
    }

    @Test func everyAddressHasALimitWhereNoKeyIsNeeded() async throws {
        var options = GatewayFixture.Options()
        options.environment = [
            "GATEWAY_API_KEYS": "", "GATEWAY_ADMIN_KEYS": "", "ALLOW_ANONYMOUS": "true", "RATE_LIMIT_RPS": "0.01",
            "RATE_LIMIT_BURST": "2",
        ]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            for left in [1, 0] {
                let served = try await client.start("GET", "/v1/models").finish()
                #expect(served.head?.status == 200 && number(served, "x-ratelimit-remaining") == left)
            }
            let refused = try await client.start("GET", "/v1/models").finish()
            #expect(refused.head?.status == 429 && code(refused) == "rate_limit_exceeded")
            // What is answered to everyone is not limited.
            let health = try await client.start("GET", "/health").finish()
            #expect(health.head?.status == 200 && health.head?.fields["x-ratelimit-limit"] == nil)
            await client.close()
        }
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func wrongKeysBackOffAndRightOnesAreServed(_ applicationProtocol: ApplicationProtocol) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.client(applicationProtocol)
            var statuses: [Int: Int] = [:]
            var last: TestResponse.State?
            for number in 0..<60 {
                last = try await client.chat("hello", streaming: false, key: "wrong-key-\(number)").finish()
                statuses[last?.head?.status ?? 0, default: 0] += 1
            }
            #expect(statuses[401] == 10 && statuses[429] == 50)
            let refused = try #require(last)
            #expect(code(refused) == "too_many_failures")
            #expect((1...6).contains(number(refused, "retry-after") ?? 0))
            #expect(refused.head?.fields["x-should-retry"] == "false")
            let right = try await client.chat("hello", streaming: false).finish()
            #expect(right.head?.status == 200)
            // One line says so; the requests have none of their own.
            let logged = await GatewayFixture.eventually {
                fixture.log.lines.count { $0.contains(#""msg":"access""#) } == 11
            }
            #expect(logged)
            #expect(fixture.log.lines.count { $0.contains("keeps failing to authenticate") } == 1)
            #expect(fixture.log.lines.count { $0.contains(#""refusal":"unknown_key""#) } == 10)
            await client.close()
        }
    }

    @Test func tokensAreSetAsideAndSettledWithQwensCount() async throws {
        var options = GatewayFixture.Options()
        options.environment = ["RATE_LIMIT_TPM": "100000", "RATE_LIMIT_DAILY_TOKENS": "1000000"]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            func remaining() async throws -> Int {
                let models = try await client.start("GET", "/v1/models", fields: [RefusalTests.key]).finish()
                return number(models, "x-ratelimit-remaining-tokens") ?? -1
            }
            let members = #""max_tokens":50000,"#
            let stream = try await client.chat("chunks=400 delay=20", streaming: true, members: members)
            #expect(await GatewayFixture.eventually { stream.current.body.readableBytes > 0 })
            let aside = number(stream.current, "x-ratelimit-remaining-tokens") ?? 0
            #expect((40_000..<50_000).contains(aside), "\(aside)")
            #expect(stream.current.head?.fields["x-ratelimit-limit-tokens"] == "100000")
            // Who leaves pays for what he has got.
            try await stream.cancel()
            #expect(try await GatewayFixture.eventually { try await remaining() > 98_000 })

            let whole = try await client.chat("chunks=5", streaming: false, members: members).finish()
            #expect(whole.head?.status == 200)
            let object = TestJSON.object(String(buffer: whole.body))
            let usage = try #require((object["usage"] as? [String: Any])?["total_tokens"] as? Int)
            #expect(usage > 0 && usage < 1000)
            #expect(try await remaining() > 98_000)
            await client.close()
        }
    }

    @Test func aLongPromptAndAnEmptyBucketAreToldApart() async throws {
        var options = GatewayFixture.Options()
        options.environment = ["RATE_LIMIT_TPM": "100"]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http1)
            let long = try await client.chat(String(repeating: "word ", count: 500), streaming: false).finish()
            #expect(long.head?.status == 429 && code(long) == "rate_limit_exceeded")
            #expect(long.head?.fields["x-should-retry"] == "false" && long.head?.fields["retry-after"] == nil)
            let slow = try await client.chat("chunks=400 delay=20", streaming: true, members: #""max_tokens":90,"#)
            #expect(await GatewayFixture.eventually { slow.current.body.readableBytes > 0 })
            let second = try await fixture.client(.http1)
            let refused = try await second.chat("hello", streaming: false, members: #""max_tokens":90,"#).finish()
            #expect(refused.head?.status == 429 && code(refused) == "rate_limit_exceeded")
            #expect((1...60).contains(number(refused, "retry-after") ?? 0))
            #expect(number(refused, "x-ratelimit-limit-tokens") == 100)
            try await slow.cancel()
            await second.close()
            await client.close()
        }
    }

    @Test func requestsInProgressAreLimited() async throws {
        var options = GatewayFixture.Options()
        options.environment = ["RATE_LIMIT_STREAMS": "2"]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(.http2)
            let stream = try await client.chat("chunks=400 delay=20", streaming: true)
            let whole = try await client.chat("chunks=400 delay=20", streaming: false)
            let seen = await GatewayFixture.eventually { fixture.simulator.counters.read().active == 2 }
            #expect(seen)
            let refused = try await client.chat("hello", streaming: true).finish()
            #expect(refused.head?.status == 429 && code(refused) == "rate_limit_exceeded")
            #expect(number(refused, "retry-after") == 1)
            let other = try await client.chat("hello", streaming: true, key: GatewayFixture.otherClientKey).finish()
            #expect(other.head?.status == 200)
            try await whole.cancel()
            let free = try await GatewayFixture.eventually {
                try await client.chat("hello", streaming: true).finish().head?.status == 200
            }
            #expect(free)
            try await stream.cancel()
            await client.close()
        }
    }
}
