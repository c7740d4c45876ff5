import HTTP
import Testing

@testable import QwenSimulator

/// Which calls are let in, and how keys differ.
@Suite(.timeLimit(.minutes(2))) struct AdmissionTests {
    @Test func keysHaveBehavioursOfTheirOwn() async throws {
        try await SimulatorFixture.run(
            apiKey: "sk-c", keys: ["sk-a error=throttling retry-after=3", "sk-b first=200 chunks=1"]
        ) { fixture in
            let throttled = try await fixture.chat("hello", key: "sk-a")
            #expect(throttled.status == 429)
            #expect(throttled.fields["retry-after"] == "3")
            let begun = ContinuousClock.now
            #expect(try await fixture.chat("hello", key: "sk-b").frames.count == 4)
            #expect(ContinuousClock.now - begun >= .milliseconds(190))
            #expect(try await fixture.chat("hello", key: "sk-c").status == 200)
            let unknown = try await fixture.chat("hello", key: "sk-d")
            #expect(unknown.status == 401)
            #expect(unknown.value("error.message") == "Incorrect API key provided.")
            let none = try await fixture.client.send(
                "POST", SimulatorFixture.path, body: SimulatorFixture.body("hello"))
            #expect(none.status == 401)
            #expect(none.value("error.message") == "No API-key provided.")
            #expect(fixture.simulator.calls(of: "sk-a").calls == 1)
            #expect(fixture.simulator.calls(of: "sk-c").calls == 1)
            #expect(fixture.simulator.calls(of: "sk-d").calls == 0)
        }
    }

    @Test func quotaOfAKeyIsUsedUp() async throws {
        try await SimulatorFixture.run(keys: ["sk-a quota=2", "sk-b"]) { fixture in
            for expected in [200, 200, 429, 429] {
                let reply = try await fixture.chat("chunks=1", key: "sk-a")
                #expect(reply.status == expected)
                guard expected == 429 else { continue }
                #expect(reply.value("error.message") == "Free allocated quota exceeded.")
            }
            #expect(try await fixture.chat("chunks=1", key: "sk-b").status == 200)
            #expect(fixture.simulator.calls(of: "sk-a") == KeyCalls(calls: 4, refused: 2))
            fixture.simulator.reset()
            #expect(try await fixture.chat("chunks=1", key: "sk-a").status == 200)
        }
    }

    @Test func shareOfCallsIsRefused() async throws {
        try await SimulatorFixture.run("refuse=30 seed=7") { fixture in
            var admission = AdmissionBehaviour()
            admission.refusedShare = 30
            admission.seed = 7
            for ordinal in 0..<40 {
                let reply = try await fixture.chat("chunks=1", stream: false)
                #expect(reply.status == (admission.refuses(ordinal) ? 429 : 200))
                if reply.status == 429 { #expect(reply.value("error.code") == "limit_requests") }
            }
            try fixture.simulator.apply("refuse=100 refuse-with=serving")
            #expect(try await fixture.chat("chunks=1").status == 500)
        }
    }

    @Test func callsAtOnceAreLimited() async throws {
        try await SimulatorFixture.run("concurrency=1") { fixture in
            let call = try await fixture.client.start(
                "POST", SimulatorFixture.path, body: SimulatorFixture.body("chunks=5 fail=stall@2"))
            await call.bodyBegan()
            let refused = try await fixture.chat("chunks=1")
            #expect(refused.status == 429)
            #expect(refused.value("error.code") == "Throttling.Concurrency")
            try await call.cancel()
            var status = 429
            while status == 429 { status = try await fixture.chat("chunks=1").status }
            #expect(status == 200)
        }
    }

    @Test func switchesHoldForSoManyCalls() async throws {
        try await SimulatorFixture.run("error=serving times=2") { (fixture) async throws in
            for expected in [500, 500, 200, 200] {
                #expect(try await fixture.chat("chunks=1").status == expected)
            }
        }
    }
}

extension KeyCalls {
    fileprivate init(calls: Int, refused: Int) {
        self.init()
        self.calls = calls
        self.refused = refused
    }
}
