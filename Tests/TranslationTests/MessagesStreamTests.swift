import JSON
import NIOCore
import Testing

@testable import Translation

/// The events of a message: their form, their order, and when there is an end.
struct MessagesStreamTests {
    @Test func textOfOneBlockByteForByte() throws {
        let (run, view) = try runMessages(
            events: [Qwen.first, Qwen.text("Hi"), Qwen.text(#" \"\u4f60\" é"#), Qwen.stop, Qwen.usage, Qwen.done],
            everywhere: true)
        #expect(
            run.output == """
                event: message_start
                data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",\
                "model":"qwen-test","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,\
                "cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

                event: ping
                data: {"type":"ping"}

                event: content_block_start
                data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

                event: content_block_delta
                data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

                event: content_block_delta
                data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",\
                "text":" \\"\\u4f60\\" é"}}

                event: content_block_stop
                data: {"type":"content_block_stop","index":0}

                event: message_delta
                data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},\
                "usage":{"input_tokens":17,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,\
                "output_tokens":17,"output_tokens_details":{"thinking_tokens":9}}}

                event: message_stop
                data: {"type":"message_stop"}


                """)
        #expect(run.actions == [.proceed, .proceed, .proceed, .proceed, .proceed, .done])
        #expect(view.text == "Hi \"你\" é")
    }

    @Test func thoughtsComeBeforeTheText() throws {
        let (_, view) = try runMessages(
            events: [
                Qwen.first, Qwen.thought("Hm"), Qwen.thought("m."), Qwen.text("A"), Qwen.text("B"), Qwen.stop,
                Qwen.usage, Qwen.done,
            ])
        #expect(view.blocks == [.thinking("Hmm."), .text("AB")])
        #expect(view.isStopped)
    }

    @Test func thoughtsAreLeftOutWhereNotWanted() throws {
        let (_, view) = try runMessages(
            events: [Qwen.first, Qwen.thought("Hm"), Qwen.text("A"), Qwen.stop, Qwen.usage, Qwen.done],
            MessagesStream(identity: messageIdentity, showsThinking: false))
        #expect(view.blocks == [.text("A")])
    }

    @Test func thoughtsBetweenTextsHaveABlockOfTheirOwn() throws {
        let both = Qwen.chunk(#"{"content":"B","reasoning_content":"y"}"#)
        let (_, view) = try runMessages(
            events: [Qwen.text("A"), Qwen.thought("x"), both, Qwen.stop, Qwen.usage, Qwen.done])
        #expect(view.blocks == [.text("A"), .thinking("xy"), .text("B")])
    }

    @Test func usageOfTheBeginningIsTheEstimate() throws {
        let (_, view) = try runMessages(
            events: [Qwen.text("A"), Qwen.stop, Qwen.usage, Qwen.done],
            MessagesStream(identity: messageIdentity, estimatedInputTokens: 321))
        #expect(view.startUsage["input_tokens"] == 321)
        #expect(view.usage["input_tokens"] == 17)
    }

    static let usages: [(String, [String: Int])] = [
        (
            #"{"prompt_tokens":100,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":30,"#
                + #""cache_creation_input_tokens":50,"cache_type":"ephemeral"}}"#,
            ["input_tokens": 20, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 50, "output_tokens": 2]
        ),
        (
            #"{"prompt_tokens":100,"completion_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":40}}"#,
            ["input_tokens": 60, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 40, "output_tokens": 2]
        ),
        (
            #"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":30}}"#,
            ["input_tokens": 0, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0, "output_tokens": 2]
        ),
        (
            #"{"prompt_tokens":-1,"completion_tokens":1e99}"#,
            ["input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 0]
        ),
    ]

    @Test(arguments: usages) func cachedTokensAreNoInput(_ usage: String, _ expected: [String: Int]) throws {
        let (_, view) = try runMessages(
            events: [Qwen.text("A"), Qwen.stop, #"{"choices":[],"usage":\#(usage)}"#, Qwen.done])
        #expect(view.usage == expected)
    }

    @Test func usageOnTheFinishChunkAndASecondFinish() throws {
        let finish =
            #"{"choices":[{"delta":{"content":"!"},"finish_reason":"stop","index":0}],"usage":{"prompt_tokens":4}}"#
        let (_, view) = try runMessages(events: [Qwen.text("A"), finish, finish, Qwen.done])
        #expect(view.text == "A!")
        #expect(view.usage["input_tokens"] == 4)
    }

    static let reasons: [(String, String)] = [
        ("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "end_turn"),
        ("abort", "end_turn"),
    ]

    @Test(arguments: reasons) func reason(_ reason: String, _ expected: String) throws {
        let finish = Qwen.chunk("{}", finish: "\"\(reason)\"")
        let (_, view) = try runMessages(events: [Qwen.text("A"), finish, Qwen.usage, Qwen.done])
        #expect(view.stopReason == expected)
        #expect(view.stopSequence == nil)
    }

    @Test func stopSequenceWhereItIsTold() throws {
        let finish = #"{"choices":[{"delta":{},"finish_reason":"stop","stop_reason":"\n\nH","index":0}]}"#
        let (_, view) = try runMessages(events: [Qwen.text("A"), finish, Qwen.usage, Qwen.done])
        #expect(view.stopReason == "stop_sequence")
        #expect(view.stopSequence == "\n\nH")
    }

    // MARK: Ends

    @Test func cleanEndAfterUsageIsWhole() throws {
        let (run, view) = try runMessages(events: [Qwen.text("A"), Qwen.stop, Qwen.usage])
        #expect(run.isWhole)
        #expect(view.isStopped)
    }

    @Test(arguments: [
        [], [Qwen.first], [Qwen.text("A")], [Qwen.text("A"), Qwen.usage], [Qwen.text("A"), Qwen.stop],
        [Qwen.done], [Qwen.text("A"), Qwen.done], [Qwen.usage, Qwen.done],
    ])
    func anyOtherEndIsTruncated(_ events: [String]) throws {
        let (run, view) = try runMessages(events: events)
        #expect(!run.isWhole)
        #expect(!run.actions.contains(.done))
        #expect(!view.isStopped)
    }

    @Test func nothingFollowsTheEnd() throws {
        let (run, view) = try runMessages(
            events: [Qwen.text("A"), Qwen.stop, Qwen.usage, Qwen.done, Qwen.text("B"), Qwen.done])
        #expect(run.actions.suffix(3) == [.done, .proceed, .proceed])
        #expect(view.text == "A")
    }

    @Test(arguments: [[Qwen.text("A")], [Qwen.text("A"), Qwen.stop], [Qwen.text("A"), Qwen.done]])
    func partialAnswersEndForTheirLength(_ events: [String]) throws {
        let (run, view) = try runMessages(
            events: events, MessagesStream(identity: messageIdentity, isPartial: true))
        #expect(run.isWhole)
        #expect(view.stopReason == "max_tokens")
    }

    static let faults = [
        #"{"error":{"message":"m","code":"c"}}"#, #"{"request_id":"r","code":"Throttling","message":"m"}"#,
        #"{"choices":[{"index":0,"finish_reason":"error_finish","delta":{"content":"m"}}]}"#,
        #"{"choices":[],"error":{"message":"m"}}"#, "{}",
    ]

    @Test(arguments: faults) func faultsAreNotPassedOn(_ fault: String) throws {
        let clean = try runMessages(events: [Qwen.text("A")])
        let (run, _) = try runMessages(events: [Qwen.text("A"), fault])
        #expect(run.output == clean.run.output)
        #expect(run.actions == [.proceed, .fault])
        #expect(!run.isWhole)
        #expect(try runMessages(events: [fault]).run.output == "")
    }

    @Test(arguments: ["<html>", "[]", "17", "{\"choices\":", "[DONE]x"]) func malformed(_ data: String) throws {
        let (run, _) = try runMessages(events: [Qwen.text("A"), data])
        #expect(run.actions == [.proceed, .malformed])
    }

    @Test(arguments: ["null", "1", "[]", #"["a"]"#, "{}", "true"]) func oddTextsDoNoHarm(_ text: String) throws {
        let odd = Qwen.chunk(#"{"content":\#(text),"reasoning_content":\#(text),"tool_calls":\#(text)}"#)
        let (run, view) = try runMessages(events: [Qwen.text("A"), odd, Qwen.stop, Qwen.usage, Qwen.done])
        #expect(view.text == "A")
        #expect(run.isWhole)
    }

    // MARK: What the gateway says

    @Test func brokenStreamsEndWithAnError() throws {
        var stream = MessagesStream(identity: messageIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        for event in [Qwen.text("A"), Qwen.stop, Qwen.usage] {
            _ = stream.receive(ByteBuffer(string: event), document: &document, into: &output)
        }
        stream.fail(status: 502, message: "It \"broke\".", requestID: "req_1", into: &output)
        let text = String(buffer: output)
        #expect(
            text.hasSuffix(
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                    + "\"message\":\"It \\\"broke\\\".\"},\"request_id\":\"req_1\"}\n\n"))
        #expect(stream.receive(ByteBuffer(string: Qwen.done), document: &document, into: &output) == .proceed)
        let isWhole = stream.end(into: &output)
        #expect(!isWhole)
        stream.keepAlive(into: &output)
        stream.fail(status: 500, message: "again", requestID: nil, into: &output)
        #expect(String(buffer: output) == text)
        let view = try MessageView(text)
        #expect(view.error == "api_error")
        #expect(!view.isStopped)
    }

    @Test func pingsChangeNothing() throws {
        let events = [Qwen.first, Qwen.text("A"), Qwen.text("B"), Qwen.stop, Qwen.usage, Qwen.done]
        let plain = try runMessages(events: events).view
        var stream = MessagesStream(identity: messageIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        stream.keepAlive(into: &output)
        for event in events {
            stream.keepAlive(into: &output)
            _ = stream.receive(ByteBuffer(string: event), document: &document, into: &output)
        }
        let end = output
        stream.keepAlive(into: &output)
        #expect(output == end)
        var view = try MessageView(String(buffer: output))
        #expect(view.pings == 7)
        view.pings = plain.pings
        #expect(view == plain)
    }
}
