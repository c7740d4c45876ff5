import JSON
import NIOCore
import Testing

@testable import Translation

/// What becomes of a request for a response on its way to Qwen.
@Suite struct ResponsesRequestTests {
    private static let user = #"[{"role":"user","content":"hi"}]"#

    private func messages(_ input: String) throws -> String {
        try #require(rawJSON(Responses.chat(#"{"input":\#(input)}"#), "messages"))
    }

    @Test func plainRequest() throws {
        let request = try Responses.request(#"{"model":"qw\u0065n","input":"h\u0069"}"#)
        #expect(request.model == "qwen")
        #expect(!request.isStreaming)
        #expect(!request.isStored)
        #expect(request.references.isEmpty)
        #expect(request.inputItems.isEmpty)
        #expect(
            String(buffer: request.chatBody)
                == #"{"model":"qw\u0065n","messages":[{"role":"user","content":"h\u0069"}],"stream":false}"#)
    }

    @Test func streamAsksForUsage() throws {
        let request = try Responses.request(
            #"{"input":"hi","stream":true,"stream_options":{"include_obfuscation":true}}"#)
        #expect(request.isStreaming)
        #expect(request.model == nil)
        #expect(
            String(buffer: request.chatBody)
                == #"{"messages":\#(Self.user),"stream":true,"stream_options":{"include_usage":true}}"#)
    }

    @Test func instructionsComeFirst() throws {
        let chat = try Responses.chat(
            #"{"instructions":"Be \"brief\"","input":[{"role":"developer","content":"d"},{"role":"user","content":"u"}]}"#
        )
        #expect(
            rawJSON(chat, "messages")
                == #"[{"role":"system","content":"Be \"brief\""},{"role":"developer","content":"d"},"#
                + #"{"role":"user","content":"u"}]"#)
    }

    /// Items and the messages that they become.
    static let items: [(String, String)] = [
        (
            #"[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b\n"}]}]"#,
            #"[{"role":"user","content":"a\n\nb\n"}]"#
        ),
        (
            #"[{"role":"user","content":[{"type":"input_text","text":"what?"},{"type":"input_image","image_url":"https://x/y.png","detail":"low"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"original"}]}]"#,
            #"[{"role":"user","content":[{"type":"text","text":"what?"},{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"high"}}]}]"#
        ),
        (
            #"[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]"#,
            #"[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]"#
        ),
        // One turn is one message: reasoning, text and parallel calls; the outputs follow it.
        (
            #"[{"role":"user","content":"u"},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"r1"},{"type":"summary_text","text":"r2"}],"encrypted_content":"zzz"},{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"t","annotations":[]}]},{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"g","arguments":""},{"type":"function_call_output","call_id":"c1","output":"o1"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"o2"}]}]"#,
            #"[{"role":"user","content":"u"},{"role":"assistant","content":"t","reasoning_content":"r1\n\nr2","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"c1","content":"o1"},{"role":"tool","tool_call_id":"c2","content":"o2"}]"#
        ),
        // A call may come in front of the text of its turn, or between reasoning: the outputs still follow the calls.
        (
            #"[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"r"}]},{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},{"role":"assistant","content":"t"},{"type":"function_call_output","call_id":"c1","output":"o"},{"type":"function_call_output","call_id":"c2","output":"o"}]"#,
            #"[{"role":"assistant","content":"t","reasoning_content":"r","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"o"},{"role":"tool","tool_call_id":"c2","content":"o"}]"#
        ),
        // Turn after turn.
        (
            #"[{"role":"user","content":"u"},{"type":"reasoning","summary":[{"type":"summary_text","text":"r1"}],"content":null,"encrypted_content":null},{"role":"assistant","content":"a"},{"type":"reasoning","summary":[{"type":"summary_text","text":"r2"}]},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"user","content":"v"}]"#,
            #"[{"role":"user","content":"u"},{"role":"assistant","content":"a","reasoning_content":"r1"},{"role":"assistant","content":"no","reasoning_content":"r2"},{"role":"user","content":"v"}]"#
        ),
        // Reasoning that nothing came of, and a search that another provider made.
        (
            #"[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"web_search_call","id":"ws_1","status":"completed"},{"role":"user","content":"hi"}]"#,
            user
        ),
        (
            #"[{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"https://x/y"}]}]"#,
            #"[{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x/y"}}]}]"#
        ),
        (#"[{"role":"user","content":[]}]"#, #"[{"role":"user","content":""}]"#),
    ]

    @Test(arguments: items) func itemsBecomeMessages(_ input: String, _ expected: String) throws {
        #expect(try messages(input) == expected)
    }

    /// Options and the members of the chat completion request that they become, behind the messages.
    static let options: [(String, String)] = [
        (#""reasoning":{"effort":"low","summary":"auto"}"#, #""reasoning_effort":"low""#),
        (#""reasoning":{"effort":null,"summary":null}"#, ""), (#""reasoning":null"#, ""),
        (#""text":{"verbosity":"low"}"#, ""), (#""text":{"format":{"type":"text"}}"#, ""),
        (#""text":{"format":{"type":"json_object"}}"#, #""response_format":{"type":"json_object"}"#),
        (
            #""text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type" : "object"},"description":null}}"#,
            #""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type" : "object"},"strict":true}}"#
        ),
        (
            #""max_output_tokens":16,"temperature":1.50e0,"top_p":1"#,
            #""max_completion_tokens":16,"temperature":1.50e0,"top_p":1"#
        ),
        (#""include":["message.output_text.logprobs"],"top_logprobs":3"#, #""logprobs":true,"top_logprobs":3"#),
        (#""include":["reasoning.encrypted_content"],"top_logprobs":0"#, ""),
        (
            #""user":"u","safety_identifier":"s","prompt_cache_key":"k","service_tier":"auto","truncation":"auto","metadata":{"a":"b"},"max_tool_calls":2,"unknown":{"x":1},"background":false,"messages":[],"n":3"#,
            ""
        ),
        (
            #""enable_thinking":true,"thinking_budget":99,"top_k":3,"stop":["x"]"#,
            #""enable_thinking":true,"thinking_budget":99,"top_k":3,"stop":["x"]"#
        ),
        (#""tools":[],"parallel_tool_calls":true"#, ""),
        (
            #""tools":[{"type":"function","name":"f","description":"d\u0065","parameters":{"type" : "object"},"strict":false}]"#,
            #""tools":[{"type":"function","function":{"name":"f","description":"d\u0065","parameters":{"type" : "object"},"strict":false}}],"parallel_tool_calls":true"#
        ),
        (
            #""tools":[{"type":"function","name":"f","parameters":null,"strict":null}],"tool_choice":"required","parallel_tool_calls":false"#,
            #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","parallel_tool_calls":false"#
        ),
        (
            #""tools":[{"type":"function","name":"f"},{"type":"web_search"}],"tool_choice":{"type":"function","name":"f"}"#,
            #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true"#
        ),
        (
            #""tools":[{"type":"function","name":"f"}],"tool_choice":"none""#,
            #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none","parallel_tool_calls":true"#
        ),
        (
            #""tools":[{"type":"function","name":"f"},{"type":"function","name":"g"},{"type":"web_search"}],"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"}]}"#,
            #""tools":[{"type":"function","function":{"name":"g"}}],"tool_choice":"required","parallel_tool_calls":true"#
        ),
        (#""tools":[{"type":"web_search"}]"#, #""enable_search":true"#),
        (#""tools":[{"type":"web_search"}],"enable_search":false"#, #""enable_search":true"#),
        (
            #""tools":[{"type":"web_search","search_context_size":"high","filters":null,"user_location":{"type":"approximate","country":"DE"}}],"tool_choice":"required""#,
            #""enable_search":true,"search_options":{"forced_search":true,"search_strategy":"max"}"#
        ),
        (
            #""tools":[{"type":"web_search_preview","filters":{"allowed_domains":[]}}],"tool_choice":{"type":"web_search_preview"}"#,
            #""enable_search":true,"search_options":{"forced_search":true}"#
        ),
        (#""tools":[{"type":"web_search"}],"tool_choice":"none""#, ""),
        (
            #""tools":[{"type":"web_search"}],"search_options":{"enable_source":true}"#,
            #""enable_search":true,"search_options":{"enable_source":true}"#
        ),
    ]

    @Test(arguments: options) func optionsBecomeMembers(_ option: String, _ expected: String) throws {
        let chat = try Responses.chat(#"{"input":"hi",\#(option)}"#)
        let rest = expected.isEmpty ? "" : ",\(expected)"
        #expect(chat == #"{"messages":\#(Self.user),"stream":false\#(rest)}"#)
    }

    @Test func storedInputIsItems() throws {
        let text = try Responses.request(#"{"input":"h\u0069","store":true}"#)
        #expect(text.isStored)
        #expect(
            text.inputItems.map { String(buffer: $0.text) }
                == [#"{"type":"message","role":"user","content":[{"type":"input_text","text":"h\u0069"}]}"#])
        let items = try Responses.request(
            #"{"store":true,"input":[{"role":"user","content":"a"}, {"id":"msg_9","role":"assistant","content":"b"}]}"#)
        #expect(items.inputItems.map(\.id) == [nil, "msg_9"])
        #expect(String(buffer: items.inputItems[1].text) == #"{"id":"msg_9","role":"assistant","content":"b"}"#)
    }
}
