import HTTP
import NIOCore
import TLS
import Testing

@testable import QwenSimulator

/// The shapes of streams and whole answers.
@Suite(.timeLimit(.minutes(2))) struct ChatShapeTests {
    private static let tools =
        #","tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":"#
        + #"{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["C","F"]}}}}},"#
        + #"{"type":"function","function":{"name":"now"}}]"#

    private func frames(_ message: String, model: String = "qwen3-coder-plus", _ more: String = "") async throws
        -> [String]
    {
        var frames: [String] = []
        try await SimulatorFixture.run { fixture in
            let reply = try await fixture.chat(message, model: model, more)
            #expect(reply.status == 200)
            #expect(reply.isWhole)
            #expect(reply.fields["content-type"] == "text/event-stream;charset=UTF-8")
            frames = reply.frames
        }
        return frames
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func streamHasRoleTextFinishAndEnd(_ applicationProtocol: ApplicationProtocol) async throws {
        try await SimulatorFixture.run(over: applicationProtocol) { fixture in
            let frames = try await fixture.chat("chunks=3 size=4").frames
            try #require(frames.count == 6)
            #expect(jsonValue(frames[0], "choices.0.delta.role") == "assistant")
            #expect(jsonValue(frames[0], "choices.0.delta.content") == "")
            #expect(jsonValue(frames[1], "choices.0.delta.role") == nil)
            #expect(frames.dropLast().allSatisfy { jsonValue($0, "usage") == "null" })
            #expect(frames.dropLast().allSatisfy { jsonValue($0, "object") == "chat.completion.chunk" })
            #expect(Set(frames.dropLast().map { jsonValue($0, "id") }).count == 1)
            #expect(Assembled(frames).content == "0xx 1xx 2xx ")
            #expect(Assembled(frames).finishes == ["stop"])
            #expect(frames[5] == "[DONE]")
        }
    }

    @Test func usageComesWhereItIsAskedFor() async throws {
        let asked = try await frames("chunks=3", #","stream_options":{"include_usage":true}"#)
        #expect(asked.count == 7)
        #expect(jsonValue(asked[5], "choices") == "[]")
        #expect(jsonValue(asked[5], "usage.completion_tokens") == "3")
        #expect(try await frames("chunks=3 usage=never", #","stream_options":{"include_usage":true}"#).count == 6)
        #expect(jsonValue(try await frames("chunks=3 usage=always")[5], "usage.total_tokens") == "25")
        let onFinish = try await frames("chunks=3 usage=finish finish=two")
        #expect(onFinish.count == 7)
        #expect(jsonValue(onFinish[4], "usage") == "null")
        #expect(jsonValue(onFinish[5], "usage.completion_tokens") == "3")
        #expect(Assembled(onFinish).finishes == ["stop", "stop"])
    }

    @Test func thinkingComesAsReasoning() async throws {
        let thinking = try await frames("chunks=2", model: "qwen-plus", #","enable_thinking":true"#)
        #expect(jsonValue(thinking[0], "choices.0.delta.content") == "null")
        #expect(Assembled(thinking).reasoning == "Okay, somebody asks me something. I know what to say. ")
        #expect(Assembled(thinking).content.hasPrefix("0xx"))
        #expect(Assembled(try await frames("chunks=2", model: "qwen-plus")).reasoning.isEmpty)
        #expect(!Assembled(try await frames("chunks=2", model: "qwen3.7-plus")).reasoning.isEmpty)
        let off = try await frames("chunks=2", model: "qwen3.7-plus", #","enable_thinking":false"#)
        #expect(Assembled(off).reasoning.isEmpty)
        #expect(!Assembled(try await frames("chunks=2 think=1")).reasoning.isEmpty)
        let effort = try await frames("chunks=2", model: "qwen3.8-max", #","reasoning_effort":"none""#)
        #expect(Assembled(effort).reasoning.isEmpty)
    }

    @Test func wholeAnswerHasItsShape() async throws {
        try await SimulatorFixture.run { fixture in
            let answer = try await fixture.chat("chunks=2 size=4", model: "qwen3.7-plus", stream: false)
            #expect(answer.fields["content-type"] == "application/json")
            #expect(answer.value("object") == "chat.completion")
            #expect(answer.value("choices.0.message.content") == "0xx 1xx ")
            #expect(answer.value("choices.0.message.reasoning_content")?.hasPrefix("Okay") == true)
            #expect(answer.value("choices.0.finish_reason") == "stop")
            #expect(answer.value("usage.completion_tokens_details.reasoning_tokens") == "10")
            #expect(answer.value("id") == "chatcmpl-" + (answer.fields["x-request-id"] ?? ""))
            let cut = try await fixture.chat("chunks=4 size=4 partial=on", stream: false)
            #expect(cut.status == 200)
            #expect(cut.fields["x-dashscope-partialresponse"] == "true")
            #expect(cut.value("choices.0.message.content") == "0xx 1xx ")
            #expect(cut.value("choices.0.finish_reason") == "null")
            let length = try await fixture.chat("chunks=1 reason=length", stream: false)
            #expect(length.value("choices.0.finish_reason") == "length")
        }
    }

    @Test func chunksAreOdd() async throws {
        let typo = try await frames("chunks=1 created=typo")
        #expect(typo.dropLast().allSatisfy { jsonValue($0, "reated") != nil && jsonValue($0, "created") == nil })
        #expect(jsonValue(try await frames("chunks=1 created=absent")[0], "created") == nil)
        let null = try await frames("chunks=2 role=null")
        #expect(jsonValue(null[0], "choices.0.delta.role") == "assistant")
        #expect(null[1...3].allSatisfy { jsonValue($0, "choices.0.delta.role") == "null" })
        #expect(jsonValue(try await frames("chunks=2 role=every")[2], "choices.0.delta.role") == "assistant")
        #expect(Assembled(try await frames("chunks=2 finish=none")).finishes.isEmpty)
        #expect(try await frames("chunks=1 done=off").last?.hasPrefix("{") == true)
        #expect(Assembled(try await frames("leak=think")).content.hasPrefix("<think>Okay"))
        #expect(Assembled(try await frames("leak=tool")).content.contains("<function=get_weather>"))
    }

    // MARK: Tool calls

    private func deltas(_ message: String, _ more: String = tools) async throws -> [String] {
        try await frames(message, more).compactMap { jsonValue($0, "choices.0.delta.tool_calls.0") }
    }

    private func arguments(_ deltas: [String], index: Int = 0) -> String {
        deltas.filter { jsonValue($0, "index") == "\(index)" }
            .compactMap { jsonValue($0, "function.arguments") }.joined()
    }

    @Test func toolCallHasItsQuirks() async throws {
        let deltas = try await deltas("call=1")
        try #require(deltas.count == 3)
        #expect(jsonValue(deltas[0], "id")?.hasPrefix("call_") == true)
        #expect(jsonValue(deltas[0], "function.name") == "get_weather")
        #expect(jsonValue(deltas[0], "function.arguments") == "")
        #expect(jsonValue(deltas[1], "id") == "")
        #expect(jsonValue(deltas[1], "function.name") == "null")
        #expect(jsonValue(deltas[2], "function.name") == "")
        #expect(arguments(deltas) == #"{"city": "Paris", "days": 1, "unit": "C"}"#)
        #expect(Assembled(try await frames("call=1", Self.tools)).finishes == ["tool_calls"])
    }

    @Test func toolsAreCalledInParallelAndOnDemandOnly() async throws {
        let two = try await deltas("call=2 args-pieces=3")
        #expect(two.map { jsonValue($0, "index") ?? "" } == ["0", "0", "0", "0", "1", "1", "1"])
        #expect(two.compactMap { jsonValue($0, "function.name") }.contains("now"))
        #expect(arguments(two, index: 1) == "{}")
        #expect(try await deltas("hello").isEmpty)
        #expect(try await deltas("call=1", "").isEmpty)
        #expect(try await deltas("call=1", Self.tools + #","tool_choice":"none""#).isEmpty)
        let forced = #","tool_choice":{"type":"function","function":{"name":"now"}}"#
        #expect(jsonValue(try await deltas("hello", Self.tools + forced)[0], "function.name") == "now")
        #expect(jsonValue(try await deltas("call=1 function=now", Self.tools)[0], "function.name") == "now")
        #expect(arguments(try await deltas(#"call=1 args={\"a\":[1]}"#)) == #"{"a":[1]}"#)
    }

    @Test func quirksOfToolCalls() async throws {
        let clean = try await deltas("call=1 quirk=clean")
        #expect(jsonValue(clean[1], "id") == nil)
        #expect(jsonValue(clean[1], "function.name") == nil)
        let null = try await deltas("call=1 quirk=null")
        #expect(jsonValue(null[3], "function") == #"{"name":null,"arguments":null}"#)
        let late = try await deltas("call=1 quirk=late-id")
        #expect(jsonValue(late[0], "id") == "")
        #expect(jsonValue(late[3], "function.name") == "get_weather")
        let reused = try await deltas("call=2 quirk=reuse-index")
        #expect(Set(reused.map { jsonValue($0, "index") }) == ["0"])
        let replayed = try await deltas("call=1 quirk=replay")
        #expect(jsonValue(replayed[3], "id") == jsonValue(replayed[0], "id"))
        #expect(arguments(Array(replayed.suffix(1))) == arguments(Array(replayed.prefix(3))))
        #expect(arguments(try await deltas("call=1 quirk=no-arguments")) == "")
        #expect(arguments(try await deltas("call=1 quirk=unterminated")).hasSuffix(#""unit": "C"#))
        let mixed = try await deltas("call=2 quirk=interleave,clean")
        #expect(mixed.map { jsonValue($0, "index") ?? "" } == ["0", "1", "0", "1", "0", "1"])
    }

    @Test func resultOfAToolIsAnsweredWithText() async throws {
        try await SimulatorFixture.run { fixture in
            let answer = try await fixture.chat("call=2", stream: false, Self.tools)
            #expect(answer.value("choices.0.message.tool_calls.1.function.name") == "now")
            #expect(answer.value("choices.0.message.content") == "")
            let id = answer.value("choices.0.message.tool_calls.0.id") ?? ""
            let messages =
                #"{"role":"user","content":"call=1"},{"role":"assistant","content":"","tool_calls":[{"id":"\#(id)","#
                + #""type":"function","function":{"name":"now","arguments":"{}"}}]},"#
                + #"{"role":"tool","tool_call_id":"\#(id)","content":"12:00"}"#
            let second = try await fixture.client.send(
                "POST", SimulatorFixture.path,
                body: #"{"model":"qwen3-coder-plus","messages":[\#(messages)]\#(Self.tools)}"#)
            #expect(second.status == 200)
            #expect(second.value("choices.0.message.tool_calls") == nil)
            #expect(second.value("choices.0.finish_reason") == "stop")
        }
    }
}
