import JSON
import NIOCore
import Testing

@testable import Translation

/// System prompts and messages, as chat messages.
struct MessagesConversationTests {
    private func chat(_ messages: String, _ more: String = "") throws -> String {
        let body = try messagesBody(#"{"model":"m","max_tokens":9,"messages":\#(messages)\#(more)}"#)
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: body))
        let found = document.member("messages", of: document.root)
        let list = try #require(found)
        return String(buffer: document.text(of: list))
    }

    static let mark = #""cache_control":{"type":"ephemeral"}"#
    static let call = #"{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]}"#
    static let callChat =
        #"{"role":"assistant","content":"","tool_calls":[{"id":"t1","type":"function","#
        + #""function":{"name":"f","arguments":"{\"a\":1}"}}]}"#

    static let systems: [(String, String)] = [
        (#""Be terse.""#, #"{"role":"system","content":"Be terse."},"#),
        (#""""#, ""), ("[]", ""), ("null", ""),
        (#"[{"type":"text","text":"a\u0062"}]"#, #"{"role":"system","content":"a\u0062"},"#),
        (
            #"[{"type":"text","text":"x-anthropic-billing-header: v=1; cch=abc;"},{"type":"text","text":"A"}]"#,
            #"{"role":"system","content":"A"},"#
        ),
        (#"[{"type":"text","text":"x-anthropic-billing-header: v=1"}]"#, ""),
        (
            #"[{"type":"text","text":"A"},{"type":"text","text":"B","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
            #"{"role":"system","content":[{"type":"text","text":"A"},{"type":"text","text":"B",\#(mark)}]},"#
        ),
        (
            #"[{"type":"text","text":"B","cache_control":{"type":"ephemeral"}}]"#,
            #"{"role":"system","content":[{"type":"text","text":"B",\#(mark)}]},"#
        ),
    ]

    @Test(arguments: systems) func system(_ system: String, _ expected: String) throws {
        let chat = try chat(#"[{"role":"user","content":"hi"}]"#, #","system":\#(system)"#)
        #expect(chat == #"[\#(expected){"role":"user","content":"hi"}]"#)
    }

    static let users: [(String, String)] = [
        (#""a\"\u00e9é""#, #""a\"\u00e9é""#),
        (#"[{"type":"text","text":"a"}]"#, #""a""#),
        (#"[{"type":"text","text":""},{"type":"text","text":"a"}]"#, #""a""#),
        (
            #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#,
            #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#
        ),
        (
            #"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
            #"[{"type":"text","text":"a",\#(mark)}]"#
        ),
        (
            #"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]"#,
            #"[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]"#
        ),
        (
            #"[{"type":"image","source":{"type":"url","url":"https:\/\/e.example\/a.png"},"#
                + #""cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}]"#,
            #"[{"type":"image_url","image_url":{"url":"https:\/\/e.example\/a.png"},\#(mark)},"#
                + #"{"type":"text","text":"b"}]"#
        ),
        (
            #"[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"D"}}]"#,
            #"[{"type":"text","text":"D"}]"#
        ),
        (
            #"[{"type":"document","title":"T","context":"C","citations":{"enabled":true},"#
                + #""source":{"type":"text","data":"D"}}]"#,
            #"[{"type":"text","text":"T\n\nC\n\nD"}]"#
        ),
        (
            #"[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JV=="}}]"#,
            #"[{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,JV=="}}]"#
        ),
        (
            #"[{"type":"document","title":"T","cache_control":{"type":"ephemeral"},"source":{"type":"content","#
                + #""content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]"#,
            #"[{"type":"text","text":"T\n\n"},{"type":"text","text":"a"},{"type":"text","text":"b",\#(mark)}]"#
        ),
        (
            #"[{"type":"search_result","source":"S","title":"T","content":[{"type":"text","text":"a"}]}]"#,
            #"[{"type":"text","text":"T\nS\na"}]"#
        ),
    ]

    @Test(arguments: users) func user(_ content: String, _ expected: String) throws {
        #expect(
            try chat(#"[{"role":"user","content":\#(content)}]"#) == #"[{"role":"user","content":\#(expected)}]"#)
    }

    static let assistants: [(String, String)] = [
        (#""a""#, #""content":"a""#),
        (#"[{"type":"text","text":"a\n"},{"type":"text","text":"b"}]"#, #""content":"a\nb""#),
        (
            #"[{"type":"thinking","thinking":"T\"","signature":"s"},{"type":"redacted_thinking","data":"x"},"#
                + #"{"type":"text","text":"a"}]"#, #""content":"a","reasoning_content":"T\"""#
        ),
        (
            #"[{"type":"text","text":"a"},{"type":"server_tool_use","id":"s","name":"web_search","input":{}},"#
                + #"{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"text","text":"b"}]"#,
            #""content":"ab""#
        ),
        (
            #"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
            #""content":[{"type":"text","text":"a",\#(mark)}]"#
        ),
    ]

    @Test(arguments: assistants) func assistant(_ content: String, _ expected: String) throws {
        let chat = try chat(
            #"[{"role":"user","content":"q"},{"role":"assistant","content":\#(content)},{"role":"user","content":"r"}]"#
        )
        #expect(
            chat
                == #"[{"role":"user","content":"q"},{"role":"assistant",\#(expected)},{"role":"user","content":"r"}]"#)
    }

    @Test func emptyAnswersAreLeftOut() throws {
        for content in [#""""#, "[]", #"[{"type":"redacted_thinking","data":"x"}]"#] {
            let chat = try chat(
                #"[{"role":"user","content":"q"},{"role":"assistant","content":\#(content)},"#
                    + #"{"role":"user","content":"r"}]"#)
            #expect(chat == #"[{"role":"user","content":"q"},{"role":"user","content":"r"}]"#)
        }
    }

    @Test func beginningOfAnAnswerIsContinued() throws {
        let messages = #"[{"role":"user","content":"q"},{"role":"assistant","content":"It is ("}]"#
        #expect(
            try chat(messages)
                == #"[{"role":"user","content":"q"},{"role":"assistant","content":"It is (","partial":true}]"#)
        let plain = try messagesBody(#"{"max_tokens":9,"messages":\#(messages)}"#)
        #expect(plain.hasSuffix(#","max_tokens":9,"enable_thinking":false}"#))
        let asked = try messagesBody(#"{"max_tokens":9,"thinking":{"type":"adaptive"},"messages":\#(messages)}"#)
        #expect(asked.hasSuffix(#","max_tokens":9,"enable_thinking":true}"#))
    }

    static let results: [(String, String)] = [
        (#""content":"r""#, #""r""#), (#""content":"r","is_error":true"#, #""Error: r""#),
        (#""is_error":false"#, #""""#), (#""content":null"#, #""""#), (#""content":[]"#, #""""#),
        (#""content":[{"type":"text","text":"a"},{"type":"text","text":"\u0062"}]"#, #""a\n\u0062""#),
        (
            #""content":"r","cache_control":{"type":"ephemeral"}"#,
            #"[{"type":"text","text":"r",\#(mark)}]"#
        ),
        (
            #""content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
            #"[{"type":"text","text":"a",\#(mark)}]"#
        ),
        (
            #""content":[{"type":"search_result","source":"S","title":"T","content":[{"type":"text","text":"a"}]},"#
                + #"{"type":"tool_reference","tool_name":"g"},"#
                + #"{"type":"document","source":{"type":"text","data":"D"}}]"#, #""T\nS\na\nTool: g\nD""#
        ),
    ]

    @Test(arguments: results) func toolResult(_ members: String, _ expected: String) throws {
        let chat = try chat(
            #"[{"role":"user","content":"q"},\#(Self.call),"#
                + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1",\#(members)}]}]"#)
        #expect(
            chat
                == #"[{"role":"user","content":"q"},\#(Self.callChat),"#
                + #"{"role":"tool","tool_call_id":"t1","content":\#(expected)}]"#)
    }

    @Test func imagesOfResultsFollowTheResults() throws {
        let image = #"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}"#
        let chat = try chat(
            #"[{"role":"user","content":"q"},\#(Self.call),{"role":"user","content":[{"type":"text","text":"so?"},"#
                + #"{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"a"},\#(image)]}]}]"#)
        #expect(
            chat
                == #"[{"role":"user","content":"q"},\#(Self.callChat),{"role":"tool","tool_call_id":"t1","#
                + #""content":"a\n[What else the tool returned follows in the next message.]"},"#
                + #"{"role":"user","content":[{"type":"text","text":"[Returned by the tool call t1:]"},"#
                + #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},"#
                + #"{"role":"user","content":"so?"}]"#)
    }

    @Test func messagesOfOneRoleAreOneTurn() throws {
        func use(_ id: String) -> String {
            #"{"role":"assistant","content":[{"type":"text","text":"\#(id)"},"#
                + #"{"type":"tool_use","id":"\#(id)","name":"f","input":{}}]}"#
        }
        func result(_ id: String) -> String { #"{"type":"tool_result","tool_use_id":"\#(id)","content":"r\#(id)"}"# }
        let chat = try chat(
            #"[{"role":"user","content":"q"},\#(use("1")),\#(use("2")),"#
                + #"{"role":"user","content":[\#(result("2")),{"type":"text","text":"x"}]},"#
                + #"{"role":"user","content":[\#(result("1"))]}]"#)
        let function = #""type":"function","function":{"name":"f","arguments":"{}"}"#
        #expect(
            chat
                == #"[{"role":"user","content":"q"},{"role":"assistant","content":"12","tool_calls":["#
                + #"{"id":"1",\#(function)},{"id":"2",\#(function)}]},"#
                + #"{"role":"tool","tool_call_id":"2","content":"r2"},{"role":"tool","tool_call_id":"1","content":"r1"},"#
                + #"{"role":"user","content":"x"}]"#)
    }

    @Test func systemMessagesInTheMidst() throws {
        let chat = try chat(
            #"[{"role":"user","content":"q"},{"role":"system","content":[{"type":"text","text":"s"}]},"#
                + #"{"role":"user","content":"r"}]"#)
        #expect(
            chat
                == #"[{"role":"user","content":"q"},{"role":"system","content":"s"},{"role":"user","content":"r"}]"#)
    }

    @Test(arguments: [
        (#""q""#, #"[{"type":"text","text":"q",\#(mark)}]"#),
        (
            #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#,
            #"[{"type":"text","text":"a"},{"type":"text","text":"b",\#(mark)}]"#
        ),
    ])
    func requestsOwnMarkerFallsOnTheEnd(_ content: String, _ expected: String) throws {
        let chat = try chat(
            #"[{"role":"user","content":\#(content)}]"#, #","cache_control":{"type":"ephemeral"}"#)
        #expect(chat == #"[{"role":"user","content":\#(expected)}]"#)
    }
}
