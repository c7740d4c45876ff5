import JSON
import NIOCore
import Testing

@testable import Translation

/// The estimate of what a request costs.
struct MessagesTokenCountTests {
    private func count(_ request: String) throws -> Int {
        var document = JSONDocument()
        return try MessagesTokenCount(ByteBuffer(string: request), document: &document).inputTokens
    }

    private func asking(_ content: String, _ more: String = "") throws -> Int {
        try count(#"{"model":"m","messages":[{"role":"user","content":\#(content)}]\#(more)}"#)
    }

    /// Texts, and what Qwen's tokenizer makes of them, about.
    @Test(arguments: [
        ("The quick brown fox jumps over the lazy dog.", 8...12),
        ("for (let i = 0; i < items.length; i++) { sum += items[i]; }", 18...28),
        ("2026-10-31", 8...12), ("人工智能正在改变世界。", 6...10), ("Привет, как дела?", 5...9), ("😀😀", 3...5), ("", 0...0),
    ])
    func texts(_ text: String, _ tokens: ClosedRange<Int>) {
        #expect(tokens.contains(MessagesTokenWeight.tokens(of: ByteBuffer(string: text))))
    }

    @Test func escapesAreTheCharactersThatTheyStandFor() {
        func weight(_ text: String) -> Int { MessagesTokenWeight.tokens(of: ByteBuffer(string: text)) }
        #expect(weight(#"\u4f60\u597d\u4f60\u597d"#) == weight("你好你好"))
        #expect(weight(#"\u00e9\u00E9"#) == weight("éé"))
        #expect(weight(#"\ud83d\ude00"#) == weight("😀"))
        #expect(weight(#"\n\n"#) == weight("\n\n"))
        for cut in [#"\"#, #"\u"#, #"\u00"#] { #expect(weight(cut) <= 3) }
    }

    @Test func everythingCounts() throws {
        let base = try asking(#""q""#)
        let long = #""The quick brown fox jumps over the lazy dog.""#
        #expect(try asking(long) > base + 5)
        #expect(try asking(#""q""#, #","system":\#(long)"#) > base + 5)
        #expect(try asking(#""q""#, #","system":[{"type":"text","text":\#(long)}]"#) > base + 5)
        #expect(
            try asking(#""q""#, #","tools":[{"name":"f","description":\#(long),"input_schema":{"type":"object"}}]"#)
                > base + 100)
        #expect(
            try asking(
                #"[{"type":"text","text":"q"},{"type":"image","source":{"type":"url","url":"https://e.example/a"}}]"#)
                == base + 1280)
        #expect(try asking(#"[{"type":"document","source":{"type":"text","data":\#(long)}}]"#) > base + 5)
        #expect(
            try asking(
                #"[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]"#)
                > base + 1400)
        let call =
            #"{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","#
            + #""input":{"a":\#(long)}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","#
            + #""content":[{"type":"text","text":\#(long)}]}]}]}"#
        #expect(try count(call) > base + 30)
    }

    @Test func whatIsNotSentDoesNotCount() throws {
        let base = try asking(#""q""#, #","system":[{"type":"text","text":"s"}]"#)
        let attribution = #"{"type":"text","text":"x-anthropic-billing-header: a long line of text"}"#
        #expect(try asking(#""q""#, #","system":[\#(attribution),{"type":"text","text":"s"}]"#) == base)
    }

    @Test func answerAndRefusal() throws {
        var document = JSONDocument()
        let request = ByteBuffer(string: #"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#)
        let count = try MessagesTokenCount(request, document: &document)
        #expect(count.model == "m")
        var output = ByteBuffer()
        count.write(into: &output)
        #expect(String(buffer: output) == #"{"input_tokens":\#(count.inputTokens)}"#)
        #expect(throws: InvalidRequest("messages: Field required", param: "messages")) {
            try MessagesTokenCount(ByteBuffer(string: #"{"model":"m"}"#), document: &document)
        }
    }
}
