import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// A stream put together into one answer.
struct ChatAssemblerTests {
    private func assemble(
        _ events: [String], limit: Int = 1 << 20, isPartial: Bool = false
    ) -> (actions: [ChatAssembler.Action], text: String?, assembler: ChatAssembler) {
        var assembler = ChatAssembler(limit: limit, isPartial: isPartial)
        var document = JSONDocument()
        let actions = events.map { assembler.receive(ByteBuffer(string: $0), document: &document) }
        var output = ByteBuffer()
        let isWhole = assembler.finish(identity: ownIdentity, into: &output)
        #expect(isWhole || output.readableBytes == 0)
        return (actions, isWhole ? String(buffer: output) : nil, assembler)
    }

    static func chunk(_ choices: String, _ rest: String = "") -> String {
        #"{"choices":[\#(choices)],"object":"chat.completion.chunk","usage":null,"created":1795000001,"#
            + #""system_fingerprint":null,"model":"qwen-plus","id":"chatcmpl-1"\#(rest)}"#
    }

    static func delta(_ delta: String, index: Int = 0, finish: String = "null", _ rest: String = "") -> String {
        #"{"delta":\#(delta),"finish_reason":\#(finish),"index":\#(index)\#(rest)}"#
    }

    static let head =
        #"{"id":"chatcmpl-1","object":"chat.completion","created":1795000001,"model":"qwen-plus","#
        + #""system_fingerprint":null,"choices":["#
    static let stop = chunk(delta(#"{"content":""}"#, finish: "\"stop\""))

    @Test func textAndThoughts() {
        let result = assemble([
            Self.chunk(Self.delta(#"{"content":null,"role":"assistant","reasoning_content":""}"#)),
            Self.chunk(Self.delta(#"{"content":null,"reasoning_content":"Ok\n"}"#)),
            Self.chunk(Self.delta(#"{"content":"H\u0069","reasoning_content":null}"#)),
            Self.chunk(Self.delta(#"{"content":" 😀\ud83d","reasoning_content":null}"#)),
            Self.chunk(Self.delta(#"{"content":"\ude00"}"#)), Self.stop,
            #"{"choices":[],"usage":\#(ChatStreamUsageTests.tokens),"id":"chatcmpl-1"}"#, "[DONE]",
        ])
        #expect(
            result.text == Self.head
                + #"{"index":0,"message":{"role":"assistant","content":"H\u0069 😀\ud83d\ude00","#
                + #""reasoning_content":"Ok\n"},"logprobs":null,"finish_reason":"stop"}],"#
                + "\"usage\":\(ChatStreamUsageTests.tokens)}")
        #expect(result.actions.last == .done)
        #expect(result.assembler.usage == ChatStreamUsageTests.counted)
        #expect(result.assembler.finishReason == .stop)
    }

    @Test func toolCalls() {
        let result = assemble([
            Self.chunk(
                Self.delta(#"{"role":"assistant","content":null,"tool_calls":[\#(ChatStreamToolTests.first)]}"#)),
            Self.chunk(
                Self.delta(#"{"tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":"{\"a\":"}}]}"#)),
            Self.chunk(Self.delta(#"{"tool_calls":[{"index":0,"function":{"arguments":"1}","name":""}}]}"#)),
            Self.chunk(
                Self.delta(
                    #"{"tool_calls":[{"index":0,"id":"call_b","x":1,"function":{"name":"now","arguments":null}}]}"#)),
            Self.chunk(Self.delta(#"{"tool_calls":[{"index":5,"function":{"name":"late"}}]}"#)),
            Self.chunk(Self.delta("{}", finish: "\"tool_calls\"")),
        ])
        #expect(
            result.text == Self.head
                + #"{"index":0,"message":{"role":"assistant","content":null,"tool_calls":["#
                + #"{"index":0,"id":"call_a","type":"function","function":{"name":"get","arguments":"{\"a\":1}"}},"#
                + #"{"index":1,"id":"call_b","type":"function","function":{"name":"now","arguments":""},"x":1},"#
                + #"{"index":2,"id":"call_2_chatcmpl-1","type":"function","function":{"name":"late","arguments":""}}"#
                + #"]},"logprobs":null,"finish_reason":"tool_calls"}]}"#)
    }

    @Test func severalChoicesAndLogprobs() {
        let result = assemble([
            Self.chunk(
                Self.delta(#"{"content":"b"}"#, index: 1, #","logprobs":{"content":[{"t":"b"}],"refusal":null}"#)),
            Self.chunk(
                Self.delta(#"{"content":"a"}"#) + ","
                    + Self.delta(#"{"content":"B"}"#, index: 1, #","logprobs":{"content":[{"t":"B"}]}"#)),
            Self.chunk(Self.delta(#"{"refusal":"no"}"#, finish: "\"stop\"")),
            Self.chunk(Self.delta("{}", index: 1, finish: "\"length\"")),
        ])
        #expect(
            result.text == Self.head
                + #"{"index":0,"message":{"role":"assistant","content":"a","refusal":"no"},"logprobs":null,"#
                + #""finish_reason":"stop"},"#
                + #"{"index":1,"message":{"role":"assistant","content":"bB"},"#
                + #""logprobs":{"content":[{"t":"b"},{"t":"B"}],"refusal":null},"finish_reason":"length"}]}"#)
    }

    @Test func speechAndTheUnknown() {
        let result = assemble([
            Self.chunk(Self.delta(#"{"audio":{"id":"au","data":"AAAA","transcript":"He"},"x":1}"#), #","tier":null"#),
            Self.chunk(Self.delta(#"{"audio":{"data":"BBBB","transcript":"y"},"x":{"y":2}}"#), #","tier":"a""#),
            Self.chunk(Self.delta(#"{"x":null}"#, finish: "\"stop\""), #","tier":null"#),
        ])
        #expect(
            result.text == Self.head.replacing("\"choices\"", with: "\"tier\":\"a\",\"choices\"")
                + #"{"index":0,"message":{"role":"assistant","content":null,"#
                + #""audio":{"data":"AAAABBBB","transcript":"Hey","id":"au"},"x":{"y":2}},"#
                + #""logprobs":null,"finish_reason":"stop"}]}"#)
    }

    @Test func missingIdentityIsTheGateways() {
        let result = assemble([#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#])
        #expect(
            result.text?.hasPrefix(#"{"id":"chatcmpl-own","object":"chat.completion","created":7,"model":"own","#)
                == true)
        let typo = assemble([#"{"reated":3,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#])
        #expect(typo.text?.contains(#""created":3,"#) == true)
    }

    @Test func secondFinishBringsUsageOnly() throws {
        let again = Self.chunk(Self.delta(#"{"content":"a"}"#, finish: "\"stop\""), "")
            .replacing("\"usage\":null", with: "\"usage\":{\"total_tokens\":3}")
        let result = assemble([Self.chunk(Self.delta(#"{"content":"a"}"#, finish: "\"stop\"")), again, "[DONE]"])
        let text = try #require(result.text)
        #expect(try assembledView(text).content == "a")
        #expect(text.hasSuffix(#""usage":{"total_tokens":3}}"#))
    }

    @Test(arguments: [[], ["[DONE]"], [chunk(delta("{}"))], [chunk(delta("{}")), "[DONE]"]] as [[String]])
    func truncatedStreamIsNoAnswer(_ events: [String]) {
        #expect(assemble(events).text == nil)
    }

    @Test(arguments: [[chunk(delta(#"{"content":"a"}"#))], [chunk(delta(#"{"content":"a"}"#)), stop, "[DONE]"]])
    func partialAnswerEndsForItsLength(_ events: [String]) {
        let result = assemble(events, isPartial: true)
        #expect(result.text?.contains(#""content":"a"},"logprobs":null,"finish_reason":"length"}"#) == true)
        #expect(result.assembler.finishReason == .length)
        #expect(assemble([], isPartial: true).text == nil)
    }

    @Test(arguments: [
        #"{"error":{"message":"m"}}"#, #"{"code":"Throttling","message":"m"}"#,
        #"{"choices":[{"index":0,"delta":{"content":"why"},"finish_reason":"error_finish"}]}"#,
    ])
    func faults(_ event: String) {
        let result = assemble([Self.chunk(Self.delta(#"{"content":"a"}"#)), event])
        #expect(result.actions == [.proceed, .fault])
        #expect(result.text == nil)
    }

    @Test func memoryIsBounded() {
        let long = Self.chunk(Self.delta("{\"content\":\"\(String(repeating: "x", count: 600))\"}"))
        #expect(assemble([long, long, long], limit: 2_000).actions == [.proceed, .proceed, .tooLarge])
        let choices = (0...70).map { Self.chunk(Self.delta("{}", index: $0)) }
        #expect(assemble(choices).actions.contains(.tooLarge))
        let calls = (0...300).map { Self.chunk(Self.delta("{\"tool_calls\":[{\"index\":\($0)}]}")) }
        #expect(assemble(calls).actions.contains(.tooLarge))
        let names = (0...300).map { Self.chunk(Self.delta("{\"x\($0)\":\"\(String(repeating: "x", count: 90))\"}")) }
        #expect(assemble(names, limit: 4_000).actions.contains(.tooLarge))
    }

    /// A random answer in random pieces: what is put together is what the pieces hold, and what a client of the stream
    /// puts together.
    @Test(arguments: 0..<40) func assembledIsWhatWasStreamed(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let alphabet = ["a", " ", "é", "千", "😀", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", "{", "66"]
        func text(_ random: inout SplitMix) -> String {
            (0..<random.below(4)).map { _ in random.pick(alphabet) }.joined()
        }
        var events: [String] = []
        let hasTools = random.below(2) == 0
        for step in 0..<random.below(30) {
            switch random.below(hasTools ? 3 : 2) {
            case 0: events.append(Self.chunk(Self.delta("{\"content\":\"\(text(&random))\"}")))
            case 1: events.append(Self.chunk(Self.delta("{\"reasoning_content\":\"\(text(&random))\",\"role\":null}")))
            default:
                let call = random.below(3)
                let name = step % 2 == 0 ? "\"\"" : "null"
                events.append(
                    Self.chunk(
                        Self.delta(
                            #"{"tool_calls":[{"index":\#(call),"id":"\#(random.pick(["", "call_\(call)"]))","#
                                + #""function":{"name":\#(name),"arguments":"\#(text(&random))"}}]}"#)))
            }
        }
        events += [Self.stop, #"{"choices":[],"usage":{"total_tokens":3}}"#, "[DONE]"]
        let answer = try #require(assemble(events).text)
        let assembled = try assembledView(answer)
        let streamed = try ClientView(try relayed(events, includesUsage: true, sizes: 1...3).text)
        let raw = try ClientView(events.map { "data: \($0)\n\n" }.joined())
        #expect(assembled.content == raw.content && streamed.content == raw.content)
        #expect(assembled.reasoning == raw.reasoning && streamed.reasoning == raw.reasoning)
        let indices = raw.calls.keys.sorted()
        #expect(assembled.calls.map(\.arguments) == indices.map { raw.calls[$0]?.arguments })
        #expect(streamed.calls.mapValues(\.arguments) == raw.calls.mapValues(\.arguments))
        for (index, call) in streamed.calls where !call.id.isEmpty { #expect(call.id == "call_\(index)") }
    }
}
