import HTTP
import NIOCore
import TLS
import Testing

@testable import QwenSimulator

/// The other endpoints: models, embeddings, control and records.
@Suite(.timeLimit(.minutes(2))) struct ServiceTests {
    private static let path = "/compatible-mode/v1"

    @Test func modelsAreListed() async throws {
        try await SimulatorFixture.run(apiKey: "sk-a") { fixture in
            let fields = SimulatorFixture.fields("sk-a")
            let list = try await fixture.client.send("GET", Self.path + "/models", fields: fields)
            #expect(list.value("object") == "list")
            #expect(list.value("data.0.id") == "qwen3.8-max")
            #expect(list.value("data.0.object") == "model")
            let one = try await fixture.client.send("GET", Self.path + "/models/qwen-plus", fields: fields)
            #expect(one.value("id") == "qwen-plus")
            let none = try await fixture.client.send("GET", Self.path + "/models/gpt-9", fields: fields)
            #expect(none.status == 404)
            #expect(try await fixture.client.send("GET", Self.path + "/models").status == 401)
            try fixture.simulator.apply("models=off")
            let off = try await fixture.client.send("GET", Self.path + "/models", fields: fields)
            #expect(off.status == 404)
            #expect(off.value("code") == "Not Found")
        }
    }

    @Test func unknownPathsAndMethodsAreFlatErrors() async throws {
        try await SimulatorFixture.run { fixture in
            let unknown = try await fixture.client.send("GET", "/compatible-mode/v1/nothing")
            #expect(unknown.status == 404)
            #expect(unknown.value("message") == "Not support")
            let method = try await fixture.client.send("GET", SimulatorFixture.path + "?x=1")
            #expect(method.status == 405)
            #expect(method.value("code") == "Method Not Allowed")
            #expect(method.value("message") == "Method 'GET' is not allowed for '\(SimulatorFixture.path)'.")
        }
    }

    private func embed(_ fixture: SimulatorFixture, _ members: String) async throws -> Reply {
        try await fixture.client.send(
            "POST", Self.path + "/embeddings", body: #"{"model":"text-embedding-v4",\#(members)}"#)
    }

    @Test func embeddingsDependOnTheTextAlone() async throws {
        try await SimulatorFixture.run { fixture in
            let reply = try await embed(fixture, #""input":["a","b","a"],"dimensions":64"#)
            #expect(reply.status == 200)
            #expect(reply.value("data.0.embedding") == reply.value("data.2.embedding"))
            #expect(reply.value("data.0.embedding") != reply.value("data.1.embedding"))
            #expect(reply.value("data.2.index") == "2")
            #expect(reply.value("data.0.embedding")?.split(separator: ",").count == 64)
            let single = try await embed(fixture, #""input":"a""#)
            #expect(single.value("data.0.embedding")?.split(separator: ",").count == 1024)
            let vector = Embeddings.vector("text", 256)
            #expect(abs(vector.map { $0 * $0 }.reduce(0, +) - 1) < 1e-6)
        }
    }

    @Test func embeddingsHaveLimits() async throws {
        try await SimulatorFixture.run { fixture in
            let texts = (0..<11).map { #""\#($0)""# }
            let ten = try await embed(fixture, #""input":[\#(texts.dropLast().joined(separator: ","))]"#)
            #expect(ten.status == 200)
            let eleven = try await embed(fixture, #""input":[\#(texts.joined(separator: ","))]"#)
            #expect(eleven.status == 400)
            #expect(
                eleven.value("error.message")
                    == "Value error, batch size is invalid, it should not be larger than 10.")
            #expect(try await embed(fixture, #""input":"a","dimensions":63"#).status == 400)
            #expect(try await embed(fixture, #""input":[[1,2]]"#).status == 400)
            #expect(try await embed(fixture, #""input":[]"#).status == 400)
            let unknown = try await fixture.client.send(
                "POST", Self.path + "/embeddings", body: #"{"model":"none","input":"a"}"#)
            #expect(unknown.status == 404)
        }
    }

    // MARK: Control

    @Test func behaviourChangesAtRunTime() async throws {
        try await SimulatorFixture.run("chunks=2") { fixture in
            let set = try await fixture.client.send(
                "POST", "/simulator/behaviour", body: "error=throttling times=1\n")
            #expect(set.text == #"{"switches":["chunks=2","error=throttling","times=1"]}"#)
            #expect(try await fixture.chat("hello").status == 429)
            #expect(try await fixture.chat("hello").status == 200)
            let wrong = try await fixture.client.send("POST", "/simulator/behaviour", body: "error=internal x=1")
            #expect(wrong.status == 400)
            #expect(wrong.value("error")?.contains("no switch 'x'") == true)
            #expect(fixture.simulator.behaviour.calls.chat.error == "throttling")
            _ = try await fixture.client.send("POST", "/simulator/reset")
            #expect(try await fixture.chat("hello").frames.count == 5)
            _ = try await fixture.client.send("POST", "/simulator/keys", body: "sk-new chunks=1")
            #expect(try await fixture.chat("hello", key: "sk-new").frames.count == 4)
            #expect(try await fixture.chat("hello", key: "sk-other").status == 401)
            #expect(try await fixture.client.send("GET", "/simulator").text.contains("POST /simulator/expire"))
            #expect(try await fixture.client.send("GET", "/simulator/nothing").status == 404)
            #expect(try await fixture.client.send("GET", "/simulator/expire").status == 404)
        }
    }

    @Test func stateIsCounted() async throws {
        try await SimulatorFixture.run("refuse=0 quota=1") { fixture in
            _ = try await fixture.chat("chunks=1")
            _ = try await fixture.chat("chunks=1")
            let state = try await fixture.client.send("GET", "/simulator/state")
            #expect(state.value("calls.started") == "2")
            #expect(state.value("calls.active") == "0")
            #expect(state.text.contains(#""":{"calls":2,"refused":1,"active":0}"#))
            #expect(state.value("login.refreshes") == "0")
            let stats = try await fixture.client.send("GET", "/_simulator/stats")
            #expect(stats.text == #"{"active":0,"started":2,"completed":2,"cancelled":0}"#)
        }
    }

    @Test func cancelledCallsAreCounted() async throws {
        try await SimulatorFixture.run { fixture in
            let call = try await fixture.client.start(
                "POST", SimulatorFixture.path, body: SimulatorFixture.body("chunks=5 fail=stall@1"))
            await call.bodyBegan()
            try await call.cancel()
            while fixture.simulator.counters.read().cancelled == 0 { await Task.yield() }
            #expect(fixture.simulator.counters.read() == Counters.Reading(started: 1, completed: 0, cancelled: 1))
        }
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func requestsAreRecorded(_ applicationProtocol: ApplicationProtocol) async throws {
        try await SimulatorFixture.run(over: applicationProtocol) { fixture in
            _ = try await fixture.chat("chunks=1", key: "sk-secret")
            _ = try await fixture.client.send("GET", "/simulator/state")
            _ = try await fixture.client.send("GET", "/compatible-mode/v1/models")
            let requests = fixture.simulator.requests
            #expect(requests.map(\.head.path) == [SimulatorFixture.path, "/compatible-mode/v1/models"])
            #expect(requests.map(\.number) == [1, 2])
            #expect(requests[0].text == SimulatorFixture.body("chunks=1"))
            #expect(requests[0].head.fields["authorization"] == "Bearer sk-secret")
            #expect(requests[0].isWhole)
            #expect(!"\(requests[0])".contains("sk-secret"))
            let read = try await fixture.client.send("GET", "/simulator/requests?last=2")
            #expect(read.value("0.method") == "POST")
            #expect(read.value("0.body") == SimulatorFixture.body("chunks=1"))
            #expect(read.text.contains(#"["authorization","Bearer sk-secret"]"#))
            #expect(try await fixture.client.send("GET", "/simulator/requests?last=1").value("1") == nil)
        }
    }

    @Test func recordsAreBounded() {
        let recorder = RequestRecorder(limit: 3)
        for _ in 0..<2 {
            for index in 0..<5 {
                recorder.record(
                    .init(method: "GET", authority: "a", path: "/\(index)"), ByteBuffer(), isWhole: true)
            }
            #expect(recorder.read().map(\.head.path) == ["/2", "/3", "/4"])
        }
        #expect(recorder.read().map(\.number) == [8, 9, 10])
        let large = ByteBuffer(repeating: 1, count: RequestRecorder.largestBody + 1)
        recorder.record(.init(method: "GET", authority: "a", path: "/"), large, isWhole: false)
        #expect(recorder.read().last?.body.readableBytes == RequestRecorder.largestBody)
        #expect(recorder.read().last?.bodySize == RequestRecorder.largestBody + 1)
        recorder.reset()
        #expect(recorder.read().isEmpty)
    }

    @Test func edgeAddsItsFields() async throws {
        try await SimulatorFixture.run { fixture in
            let plain = try await fixture.chat("chunks=1")
            #expect(plain.fields["set-cookie"] == nil)
            #expect(plain.fields["server"] == "istio-envoy")
            try fixture.simulator.apply("headers=qwen")
            for stream in [true, false] {
                let fields = try await fixture.chat("chunks=1", stream: stream).fields
                #expect(fields["set-cookie"]?.hasPrefix("acw_tc=") == true)
                #expect(fields["req-cost-time"] != nil)
                #expect(fields["x-envoy-upstream-service-time"] != nil)
                #expect(fields["x-dashscope-call-gateway"] == "true")
                #expect(fields["x-request-id"]?.utf8.count == 36)
            }
        }
    }
}
