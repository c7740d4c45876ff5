import JSON
import NIOCore
import Testing

@testable import Translation

/// Everything of a request but the conversation.
struct MessagesRequestTests {
    static let messages = #""messages":[{"role":"user","content":"q"}]"#

    /// What stands behind the messages.
    private func rest(_ members: String) throws -> String {
        let body = try messagesBody(#"{"model":"m",\#(Self.messages),"max_tokens":9\#(members)}"#)
        let start = #"{"model":"m",\#(Self.messages),"max_tokens":9"#
        try #require(body.hasPrefix(start), "\(body)")
        return String(body.dropFirst(start.count).dropLast())
    }

    static let options: [(String, String)] = [
        ("", ""),
        (#","temperature":0.70,"top_p":1e-1,"top_k":5"#, #","temperature":0.70,"top_p":1e-1,"top_k":5"#),
        (#","stop_sequences":["\n\nHuman:","x"]"#, #","stop":["\n\nHuman:","x"]"#),
        (#","stop_sequences":[],"temperature":null"#, ""),
        (#","stream":true"#, #","stream":true"#), (#","stream":false"#, #","stream":false"#),
        // Nothing depends on them.
        (
            #","metadata":{"user_id":"u"},"service_tier":"auto","context_management":{"edits":[]},"mcp_servers":[],"#
                + #""container":null,"unheard_of":1"#, ""
        ),
        (#","seed":1,"preserve_thinking":true"#, #","preserve_thinking":true,"seed":1"#),
        (
            #","output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}"#,
            #","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"#
                + #""schema":{"type":"object"}}}"#
        ),
        (
            #","output_format":{"type":"json_schema","schema":{"a":1.0}}"#,
            #","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"#
                + #""schema":{"a":1.0}}}"#
        ),
        // Thinking.
        (
            #","thinking":{"type":"enabled","budget_tokens":2048}"#,
            #","enable_thinking":true,"thinking_budget":2048"#
        ),
        (#","thinking":{"type":"disabled"}"#, #","enable_thinking":false"#),
        (#","thinking":{"type":"disabled"},"output_config":{"effort":"max"}"#, #","enable_thinking":false"#),
        (#","thinking":{"type":"adaptive","display":"summarized"}"#, #","enable_thinking":true"#),
        (
            #","thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}"#,
            #","enable_thinking":true,"reasoning_effort":"xhigh""#
        ),
        (#","output_config":{"effort":"low"}"#, #","reasoning_effort":"low""#),
    ]

    @Test(arguments: options) func option(_ members: String, _ expected: String) throws {
        #expect(try rest(members) == expected)
    }

    @Test func membersOfTheRequest() throws {
        let request = try messagesRequest(
            #"{"max_tokens":9,"stream":true,"thinking":{"type":"adaptive","display":"omitted"},\#(Self.messages)}"#)
        #expect(request.model == nil)
        #expect(request.isStreaming)
        #expect(!request.showsThinking)
        #expect(request.estimatedInputTokens > 0)
        let plain = try messagesRequest(#"{"model":"q\u0077en","max_tokens":9,\#(Self.messages)}"#)
        #expect(plain.model == "qwen")
        #expect(!plain.isStreaming)
        #expect(plain.showsThinking)
        #expect(String(buffer: plain.chatBody).hasPrefix(#"{"model":"q\u0077en","messages":"#))
    }

    // MARK: Tools

    static let tool = #"{"name":"f","description":"d\n","input_schema":{"type":"object", "x":1.0}}"#
    static let function =
        #"{"type":"function","function":{"name":"f","description":"d\n","#
        + #""parameters":{"type":"object", "x":1.0}}}"#
    static let search = #"{"type":"web_search_20250305","name":"web_search","max_uses":5}"#

    static let tools: [(String, String)] = [
        ("[]", ""), ("null", ""),
        ("[\(tool)]", #","tools":[\#(function)],"parallel_tool_calls":true"#),
        (
            #"[{"type":"custom","name":"f","input_schema":{},"strict":true,"cache_control":{"type":"ephemeral"},"#
                + #""input_examples":[{}]}]"#,
            #","tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true},"#
                + #""cache_control":{"type":"ephemeral"}}],"parallel_tool_calls":true"#
        ),
        (#"[\#(tool)],"tool_choice":{"type":"auto"}"#, chosen(#""auto""#)),
        (#"[\#(tool)],"tool_choice":{"type":"any"}"#, chosen(#""required""#)),
        (#"[\#(tool)],"tool_choice":{"type":"none"}"#, chosen(#""none""#)),
        (
            #"[\#(tool)],"tool_choice":{"type":"tool","name":"f"}"#,
            chosen(#"{"type":"function","function":{"name":"f"}}"#)
        ),
        (
            #"[\#(tool)],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}"#,
            chosen(#""auto""#, parallel: false)
        ),
        (#"[],"tool_choice":{"type":"auto"}"#, ""),
        // Anthropic's web search is Qwen's.
        ("[\(search)]", #","enable_search":true"#),
        (#"[\#(search)],"tool_choice":{"type":"none"}"#, ""),
        (
            #"[\#(search)],"tool_choice":{"type":"tool","name":"web_search"}"#,
            #","enable_search":true,"search_options":{"forced_search":true}"#
        ),
        (
            #"[\#(search),\#(tool)],"tool_choice":{"type":"any"}"#,
            #","enable_search":true"# + chosen(#""required""#)
        ),
        (
            #"[\#(search),\#(tool)],"tool_choice":{"type":"tool","name":"web_search"}"#,
            #","enable_search":true,"search_options":{"forced_search":true}"# + chosen(#""none""#)
        ),
        (#"[],"enable_search":true"#, #","enable_search":true"#),
    ]

    static func chosen(_ choice: String, parallel: Bool = true) -> String {
        #","tools":[\#(function)],"tool_choice":\#(choice),"parallel_tool_calls":\#(parallel)"#
    }

    @Test(arguments: tools) func tool(_ tools: String, _ expected: String) throws {
        #expect(try rest(#","tools":\#(tools)"#) == expected)
    }

    @Test func versions() throws {
        #expect(MessagesVersion.isSupported("2023-06-01"))
        #expect(MessagesVersion.isSupported("2026-10-21"))
        #expect(!MessagesVersion.isSupported("2023-06-02"))
        try MessagesVersion.check(MessagesVersion.current)
        #expect(throws: InvalidRequest.self) { try MessagesVersion.check(nil) }
        #expect(throws: InvalidRequest.self) { try MessagesVersion.check("latest") }
    }
}
