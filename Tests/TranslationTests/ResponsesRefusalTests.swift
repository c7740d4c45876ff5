import JSON
import NIOCore
import Testing

@testable import Translation

/// Requests that can't be honoured are refused, and the error names the field.
@Suite struct ResponsesRefusalTests {
    /// Bodies, the field that the error names, and its code.
    static let bodies: [(String, String?, String?)] = [
        ("", nil, nil), ("[]", nil, nil), (#"{"input":"x"} y"#, nil, nil),
        (#"{"input":"x","inp\u0075t":"y"}"#, nil, nil),
        ("{}", "input", "missing_required_parameter"), (#"{"input":null}"#, "input", "missing_required_parameter"),
        (#"{"input":[]}"#, "input", "invalid_value"), (#"{"input":{}}"#, "input", "invalid_type"),
        (#"{"instructions":"i","input":[]}"#, "input", "invalid_value"),
        (#"{"input":["x"]}"#, "input[0]", "invalid_type"),
        (#"{"input":[{}]}"#, "input[0].type", "missing_required_parameter"),
        (#"{"input":[{"role":"user","content":"a","content":"b"}]}"#, "input[0]", nil),
        (#"{"input":[{"role":"tool","content":"a"}]}"#, "input[0].role", "invalid_value"),
        (#"{"input":[{"type":"message","content":"a"}]}"#, "input[0].role", "missing_required_parameter"),
        (#"{"input":[{"role":"user"}]}"#, "input[0].content", "missing_required_parameter"),
        (#"{"input":[{"role":"user","content":5}]}"#, "input[0].content", "invalid_type"),
        (#"{"input":[{"role":"assistant","content":{}}]}"#, "input[0].content", "invalid_type"),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_text"}]}]}"#, "input[0].content[0].text",
            "missing_required_parameter"
        ),
        (#"{"input":[{"role":"user","content":[{"type":"video"}]}]}"#, "input[0].content[0].type", "invalid_value"),
        (
            #"{"input":[{"role":"assistant","content":[{"type":"input_image"}]}]}"#, "input[0].content[0].type",
            "invalid_value"
        ),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]}"#,
            "input[0].content[0].file_id", "unsupported_parameter"
        ),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_image"}]}]}"#, "input[0].content[0].image_url",
            "missing_required_parameter"
        ),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://x/y.pdf"}]}]}"#,
            "input[0].content[0].file_url", "unsupported_parameter"
        ),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}"#,
            "input[0].content[0].file_id", "unsupported_parameter"
        ),
        (
            #"{"input":[{"role":"user","content":[{"type":"input_audio"}]}]}"#, "input[0].content[0].input_audio",
            "missing_required_parameter"
        ),
        (
            #"{"input":[{"type":"function_call","name":"f","arguments":"{}"}]}"#, "input[0].call_id",
            "missing_required_parameter"
        ),
        (
            #"{"input":[{"type":"function_call","call_id":"c","name":"","arguments":"{}"}]}"#, "input[0].name",
            "empty_string"
        ),
        (
            #"{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":{}}]}"#, "input[0].arguments",
            "invalid_type"
        ),
        (
            #"{"input":[{"type":"function_call_output","call_id":"c"}]}"#, "input[0].output",
            "missing_required_parameter"
        ),
        (#"{"input":[{"type":"computer_call_output","call_id":"c"}]}"#, "input[0].type", "unsupported_value"),
    ]

    @Test(arguments: bodies) func bodyIsRefused(_ body: String, _ param: String?, _ code: String?) {
        let error = #expect(throws: InvalidRequest.self) { try Responses.request(body) }
        #expect(error?.param == param)
        #expect(error?.code == code)
        #expect(error?.message.isEmpty == false)
    }

    /// Options, the field that the error names, and a word of its message.
    static let options: [(String, String, String)] = [
        (#""background":true"#, "background", "background"),
        (#""conversation":"conv_1""#, "conversation", "previous_response_id"),
        (#""conversation":{"id":"conv_1"}"#, "conversation", "conversation"),
        (#""prompt":{"id":"p"}"#, "prompt", "instructions"),
        (#""context_management":[{"type":"compaction"}]"#, "context_management", "context_management"),
        (#""model":1"#, "model", "string"), (#""stream":"yes""#, "stream", "true or false"),
        (#""store":1"#, "store", "true or false"),
        (#""instructions":[]"#, "instructions", "string"), (#""max_output_tokens":15"#, "max_output_tokens", "16"),
        (#""max_output_tokens":1.5"#, "max_output_tokens", "integer"), (#""top_logprobs":21"#, "top_logprobs", "20"),
        (#""temperature":"hot""#, "temperature", "number"), (#""reasoning":"high""#, "reasoning", "object"),
        (#""reasoning":{"effort":3}"#, "reasoning.effort", "string"),
        (#""reasoning":{"summary":"long"}"#, "reasoning.summary", "concise"),
        (#""text":{"format":{"type":"xml"}}"#, "text.format.type", "json_schema"),
        (#""text":{"format":{}}"#, "text.format.type", "Missing"),
        (#""text":{"format":{"type":"json_schema","schema":{}}}"#, "text.format.name", "Missing"),
        (#""text":{"format":{"type":"json_schema","name":"n"}}"#, "text.format.schema", "Missing"),
        (#""text":{"verbosity":"loud"}"#, "text.verbosity", "medium"),
        (#""truncation":"yes""#, "truncation", "disabled"),
        (#""include":["everything"]"#, "include[0]", "reasoning.encrypted_content"),
        (#""include":[1]"#, "include[0]", "string"),
        (#""stream_options":{"include_obfuscation":1}"#, "stream_options.include_obfuscation", "true or false"),
        (#""previous_response_id":"""#, "previous_response_id", "empty"), (#""user":{}"#, "user", "string"),
        (#""metadata":{"k":1}"#, "metadata.k", "string"), (#""metadata":["k"]"#, "metadata", "object"),
        (#""tools":{}"#, "tools", "array"),
        (#""tools":[{"type":"function","function":{"name":"f"}}]"#, "tools[0].name", "Missing"),
        (
            #""tools":[{"type":"function","name":"f"},{"type":"file_search","vector_store_ids":[]}]"#, "tools[1].type",
            "'file_search'"
        ),
        (#""tools":[{"type":"mcp"}]"#, "tools[0].type", "'mcp'"),
        (#""tools":[{"type":"custom","name":"x"}]"#, "tools[0].type", "'custom'"),
        (#""tools":[{"type":"web_search","filters":{"allowed_domains":["x.org"]}}]"#, "tools[0].filters", "filters"),
        (#""tools":[{"type":"function","name":"f","parameters":"{}"}]"#, "tools[0].parameters", "object"),
        (#""tool_choice":"required""#, "tool_choice", "tools"), (#""tool_choice":"any""#, "tool_choice", "auto"),
        (
            #""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}"#, "tool_choice",
            "'g'"
        ),
        (
            #""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"web_search"}"#, "tool_choice",
            "'web_search'"
        ),
        (#""tool_choice":{"type":"mcp"}"#, "tool_choice.type", "'mcp'"),
        (
            #""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]}"#,
            "tool_choice.tools[0]", "'g'"
        ),
        (
            #""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"allowed_tools","tools":[]}"#,
            "tool_choice.mode", "Missing"
        ),
    ]

    @Test(arguments: options) func optionIsRefused(_ option: String, _ param: String, _ word: String) {
        let error = #expect(throws: InvalidRequest.self) { try Responses.request(#"{"input":"hi",\#(option)}"#) }
        #expect(error?.param == param)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test func metadataHasLimits() throws {
        func refusal(_ metadata: String) -> InvalidRequest? {
            #expect(throws: InvalidRequest.self) { try Responses.request(#"{"input":"x","metadata":{\#(metadata)}}"#) }
        }
        func pairs(_ count: Int) -> String { (0..<count).map { #""k\#($0)":"v""# }.joined(separator: ",") }
        let long = String(repeating: "é", count: 512)
        _ = try Responses.request(#"{"input":"x","metadata":{\#(pairs(16))}}"#)
        _ = try Responses.request(#"{"input":"x","metadata":{"\#(long.prefix(64))":"\#(long)"}}"#)
        #expect(refusal(pairs(17))?.message.contains("17") == true)
        #expect(refusal(#""\#(long.prefix(65))":"v""#)?.param == "metadata")
        #expect(refusal(#""k":"\#(long)x""#)?.param == "metadata.k")
    }

    /// A name of the client's is shown in part only.
    @Test func messagesStayShort() {
        let name = String(repeating: "n", count: 10_000)
        let error = #expect(throws: InvalidRequest.self) {
            try Responses.request(#"{"input":"x","tools":[{"type":"\#(name)"}]}"#)
        }
        #expect((error?.message.utf8.count ?? 0) < 400)
    }
}
