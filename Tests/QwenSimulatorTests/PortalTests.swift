import Testing

@testable import QwenSimulator

/// What holds for access tokens and not for API keys.
@Suite(.timeLimit(.minutes(2))) struct PortalTests {
    private static let path = "/v1/chat/completions"

    private func send(_ fixture: SimulatorFixture, _ key: String, _ messages: String) async throws -> Reply {
        try await fixture.client.send(
            "POST", Self.path, body: #"{"model":"coder-model","messages":[\#(messages)]}"#,
            fields: SimulatorFixture.fields(key))
    }

    @Test func systemMessageMustLeadInArrayForm() async throws {
        try await SimulatorFixture.run("portal.system=on") { fixture in
            let (access, _) = fixture.simulator.issueTokens()
            let user = #"{"role":"user","content":"chunks=1"}"#
            let marked =
                #"{"role":"system","content":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}}"#
                + #",{"type":"text","text":"Be brief."}]}"#
            let greeting = #"{"role":"system","content":[{"type":"text","text":"You are Qwen Code."}]}"#
            let plain = #"{"role":"system","content":"Be brief."}"#
            let cases = [
                ("\(marked),\(user)", 200), ("\(greeting),\(user)", 200), (user, 400), ("\(plain),\(user)", 400),
                ("\(user),\(marked)", 400), ("\(marked),\(plain),\(user)", 400),
                (#"{"role":"system","content":[{"type":"text","text":"Be brief."}]},\#(user)"#, 400),
            ]
            for (messages, status) in cases {
                let answer = try await send(fixture, access, messages)
                #expect(answer.status == status, "\(messages)")
                guard status == 400 else { continue }
                #expect(answer.value("error.code") == "invalid_parameter_error")
                #expect(answer.value("error.message") == "bad request")
            }
            // An API key is not the portal's.
            #expect(try await send(fixture, "sk-test", user).status == 200)
        }
    }

    @Test func onlyThePortalsModelsAreKnown() async throws {
        try await SimulatorFixture.run { fixture in
            let (access, _) = fixture.simulator.issueTokens()
            let refused = try await fixture.chat("hi", model: "qwen3.5-plus", key: access, path: Self.path)
            #expect(refused.status == 400)
            for model in ["coder-model", "qwen3-coder-plus"] {
                #expect(try await fixture.chat("hi", model: model, key: access, path: Self.path).status == 200)
            }
            try fixture.simulator.apply("portal.models=off")
            #expect(try await fixture.chat("hi", model: "qwen3.5-plus", key: access, path: Self.path).status == 200)
        }
    }

    @Test func tokensAreForThePortalAlone() async throws {
        try await SimulatorFixture.run { fixture in
            let (access, _) = fixture.simulator.issueTokens()
            let elsewhere = try await fixture.chat("hi", model: "coder-model", key: access)
            #expect(elsewhere.status == 401)
            #expect(try await fixture.chat("hi", key: "sk-any", path: Self.path).status == 200)
            try fixture.simulator.apply("portal.auth=tokens")
            #expect(try await fixture.chat("hi", key: "sk-any", path: Self.path).status == 401)
            #expect(try await fixture.chat("hi", key: "qat-unknown", path: Self.path).status == 401)
            #expect(try await fixture.chat("hi", key: "sk-any").status == 200)
        }
    }
}
