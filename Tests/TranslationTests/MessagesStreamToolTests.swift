import JSON
import NIOCore
import Testing

@testable import Translation

/// Calls of tools: pieces side by side become blocks one after the other.
struct MessagesStreamToolTests {
    private func blocks(
        _ events: [String], finish: String = Qwen.calls, everywhere: Bool = false
    ) throws -> [MessageView.Block] {
        let (run, view) = try runMessages(
            events: events + [finish, Qwen.usage, Qwen.done], everywhere: everywhere)
        #expect(run.isWhole)
        #expect(view.stopReason == "tool_use")
        return view.blocks
    }

    @Test func oneCallInPieces() throws {
        // Later pieces have an empty id and an empty name, or null, or nothing at all.
        let blocks = try blocks(
            [
                Qwen.text("I look."), Qwen.call(0, id: "call_a", name: "get", ""),
                Qwen.call(0, id: "", #"{\"city\":"#),
                Qwen.chunk(#"{"tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":null}}]}"#),
                Qwen.call(0, id: "", name: "", #" \"Paris\"}"#),
            ], everywhere: true)
        #expect(blocks == [.text("I look."), .call(id: "call_a", name: "get", input: #"{"city": "Paris"}"#)])
    }

    @Test func piecesArePassedOnAsTheyCome() throws {
        var stream = MessagesStream(identity: messageIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        let pieces: [(String, String)] = [
            (Qwen.call(0, id: "a", name: "f", #"{\"x\":"#), #""partial_json":"{\"x\":""#),
            (Qwen.call(0, "1}"), #""partial_json":"1}""#),
            (Qwen.call(1, id: "b", name: "g", "{"), #""partial_json":"{""#),
            (Qwen.call(1, "}"), #""partial_json":"}""#),
        ]
        for (event, expected) in pieces {
            output.clear()
            _ = stream.receive(ByteBuffer(string: event), document: &document, into: &output)
            #expect(String(buffer: output).contains(expected))
        }
    }

    static let calls: [([String], [MessageView.Block])] = [
        // Without arguments.
        ([Qwen.call(0, id: "a", name: "f", "")], [.call(id: "a", name: "f", input: "")]),
        ([Qwen.call(0, id: "a", name: "f")], [.call(id: "a", name: "f", input: "")]),
        (
            [Qwen.call(0, id: "a", name: "f", ""), Qwen.call(1, id: "b", name: "g", ""), Qwen.call(1, "{}")],
            [.call(id: "a", name: "f", input: ""), .call(id: "b", name: "g", input: "{}")]
        ),
        // One after the other.
        (
            [
                Qwen.call(0, id: "a", name: "f", "{"), Qwen.call(0, "}"), Qwen.call(1, id: "b", name: "g", ""),
                Qwen.call(1, "{}"),
            ],
            [.call(id: "a", name: "f", input: "{}"), .call(id: "b", name: "g", input: "{}")]
        ),
        // By turns.
        (
            [
                Qwen.call(0, id: "a", name: "f", #"{\"x\":"#), Qwen.call(1, id: "b", name: "g", #"{\"y\":"#),
                Qwen.call(0, #"\"}\""#), Qwen.call(2, id: "c", name: "h", "{"), Qwen.call(1, "2"),
                Qwen.call(0, "}"), Qwen.call(2, "}"), Qwen.call(1, "}"),
            ],
            [
                .call(id: "a", name: "f", input: #"{"x":"}"}"#), .call(id: "b", name: "g", input: #"{"y":2}"#),
                .call(id: "c", name: "h", input: "{}"),
            ]
        ),
        // The id comes late, or never.
        (
            [Qwen.call(0, id: "", name: "f", "{"), Qwen.call(0, id: "a", "}")],
            [.call(id: "a", name: "f", input: "{}")]
        ),
        ([Qwen.call(0, name: "f", "{}")], [.call(id: "toolu_0_msg_1", name: "f", input: "{}")]),
        // The same index again, for another call.
        (
            [Qwen.call(0, id: "a", name: "f", "{}"), Qwen.call(0, id: "b", name: "g", "{}")],
            [.call(id: "a", name: "f", input: "{}"), .call(id: "b", name: "g", input: "{}")]
        ),
        // Text and thoughts in the midst of a call, and behind it.
        (
            [
                Qwen.call(0, id: "a", name: "f", "{"), Qwen.text("x"), Qwen.thought("t"), Qwen.call(0, "}"),
                Qwen.text("y"),
            ],
            [.call(id: "a", name: "f", input: "{}"), .thinking("t"), .text("x"), .text("y")]
        ),
        (
            [Qwen.call(0, id: "a", name: "f", "{}"), Qwen.text("y"), Qwen.call(1, id: "b", name: "g", "{}")],
            [.call(id: "a", name: "f", input: "{}"), .text("y"), .call(id: "b", name: "g", input: "{}")]
        ),
        // More than belongs to the arguments.
        (
            [Qwen.call(0, id: "a", name: "f", "{}"), Qwen.call(1, id: "b", name: "g", "{}"), Qwen.call(0, "]")],
            [.call(id: "a", name: "f", input: "{}"), .call(id: "b", name: "g", input: "{}")]
        ),
    ]

    @Test(arguments: calls) func joined(_ events: [String], _ expected: [MessageView.Block]) throws {
        #expect(MessageView.joined(try blocks(events)) == MessageView.joined(expected))
    }

    @Test func callsEndWithTheirReasonWhateverQwenSays() throws {
        #expect(try blocks([Qwen.call(0, id: "a", name: "f", "{}")], finish: Qwen.stop).count == 1)
    }

    @Test func cutCallsEndForTheirLength() throws {
        let finish = Qwen.chunk("{}", finish: "\"length\"")
        let (_, view) = try runMessages(
            events: [Qwen.call(0, id: "a", name: "f", #"{\"x\":"#), finish, Qwen.usage, Qwen.done])
        #expect(view.stopReason == "max_tokens")
        #expect(view.blocks == [.call(id: "a", name: "f", input: #"{"x":"#)])
    }

    @Test func tooMuchHeldIsMalformed() throws {
        let events = [
            Qwen.call(0, id: "a", name: "f", "{"), Qwen.call(1, id: "b", name: "g", "123456789"), Qwen.text("1"),
        ]
        func last(_ limit: Int) throws -> [ChatStream.Action] {
            try runMessages(events: events, MessagesStream(identity: messageIdentity, heldBytes: limit)).run.actions
        }
        #expect(try last(10) == [.proceed, .proceed, .proceed])
        #expect(try last(9) == [.proceed, .proceed, .malformed])
        #expect(try last(8) == [.proceed, .malformed, .malformed])
    }

    @Test func tooManyCallsAreMalformed() {
        var stream = MessagesStream(identity: messageIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        for index in 0..<ToolCallSlots.mostCalls {
            let piece = ByteBuffer(string: Qwen.call(index, id: "i\(index)", name: "f", "{}"))
            #expect(stream.receive(piece, document: &document, into: &output) == .proceed)
        }
        let piece = ByteBuffer(string: Qwen.call(ToolCallSlots.mostCalls, id: "z", name: "f", "{}"))
        #expect(stream.receive(piece, document: &document, into: &output) == .malformed)
    }

    // MARK: Where arguments end

    @Test(arguments: [
        ("{}", true), ("{", false), (#"{\"a\":\"}\"}"#, true), (#"{\"a\":\"}"#, false), (#"{\"a\":\"\\\"}"#, false),
        (#"{\"a\":\"\\\\\"}"#, true), (#"\u007b\u007D"#, true), (#"{\u0022}\u0022"#, false), (#"[{}"#, false),
        (#"\n{\n}\n"#, true), ("", false), ("5", false), (#"\"a\""#, false), ("}{}", true), (#"{\"\/\":1}"#, true),
    ])
    func wholeness(_ text: String, _ isWhole: Bool) {
        for size in 1...max(text.utf8.count, 1) {
            var arguments = ArgumentsProgress()
            var rest = ByteBuffer(string: text)
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                arguments.take(piece)
            }
            #expect(arguments.isWhole == isWhole, "in pieces of \(size)")
        }
    }
}

extension MessageView {
    /// Texts, and thoughts, that follow each other, as one block.
    static func joined(_ blocks: [Block]) -> [Block] {
        var joined: [Block] = []
        for block in blocks {
            switch (joined.last, block) {
            case (.text(let text)?, .text(let more)): joined[joined.count - 1] = .text(text + more)
            case (.thinking(let text)?, .thinking(let more)): joined[joined.count - 1] = .thinking(text + more)
            default: joined.append(block)
            }
        }
        return joined
    }
}
