import JSON
import NIOCore
import Testing

@testable import Translation

/// What is wrong with a request, and where, in Anthropic's words.
struct MessagesRefusalTests {
    static let user = #"{"role":"user","content":"q"}"#

    static func with(_ members: String) -> String {
        #"{"model":"m","max_tokens":9,"messages":[\#(user)],\#(members)}"#
    }

    static func asking(_ content: String) -> String {
        #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":\#(content)}]}"#
    }

    static func talking(_ messages: String) -> String {
        #"{"model":"m","max_tokens":9,"messages":[\#(messages)]}"#
    }

    static let refusals: [(String, String)] = [
        (#"{"model":"m","messages":[\#(user)]}"#, "max_tokens: Field required"),
        (
            #"{"model":"m","max_tokens":0,"messages":[\#(user)]}"#,
            "max_tokens: Input should be greater than or equal to 1"
        ),
        (#"{"model":"m","max_tokens":1.5,"messages":[\#(user)]}"#, "max_tokens: Input should be a valid integer"),
        (#"{"model":"m","max_tokens":9}"#, "messages: Field required"),
        (#"{"model":"m","max_tokens":9,"messages":{}}"#, "messages: Input should be a valid list"),
        (#"{"model":"m","max_tokens":9,"messages":[]}"#, "messages: at least one message is required"),
        (#"{"model":1,"max_tokens":9,"messages":[\#(user)]}"#, "model: Input should be a valid string"),
        (talking("1"), "messages.0: Input should be an object"),
        (talking(#"{"role":"user"}"#), "messages.0.content: Field required"),
        (
            talking(#"{"role":"user","content":{}}"#),
            "messages.0.content: Input should be a valid string or a list of content blocks"
        ),
        (talking(#"{"content":"q"}"#), "messages.0.role: Field required"),
        (
            talking(#"{"role":"tool","content":"q"}"#),
            "messages.0.role: Input should be 'user', 'assistant' or 'system'"
        ),
        (
            talking(#"{"role":"user","content":"q","r\u006fle":"user"}"#),
            #"messages.0: Invalid JSON at byte 69: the key "role" occurs twice in one object."#
        ),
        (talking(#"{"role":"user","content":""}"#), "messages.0: user messages must have non-empty content"),
        (talking(#"{"role":"user","content":[]}"#), "messages.0: user messages must have non-empty content"),
        (asking(#"[{"type":"text"}]"#), "messages.0.content.0.text: Field required"),
        (asking(#"[{"text":"a"}]"#), "messages.0.content.0.type: Field required"),
        (asking(#"[{"type":"text","text":1}]"#), "messages.0.content.0.text: Input should be a valid string"),
        (
            asking(#"[{"type":"text","text":"a"},{"type":"video"}]"#),
            "messages.0.content.1: Input tag 'video' found using 'type' does not match any of the expected tags: "
                + "'document', 'image', 'search_result', 'text', 'tool_result'"
        ),
        (asking(#"[{"type":"image"}]"#), "messages.0.content.0.source: Field required"),
        (
            asking(#"[{"type":"image","source":{"type":"base64","media_type":"text/html","data":""}}]"#),
            "messages.0.content.0.source: media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or "
                + "'image/webp'"
        ),
        (
            asking(#"[{"type":"image","source":{"type":"file","file_id":"f"}}]"#),
            "messages.0.content.0.source: Files are not supported: send the image as 'base64' or 'url'."
        ),
        (
            asking(#"[{"type":"document","source":{"type":"url","url":"https://e.example/a.pdf"}}]"#),
            "messages.0.content.0.source: Documents by 'url' are not supported: send them as 'base64' or 'text'."
        ),
        (
            asking(#"[{"type":"tool_use","id":"t","name":"f","input":{}}]"#),
            "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"
        ),
        (
            asking(#"[{"type":"container_upload","file_id":"f"}]"#),
            "messages.0.content.0: Container uploads are not supported: Qwen has no containers."
        ),
        (
            asking(#"[{"type":"tool_result","tool_use_id":"t","content":"r"}]"#),
            "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t. Each `tool_result` "
                + "block must have a corresponding `tool_use` block in the previous message."
        ),
        (
            talking(#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},\#(user)"#),
            "messages.0: `tool_use` ids were found without `tool_result` blocks immediately after: t. Each "
                + "`tool_use` block must have a corresponding `tool_result` block in the next message."
        ),
        (
            talking(#"\#(user),{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}"#),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t. Each "
                + "`tool_use` block must have a corresponding `tool_result` block in the next message."
        ),
        (
            talking(
                #"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},"#
                    + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"},"#
                    + #"{"type":"tool_result","tool_use_id":"t"}]}"#),
            "messages.1.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with "
                + "id: t"
        ),
        (
            talking(
                #"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}},"#
                    + #"{"type":"tool_use","id":"\u0074","name":"f","input":{}}]}"#),
            "messages.0: `tool_use` ids must be unique"
        ),
        (
            talking(#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}"#),
            "messages.0.content.0.input: Input should be an object"
        ),
        (
            talking(
                #"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},"#
                    + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","#
                    + #""content":[{"type":"tool_use"}]}]}"#),
            "messages.1.content.0.content.0: Input tag 'tool_use' found using 'type' does not match any of the "
                + "expected tags: 'document', 'image', 'search_result', 'text', 'tool_reference'"
        ),
        (with(#""system":1"#), "system: Input should be a valid string or a list of text blocks"),
        (
            with(#""system":[{"type":"image"}]"#),
            "system.0: Input tag 'image' found using 'type' does not match any of the expected tags: 'text'"
        ),
        (with(#""stream":"yes""#), "stream: Input should be a valid boolean"),
        (with(#""temperature":"hot""#), "temperature: Input should be a valid number"),
        (with(#""top_k":0.5"#), "top_k: Input should be a valid integer"),
        (with(#""stop_sequences":"x""#), "stop_sequences: Input should be a valid list"),
        (with(#""stop_sequences":["x",1]"#), "stop_sequences.1: Input should be a valid string"),
        (with(#""thinking":{"type":"enabled"}"#), "thinking.budget_tokens: Field required"),
        (
            with(#""thinking":{"type":"on"}"#),
            "thinking: Input tag 'on' found using 'type' does not match any of the expected tags: 'adaptive', "
                + "'between_tools', 'disabled', 'enabled'"
        ),
        (
            with(#""output_config":{"effort":"most"}"#),
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
        ),
        (
            with(#""output_config":{"format":{"type":"json_schema"}}"#),
            "output_config.format.schema: Field required"
        ),
        (with(#""tools":{}"#), "tools: Input should be a valid list"),
        (with(#""tools":[{"input_schema":{}}]"#), "tools.0.name: Field required"),
        (with(#""tools":[{"name":"f"}]"#), "tools.0.input_schema: Field required"),
        (with(#""tools":[{"name":"f","input_schema":[]}]"#), "tools.0.input_schema: Input should be an object"),
        (
            with(#""tools":[{"type":"bash_20250124","name":"bash"}]"#),
            "tools.0: Tools of type 'bash_20250124' are Anthropic's own and not supported: Qwen does not know them. "
                + "Describe the tool with a name and an input_schema instead."
        ),
        (
            with(#""tools":[{"type":"web_search_20250305","name":"web_search","allowed_domains":["a.example"]}]"#),
            "tools.0.allowed_domains: Qwen's web search can't be kept to or from certain domains."
        ),
        (
            with(#""tool_choice":{"type":"tool","name":"f"}"#),
            "tool_choice: Tool 'f' not found in provided tools"
        ),
        (
            with(#""tool_choice":{"type":"any"}"#),
            "tool_choice: Tool choice 'any' needs at least one tool in `tools`."
        ),
        (
            with(#""tool_choice":{"type":"required"}"#),
            "tool_choice: Input tag 'required' found using 'type' does not match any of the expected tags: 'any', "
                + "'auto', 'none', 'tool'"
        ),
        (with(#""tool_choice":"auto""#), "tool_choice: Input should be an object"),
        (with(#""container":"c""#), "container: Containers are not supported: Qwen has none."),
    ]

    @Test(arguments: refusals) func refusal(_ request: String, _ message: String) {
        let refusal = messagesRefusal(request)
        #expect(refusal?.message == message)
        #expect(refusal?.param == message.split(separator: ":").first.map { String($0) })
    }

    @Test(arguments: ["", "[1]", "{", #"{"model":"m","model":"n"}"#, "\u{FEFF}{}", "17"])
    func bodiesThatAreNoObjects(_ text: String) {
        #expect(messagesRefusal(text) != nil)
    }

    @Test func refusedSettings() {
        #expect(messagesRefusal(Self.with(#""mcp_servers":[{"type":"url"}]"#))?.param == "mcp_servers")
        #expect(messagesRefusal(Self.with(#""inference_geo":"eu""#))?.param == "inference_geo")
    }
}
