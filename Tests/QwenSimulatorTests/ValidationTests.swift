import JSON
import NIOCore
import Testing

@testable import QwenSimulator

/// The checks of a request, and Qwen's words for what is wrong.
@Suite struct ValidationTests {
    private static let hello = #""messages":[{"role":"user","content":"hello"}]"#
    private static let prefix = "<400> InternalError.Algo.InvalidParameter: "

    private func message(_ members: String, model: String = "qwen-plus") -> String? {
        let text = #"{"model":"\#(model)",\#(members)}"#
        var document = JSONDocument()
        guard (try? document.scan(ByteBuffer(string: text))) != nil else { return "no JSON: \(text)" }
        return ChatValidation.fault(in: document, ChatRequest(document))?.message
    }

    @Test(arguments: [
        (#""temperature":2"#, "Temperature should be in [0.0, 2.0)"), (#""temperature":1.99"#, nil),
        (#""temperature":-0.1"#, "Temperature should be in [0.0, 2.0)"),
        (#""top_p":0"#, "Range of top_p should be (0.0, 1.0]"), (#""top_p":1"#, nil),
        (#""top_p":1.1"#, "Range of top_p should be (0.0, 1.0]"),
        (#""n":5"#, "Range of n should be [1, 4]"), (#""n":4"#, nil), (#""n":0"#, "Range of n should be [1, 4]"),
        (#""max_tokens":32769"#, "Range of max_tokens should be [1, 32768]"), (#""max_tokens":32768"#, nil),
        (#""max_tokens":0"#, "Range of max_tokens should be [1, 32768]"),
        (#""presence_penalty":3"#, "Presence_penalty should be in [-2.0, 2.0]"),
        (#""seed":-1"#, "Range of seed should be [0, 2147483647]"),
        (#""temperature":null,"top_p":null,"n":null,"max_tokens":null"#, nil), (#""unknown":[1]"#, nil),
    ])
    func numbersHaveRanges(_ member: String, _ expected: String?) {
        #expect(message("\(member),\(Self.hello)") == expected)
    }

    @Test func largestOutputIsTheModels() {
        #expect(message(#""max_tokens":65536,\#(Self.hello)"#, model: "qwen3-coder-plus") == nil)
        #expect(
            message(#""max_tokens":65537,\#(Self.hello)"#, model: "qwen3-coder-plus")
                == "Range of max_tokens should be [1, 65536]")
        #expect(message(#""max_tokens":131072,\#(Self.hello)"#, model: "qwen3.7-max") == nil)
    }

    @Test func messagesHaveAnOrder() {
        let call = #"{"role":"assistant","content":"","tool_calls":[{"id":"a"},{"id":"b"}]}"#
        let user = #"{"role":"user","content":"x"}"#
        func tool(_ id: String) -> String { #"{"role":"tool","tool_call_id":"\#(id)","content":"x"}"# }
        func check(_ messages: [String]) -> String? {
            message(#""messages":[\#(messages.joined(separator: ","))]"#)
        }
        #expect(check([user, call, tool("a"), tool("b")]) == nil)
        #expect(check([user, call, tool("b"), tool("a"), user]) == nil)
        #expect(check([]) == "[] is too short - 'messages'")
        let orphan =
            Self.prefix + #"messages with role "tool" must be a response to a preceeding message with "tool_calls"."#
        #expect(check([user, tool("a")]) == orphan)
        #expect(check([user, call, tool("a"), tool("a")]) == orphan)
        let open = #"An assistant message with "tool_calls" must be followed by tool messages"#
        #expect(check([user, call, tool("a")])?.contains(open) == true)
        #expect(check([user, call, user])?.contains(open) == true)
        #expect(check([#"{"role":"system","content":"x"}"#])?.contains("at least one message") == true)
        #expect(check([#"{"role":"developer","content":"x"}"#, user])?.hasPrefix("'developer' is not one of") == true)
        #expect(message(#""stream":true"#) == "Required body invalid, please check the request body format.")
        #expect(message(Self.hello, model: "") == "you must provide a model parameter")
    }

    @Test func jsonModeNeedsItsWord() {
        let format = #""response_format":{"type":"json_object"}"#
        let fault = message("\(format),\(Self.hello)")
        #expect(fault?.contains("must contain the word 'json' in some form") == true)
        #expect(
            message(#"\#(format),"messages":[{"role":"user","content":[{"type":"text","text":"as JSON"}]}]"#) == nil)
        #expect(message(#""response_format":{"type":"text"},\#(Self.hello)"#) == nil)
        let asJSON = #""stream":true,"messages":[{"role":"user","content":"json"}]"#
        #expect(
            message("\(format),\(asJSON)", model: "qwen3-32b")
                == "Json mode response is not supported when enable_thinking is true")
    }

    @Test func toolsHaveRules() {
        let search = #""tools":[{"type":"function","function":{"name":"search"}}]"#
        #expect(message("\(search),\(Self.hello)")?.contains("'search'") == true)
        #expect(message(#""tools":[],\#(Self.hello)"#) == "[] is too short - 'tools'")
        let tool = #""tools":[{"type":"function","function":{"name":"f"}}]"#
        #expect(message(#""n":2,\#(tool),\#(Self.hello)"#) == "Only n=1 is supported with tools.")
        let thinking =
            Self.prefix
            + "The tool_choice parameter does not support being set to required or object in thinking mode"
        let forced = #""tool_choice":{"type":"function","function":{"name":"f"}},\#(tool)"#
        #expect(message(#""enable_thinking":true,\#(forced),\#(Self.hello)"#) == thinking)
        #expect(message(#""enable_thinking":true,"tool_choice":"required",\#(tool),\#(Self.hello)"#) == thinking)
        #expect(message(#""enable_thinking":true,"tool_choice":"auto",\#(tool),\#(Self.hello)"#) == nil)
        #expect(message("\(forced),\(Self.hello)") == nil)
        #expect(message("\(forced),\(Self.hello)", model: "qwen3.7-plus") == thinking)
    }

    @Test(arguments: [
        ("qwen3-32b", "", "parameter.enable_thinking must be set to false for non-streaming calls"),
        ("qwen3-235b-a22b", "", "parameter.enable_thinking must be set to false for non-streaming calls"),
        ("qwen3-32b", #""enable_thinking":false,"#, nil), ("qwen3-32b", #""stream":true,"#, nil),
        ("qwen3.7-plus", #""enable_thinking":true,"#, nil), ("qwen3-coder-plus", #""enable_thinking":true,"#, nil),
        (
            "qwq-plus", "",
            "This model only support stream mode, please enable the stream parameter to access the model."
        ),
        (
            "qwen3-omni-flash", "",
            "This model only support stream mode, please enable the stream parameter to access the model."
        ),
        ("qwq-plus", #""stream":true,"#, nil),
        (
            "qwen3-235b-a22b-thinking-2507", #""enable_thinking":false,"#,
            "The value of the enable_thinking parameter is restricted to True."
        ), ("qwen3-235b-a22b-thinking-2507", "", nil),
        (
            "qwen3.8-max-preview", #""enable_thinking":false,"stream":true,"#,
            "The value of the enable_thinking parameter is restricted to True."
        ),
    ])
    func thinkingIsTheModelsAffair(_ model: String, _ members: String, _ expected: String?) {
        #expect(message(members + Self.hello, model: model) == expected)
    }

    @Test func effortAndBudgetExclude() {
        #expect(
            message(#""reasoning_effort":"low","thinking_budget":10,\#(Self.hello)"#, model: "qwen3.8-max")
                == Self.prefix + "The reasoning_effort and thinking_budget parameters can not be set together.")
    }

    @Test func faultsComeAsErrors() async throws {
        try await SimulatorFixture.run { fixture in
            let reply = try await fixture.chat("hello", #","temperature":2"#)
            #expect(reply.status == 400)
            #expect(reply.value("error.code") == "invalid_parameter_error")
            #expect(reply.value("error.type") == "invalid_request_error")
            try fixture.simulator.apply("validate=off")
            #expect(try await fixture.chat("hello", #","temperature":2"#).status == 200)
            #expect(try await fixture.chat("hello", model: "gpt-9").status == 200)
            try fixture.simulator.apply("known-models=on")
            let unknown = try await fixture.chat("hello", model: "gpt-9")
            #expect(unknown.status == 404)
            #expect(unknown.value("error.code") == "model_not_found")
        }
    }
}
