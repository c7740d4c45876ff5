import NIOCore
import Testing

@testable import Translation

/// Thinking, effort, forced tools: what is asked and what Qwen is told. Only the members that follow the messages are
/// compared; they are the whole difference.
struct ChatRequestThinkingTests {
    static let messages = #""messages":[{"role":"user","content":"hi"}]"#
    static let tools = #""tools":[{"type":"function","function":{"name":"f"}}]"#

    /// The members of the request, as a client writes them, streaming.
    private func told(_ model: String, _ members: String) throws -> String {
        let stream = #""stream":true,"stream_options":{"include_usage":true}"#
        let rest = members.isEmpty ? "" : "," + members
        let request = try translated("{\"model\":\"\(model)\",\(Self.messages),\(stream)\(rest)}")
        let text = String(buffer: request.body)
        let name = ModelName(model).plain
        let start = "{\"model\":\"\(name)\",\(Self.messages),\(stream)"
        #expect(text.hasPrefix(start), "\(text)")
        let end = text.dropFirst(start.count).dropLast()
        return String(end.drop { $0 == "," })
    }

    static let effortCases: [(String, String, String)] = [
        // Without tiers the effort is put into the budget.
        ("qwen3.6-plus", #""reasoning_effort":"low""#, #""enable_thinking":true,"thinking_budget":4096"#),
        ("qwen3.6-plus", #""reasoning_effort":"minimal""#, #""enable_thinking":true,"thinking_budget":4096"#),
        ("qwen3.6-plus", #""reasoning_effort":"medium""#, #""enable_thinking":true,"thinking_budget":16384"#),
        ("qwen3.6-plus", #""reasoning_effort":"xhigh""#, #""enable_thinking":true"#),
        ("qwen-plus", #""reasoning_effort":"high""#, #""enable_thinking":true"#),
        ("qwen-plus", #""reasoning_effort":"none""#, #""enable_thinking":false"#),
        ("qwen-plus", #""reasoning_effort":"none","thinking_budget":5"#, #""enable_thinking":false"#),
        ("qwen-plus", #""reasoning_effort":"low","thinking_budget":5"#, #""thinking_budget":5,"enable_thinking":true"#),
        ("qwen-plus", #""enable_thinking":false,"reasoning_effort":"low""#, #""enable_thinking":false"#),
        ("qwen-plus", #""enable_thinking":true,"reasoning_effort":"none""#, #""enable_thinking":true"#),
        ("qwen-plus", #""reasoning_effort":"utmost""#, #""reasoning_effort":"utmost""#),
        ("qwen-plus", #""reasoning_effort":null"#, #""reasoning_effort":null"#),
        ("qwen3-coder-plus", #""reasoning_effort":"high""#, ""),
        ("qwq-plus", #""reasoning_effort":"none""#, ""),
        ("qwq-plus", #""reasoning_effort":"low""#, #""thinking_budget":4096"#),
        // With tiers the effort stays, and excludes the others.
        ("qwen3.8-max", #""reasoning_effort":"medium""#, #""reasoning_effort":"medium""#),
        ("qwen3.8-max", #""thinking_budget":9,"reasoning_effort":"low""#, #""reasoning_effort":"low""#),
        ("qwen3.8-max", #""enable_thinking":true,"reasoning_effort":"low""#, #""reasoning_effort":"low""#),
        ("qwen3.8-max", #""reasoning_effort":"none""#, #""enable_thinking":false"#),
        ("qwen3.8-max", #""enable_thinking":false,"reasoning_effort":"low""#, #""enable_thinking":false"#),
        ("qwen3.8-max", #""enable_thinking":true,"thinking_budget":9"#, #""enable_thinking":true,"thinking_budget":9"#),
        ("qwen3.8-max-preview", #""enable_thinking":false"#, #""enable_thinking":false"#),
        ("deepseek-v4-pro", #""reasoning_effort":"low""#, #""reasoning_effort":"high""#),
        ("deepseek-v4-pro", #""reasoning_effort":"xhigh","thinking_budget":9"#, #""reasoning_effort":"max""#),
        ("deepseek-v4-pro", #""reasoning_effort":"max""#, #""reasoning_effort":"max""#),
        // Of an unknown model nothing is assumed.
        ("other", #""reasoning_effort":"low","thinking_budget":5"#, #""reasoning_effort":"low","thinking_budget":5"#),
        ("other", #""reasoning_effort":"none""#, #""reasoning_effort":"none""#),
        ("qwen3.7-plus", "", ""),
    ]

    @Test(arguments: effortCases) func effort(_ model: String, _ members: String, _ expected: String) throws {
        #expect(try told(model, members) == expected)
    }

    static let suffixCases: [(String, String, String)] = [
        ("qwen3.7-plus:thinking", "", #""enable_thinking":true"#),
        ("qwen3.7-plus:no-think", "", #""enable_thinking":false"#),
        ("qwen3.7-plus:thinking", #""enable_thinking":false"#, #""enable_thinking":true"#),
        ("qwen3.7-plus:no-think", #""enable_thinking":true,"thinking_budget":8"#, #""enable_thinking":false"#),
        ("qwen3.7-plus:no-think", #""reasoning_effort":"high""#, #""enable_thinking":false"#),
        ("qwen3.7-plus:thinking", #""reasoning_effort":"none""#, #""enable_thinking":true"#),
        (
            "qwen3.7-plus:thinking", #""reasoning_effort":"low""#,
            #""enable_thinking":true,"thinking_budget":4096"#
        ),
        ("qwen3.8-max:thinking", #""reasoning_effort":"low""#, #""reasoning_effort":"low""#),
        ("qwen3-coder-plus:no-think", "", ""),
        ("qwq-plus:thinking", "", ""),
        ("qwq-plus:thinking", #""enable_thinking":false"#, #""enable_thinking":true"#),
        ("other:thinking", "", #""enable_thinking":true"#),
        ("other:no-think", #""reasoning_effort":"high""#, #""enable_thinking":false"#),
        ("other:thinking", #""reasoning_effort":"none""#, #""enable_thinking":true"#),
    ]

    @Test(arguments: suffixCases) func suffix(_ model: String, _ members: String, _ expected: String) throws {
        #expect(try told(model, members) == expected)
    }

    static let forced = #""tool_choice":"required""#
    static let named = #""tool_choice":{"type":"function","function":{"name":"f"}}"#
    static let forcedCases: [(String, String, String)] = [
        ("qwen3.7-plus", "\(tools),\(forced)", "\(tools),\(forced),\"enable_thinking\":false"),
        ("qwen3.7-plus", "\(tools),\(named)", "\(tools),\(named),\"enable_thinking\":false"),
        ("qwen3.7-plus", "\(tools),\"tool_choice\":\"auto\"", "\(tools),\"tool_choice\":\"auto\""),
        (
            "qwen3.7-plus", "\(tools),\(forced),\"enable_thinking\":true,\"thinking_budget\":4",
            "\(tools),\(forced),\"enable_thinking\":false"
        ),
        ("qwen3.7-plus:thinking", "\(tools),\(forced)", "\(tools),\(forced),\"enable_thinking\":false"),
        (
            "qwen3.8-max", "\(tools),\(forced),\"reasoning_effort\":\"low\"",
            "\(tools),\(forced),\"enable_thinking\":false"
        ),
        ("qwen-plus", "\(tools),\(forced)", "\(tools),\(forced)"),
        ("qwen3-coder-plus", "\(tools),\(named)", "\(tools),\(named)"),
        ("qwq-plus", "\(tools),\(forced)", tools),
        ("qwq-plus", "\(tools),\(named)", tools),
        ("other", "\(tools),\(forced)", "\(tools),\(forced)"),
        ("other", "\(tools),\(forced),\"enable_thinking\":true", "\(tools),\(forced),\"enable_thinking\":false"),
        // Nothing to choose from: Qwen's to refuse.
        ("qwen3.7-plus", forced, forced),
    ]

    @Test(arguments: forcedCases) func forcedTool(_ model: String, _ members: String, _ expected: String) throws {
        #expect(try told(model, members) == expected)
    }

    @Test(arguments: [
        (#""tools":[]"#, ""), (#""tools":null"#, ""), (#""functions":[],"function_call":"auto""#, ""),
        (#""tools":[ ],"tool_choice":"required","parallel_tool_calls":true,"seed":1"#, #""seed":1"#),
        (#""seed":1,"tool_choice":"none","tools":[]"#, #""seed":1"#),
        (#""tool_choice":"auto""#, #""tool_choice":"auto""#),
        (#""functions":[{"name":"f"}],"function_call":"auto""#, #""functions":[{"name":"f"}],"function_call":"auto""#),
    ])
    func emptyTools(_ members: String, _ expected: String) throws {
        #expect(try told("qwen3.7-plus", members) == expected)
    }

    @Test(arguments: [
        ("qwen-plus", #""max_completion_tokens":5"#, #""max_tokens":5"#),
        ("qwen-plus", #""max_completion_tokens":5,"max_tokens":6"#, #""max_tokens":6"#),
        ("qwen-plus", #""max_tokens":null,"max_completion_tokens":5"#, #""max_tokens":5"#),
        ("qwen-plus", #""max_completion_tokens":null"#, #""max_completion_tokens":null"#),
        ("qwen3.7-plus", #""max_completion_tokens":5"#, #""max_completion_tokens":5"#),
        ("qwen3.7-plus", #""max_tokens":5"#, #""max_tokens":5"#),
        ("other", #""max_completion_tokens":5"#, #""max_completion_tokens":5"#),
    ])
    func limits(_ model: String, _ members: String, _ expected: String) throws {
        #expect(try told(model, members) == expected)
    }

    @Test(arguments: [
        ("qwen3.7-plus", "", true), ("qwen3.7-plus:no-think", "", false),
        ("qwen3.7-plus", "\"enable_thinking\":false", false),
        ("qwen-plus", "", false), ("qwen-plus:thinking", "", true), ("qwen-plus", "\"enable_thinking\":true", true),
        ("qwen-plus", "\"reasoning_effort\":\"low\"", true), ("qwen3-coder-plus", "", false), ("qwq-plus", "", true),
        ("qwen3-32b", "", true), ("qwen-omni-turbo", "", true), ("other", "", false),
        ("other", "\"enable_thinking\":true", true), ("qwen3.7-plus", "\(tools),\(forced)", false),
    ])
    func mustStream(_ model: String, _ members: String, _ expected: Bool) throws {
        let rest = members.isEmpty ? "" : "," + members
        let request = try translated("{\"model\":\"\(model)\",\(Self.messages)\(rest)}")
        #expect(request.mustStream == expected)
        #expect(request.isStreamedUpstream == expected)
        #expect(!request.isStreaming)
        let text = String(buffer: request.body)
        #expect(text.contains(#""stream":true,"stream_options":{"include_usage":true}"#) == expected)
        let streaming = try translated("{\"model\":\"\(model)\",\(Self.messages)\(rest),\"stream\":true}")
        #expect(streaming.isStreaming && !streaming.mustStream && streaming.isStreamedUpstream)
    }
}
