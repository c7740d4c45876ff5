import JSON
import NIOCore
import Testing

@testable import Translation

/// The events of a streamed response, and how it ends.
@Suite struct ResponsesStreamTests {
    private func names(_ events: [ResponsesEvent]) -> [String] {
        events.map { $0.name.hasPrefix("response.") ? String($0.name.dropFirst(9)) : $0.name }
    }

    @Test func textHasTheDocumentedSequence() throws {
        var stream = try Responses.stream()
        let (actions, events) = try Responses.run(
            [
                Responses.chunk(#"{"role":"assistant","content":""}"#), Responses.chunk(#"{"content":"Hé\u006c"}"#),
                Responses.chunk(#"{"content":"lo"}"#), Responses.chunk(#"{"content":""}"#, finish: #""stop""#),
                Responses.usage, "[DONE]",
            ], through: &stream)
        #expect(actions == [.proceed, .proceed, .proceed, .proceed, .proceed, .done])
        #expect(stream.isDone)
        #expect(
            names(events) == [
                "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
                "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "completed",
            ])
        #expect(
            events[2].data
                == #"{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_t0_0","type":"message","status":"in_progress","role":"assistant","content":[]},"sequence_number":2}"#
        )
        #expect(
            events[3].data
                == #"{"type":"response.content_part.added","item_id":"msg_t0_0","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]},"sequence_number":3}"#
        )
        #expect(
            events[4].data
                == #"{"type":"response.output_text.delta","item_id":"msg_t0_0","output_index":0,"content_index":0,"delta":"Hé\u006c","logprobs":[],"sequence_number":4}"#
        )
        #expect(
            events[6].data
                == #"{"type":"response.output_text.done","item_id":"msg_t0_0","output_index":0,"content_index":0,"text":"Hé\u006clo","logprobs":[],"sequence_number":6}"#
        )
        let item =
            #"{"id":"msg_t0_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hé\u006clo","annotations":[],"logprobs":[]}]}"#
        #expect(events[8].raw("item") == item)
        #expect(events[9].raw("response.output") == "[\(item)]")
        #expect(events[9].string("response.status") == "completed")
        #expect(
            events[9].raw("response.usage")
                == #"{"input_tokens":22,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":0},"output_tokens":17,"output_tokens_details":{"reasoning_tokens":9},"total_tokens":39}"#
        )
    }

    @Test func reasoningTextAndCallsBecomeItems() throws {
        var stream = try Responses.stream()
        let (_, events) = try Responses.run(Responses.recorded, through: &stream)
        #expect(
            names(events) == [
                "created", "in_progress",
                "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
                "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done",
                "output_item.done",
                "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
                "output_text.done", "content_part.done", "output_item.done",
                "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
                "function_call_arguments.done", "output_item.done",
                "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
                "function_call_arguments.done", "output_item.done", "completed",
            ])
        let result = ResponsesAccumulator(events)
        #expect(result.kinds == ["reasoning", "message", "function_call", "function_call"])
        #expect(result.texts == ["Let me 看\n", "I \"look\" 🙂", #"{"city": "Paris"}"#, #"{"zone":1}"#])
        #expect(
            events[19].data
                == #"{"type":"response.function_call_arguments.done","item_id":"fc_t0_2","output_index":2,"arguments":"{\"city\": \"Paris\"}","name":"weather","sequence_number":19}"#
        )
        let final = try #require(result.final)
        #expect(
            rawJSON(final, "output.0")
                == #"{"id":"rs_t0_0","type":"reasoning","summary":[{"type":"summary_text","text":"Let me \u770b\n"}]}"#)
        #expect(
            rawJSON(final, "output.3")
                == #"{"id":"fc_t0_3","type":"function_call","status":"completed","call_id":"call_b","name":"time","arguments":"{\"zone\":1}"}"#
        )
    }

    /// What the response object has, whatever the request says: every key that OpenAI's has.
    @Test func responseRepeatsTheRequest() throws {
        let request = """
            {"input":"x","instructions":"i","max_output_tokens":99,"metadata":{"a":"b"},"parallel_tool_calls":false,
             "reasoning":{"effort":"low"},"store":true,"temperature":0.50,"text":{"verbosity":"low"},"tools":[
             {"type":"function",
              "name":"f"}],"tool_choice":{"type":"function","name":"f"},"top_p":1,"truncation":"auto","user":"u"}
            """
        var stream = try Responses.stream(request)
        let (_, events) = try Responses.run(
            [Responses.chunk(#"{"content":"a"}"#, finish: #""stop""#), Responses.usage, "[DONE]"], through: &stream)
        let expected = [
            "id": #""resp_t0""#, "object": #""response""#, "created_at": "1795000000", "model": #""qwen-plus""#,
            "error": "null", "incomplete_details": "null", "instructions": #""i""#, "max_output_tokens": "99",
            "parallel_tool_calls": "false", "previous_response_id": "null", "store": "true", "temperature": "0.50",
            "reasoning": #"{"effort":"low","summary":null}"#, "background": "false",
            "text": #"{"format":{"type":"text"},"verbosity":"low"}"#, "top_p": "1", "truncation": #""auto""#,
            "tool_choice": #"{"type":"function","name":"f"}"#, "user": #""u""#, "metadata": #"{"a":"b"}"#,
            "tools": #"[  {"type":"function",   "name":"f"}]"#, "service_tier": #""default""#,
        ]
        for event in [events[0], events[1], try #require(events.last)] {
            for (key, value) in expected { #expect(event.raw("response.\(key)") == value, "\(key)") }
            #expect(!event.data.contains("\n"))
        }
        #expect(events[0].string("response.status") == "in_progress")
        #expect(events[0].raw("response.usage") == "null")
        #expect(events[0].raw("response.output") == "[]")

        var plain = try Responses.stream()
        let first = try Responses.run([Responses.chunk("{}")], through: &plain).events[0]
        let defaults = [
            "instructions": "null", "max_output_tokens": "null", "parallel_tool_calls": "true", "store": "false",
            "reasoning": #"{"effort":null,"summary":null}"#, "text": #"{"format":{"type":"text"}}"#, "tools": "[]",
            "tool_choice": #""auto""#, "temperature": "null", "top_p": "null", "truncation": #""disabled""#,
            "user": "null", "metadata": "{}",
        ]
        for (key, value) in defaults { #expect(first.raw("response.\(key)") == value, "\(key)") }
    }

    @Test(arguments: [("length", "max_output_tokens"), ("content_filter", "content_filter")])
    func cutAnswersAreIncomplete(_ finish: String, _ reason: String) throws {
        var stream = try Responses.stream()
        let (actions, events) = try Responses.run(
            [
                Responses.chunk(#"{"reasoning_content":"r"}"#), Responses.chunk(#"{"content":"a"}"#),
                Responses.chunk(
                    #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#,
                    finish: #""\#(finish)""#),
                Responses.usage, "[DONE]",
            ], through: &stream)
        #expect(actions.last == .done)
        let last = try #require(events.last)
        #expect(last.name == "response.incomplete")
        #expect(last.string("response.status") == "incomplete")
        #expect(last.raw("response.incomplete_details") == #"{"reason":"\#(reason)"}"#)
        #expect(last.string("response.output.1.status") == "completed")
        #expect(last.string("response.output.2.status") == "incomplete")
        #expect(last.string("response.output.2.arguments") == "")
    }

    /// Qwen's partial answers may lack their end: they are incomplete.
    @Test func partialAnswers() throws {
        var stream = try Responses.stream(isPartial: true)
        _ = try Responses.run([Responses.chunk(#"{"content":"a"}"#)], through: &stream)
        var output = ByteBuffer()
        let isEnded = stream.end(into: &output)
        #expect(isEnded)
        let events = try Responses.events(in: output)
        #expect(events.last?.string("response.incomplete_details.reason") == "max_output_tokens")
        #expect(events.last?.string("response.output.0.status") == "incomplete")
    }

    /// A call that was sent again after it ended adds nothing to it.
    @Test func repeatedPiecesOfAnEndedCall() throws {
        var stream = try Responses.stream()
        let pieces = [
            #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            #"{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}"#,
            #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            #"{"index":1,"id":"","function":{"arguments":"}"}}"#,
        ]
        let (_, events) = try Responses.run(
            pieces.map { Responses.chunk(#"{"tool_calls":[\#($0)]}"#) }
                + [Responses.chunk("{}", finish: #""tool_calls""#), Responses.usage, "[DONE]"], through: &stream)
        #expect(ResponsesAccumulator(events).texts == ["{}", "{}"])
    }

    @Test func callsWithoutArgumentsGetAnEmptyObject() throws {
        var stream = try Responses.stream()
        let (_, events) = try Responses.run(
            [
                Responses.chunk(#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#),
                Responses.chunk("{}", finish: #""tool_calls""#), Responses.usage, "[DONE]",
            ], through: &stream)
        #expect(ResponsesAccumulator(events).texts == ["{}"])
        #expect(events.last?.string("response.output.0.arguments") == "{}")
    }

    /// Whether arguments are known to have ended, as the characters of a JSON string.
    @Test(arguments: [
        ("", false), ("{", false), ("{}", true), (#"{\"a\":{}"#, false), (#"{\"a\":{}} "#, true),
        (#"{\"a\":\"}"#, false),
        (#"{\"a\":\"}\"}"#, true), (#"{\"a\":\"\\\"}"#, false), (#"{\"a\":\"\\\"\"}"#, true),
        (#"{\"\\\\\":[1]}"#, true),
        (#"{\"\u00e9\":1}"#, true), ("[1]", true), ("1", false), ("}", false), ("\"", false), (#"\n{\n}"#, true),
        (#"\u007b\u0022}\u0022\u007D"#, true), (#"\u007b\u0022}\u0022}"#, true), (#"{\u0022}"#, false),
    ]) func wholeArguments(_ body: String, _ isWhole: Bool) {
        var progress = ArgumentsProgress()
        progress.take(ByteBuffer(string: body))
        #expect(progress.isWhole == isWhole, "\(body)")
    }

    /// Pieces, and the calls that they make: id, name and arguments.
    static let pieces: [([String], [String])] = [
        // The id and the name come late.
        (
            [
                #"{"index":0,"function":{"arguments":"{\"a\""}}"#, #"{"index":0,"function":{"name":"f"}}"#,
                #"{"index":0,"id":"c","function":{"arguments":":1}"}}"#,
            ], [#"c f {"a":1}"#]
        ),
        // An id never comes.
        ([#"{"index":0,"function":{"name":"f","arguments":"{}"}}"#], ["call_t0_0 f {}"]),
        // An index is used again.
        (
            [
                #"{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}"#,
                #"{"index":0,"id":"c2","function":{"name":"g","arguments":"{\"b\""}}"#,
                #"{"index":0,"id":"","function":{"name":null,"arguments":":2}"}}"#,
            ], ["c1 f {}", #"c2 g {"b":2}"#]
        ),
        // Indexes are missing.
        (
            [
                #"{"id":"c1","function":{"name":"f","arguments":"{}"}}"#,
                #"{"id":"c2","function":{"name":"g","arguments":"{"}}"#,
                #"{"function":{"arguments":"}"}}"#,
            ], ["c1 f {}", "c2 g {}"]
        ),
        // Every piece has an id of its own.
        (
            [
                #"{"index":0,"id":"c1","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":0,"id":"c9","function":{"arguments":"}"}}"#,
            ], ["c1 f {}"]
        ),
        // Arguments that are no string.
        ([#"{"index":0,"id":"c","function":{"name":"f","arguments":{"a":"b"}}}"#], [#"c f {"a":"b"}"#]),
    ]

    @Test(arguments: pieces) func oddPiecesMakeWholeCalls(_ pieces: [String], _ expected: [String]) throws {
        var stream = try Responses.stream()
        let (_, events) = try Responses.run(
            pieces.map { Responses.chunk(#"{"tool_calls":[\#($0)]}"#) }
                + [Responses.chunk("{}", finish: #""tool_calls""#), Responses.usage, "[DONE]"], through: &stream)
        let result = ResponsesAccumulator(events)
        let last = try #require(events.last)
        let calls = result.texts.indices.map { index in
            let item = "response.output.\(index)"
            return [last.string("\(item).call_id"), last.string("\(item).name"), last.string("\(item).arguments")]
                .map { $0 ?? "?" }.joined(separator: " ")
        }
        #expect(calls == expected)
        #expect(result.texts == expected.map { String($0.split(separator: " ", maxSplits: 2)[2]) })
    }

    @Test func logprobsComeAlong() throws {
        var stream = try Responses.stream()
        func chunk(_ text: String, _ logprobs: String) -> String {
            #"{"choices":[{"index":0,"delta":{"content":"\#(text)"},"logprobs":{"content":\#(logprobs)}}]}"#
        }
        let (a, b) = (#"{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}"#, #"{"token":"b","logprob":-1}"#)
        let (_, events) = try Responses.run(
            [
                chunk("a", "[\(a)]"), chunk("b", "[\n\(b)]"), chunk("c", "[]"),
                Responses.chunk("{}", finish: #""stop""#), Responses.usage, "[DONE]",
            ], through: &stream)
        #expect(events[4].raw("logprobs") == "[\(a)]")
        #expect(events.last?.raw("response.output.0.content.0.logprobs") == "[\(a), \(b)]")
        #expect(events.last?.string("response.output.0.content.0.text") == "abc")
    }

    /// What Qwen calls an error is none of the client's events; nor is what is no chunk.
    static let broken: [(String, ChatStream.Action)] = [
        (#"{"error":{"message":"no","code":"x"}}"#, .fault), (#"{"code":"Throttling","message":"slow"}"#, .fault),
        (#"{"choices":[{"index":0,"delta":{"content":"why"},"finish_reason":"error_finish"}]}"#, .fault),
        (#"{"choices":[],"error":{"message":"no"}}"#, .fault), ("{}", .fault), ("<html>", .malformed),
        ("[1]", .malformed), ("{", .malformed), ("[DONE", .malformed),
    ]

    @Test(arguments: broken) func errorsAreNotPassedOn(_ data: String, _ action: ChatStream.Action) throws {
        var stream = try Responses.stream()
        let (actions, events) = try Responses.run([Responses.chunk(#"{"content":"a"}"#), data], through: &stream)
        #expect(actions == [.proceed, action])
        #expect(events.last?.name == "response.output_text.delta")
        #expect(events.last?.string("delta") == "a")
    }

    @Test func nothingIsNotAnAnswer() throws {
        var stream = try Responses.stream()
        #expect(try Responses.run([Responses.usage, "[DONE]"], through: &stream).actions == [.proceed, .malformed])
        var output = ByteBuffer()
        let isEnded = stream.end(into: &output)
        #expect(!isEnded)
        #expect(output.readableBytes == 0)
    }

    @Test func textHasALimit() throws {
        var stream = try Responses.stream(limit: 10)
        let chunk = Responses.chunk(#"{"content":"12345"}"#)
        #expect(
            try Responses.run([chunk, chunk, chunk], through: &stream).actions == [.proceed, .proceed, .malformed])
    }

    @Test func markerMayBeMissingWhenNothingElseIs() throws {
        let text = Responses.chunk(#"{"content":"a"}"#)
        let finish = Responses.chunk("{}", finish: #""stop""#)
        for (data, isWhole) in [
            ([text], false), ([text, finish], false), ([text, Responses.usage], false),
            ([text, finish, Responses.usage], true),
        ] {
            var stream = try Responses.stream()
            _ = try Responses.run(data, through: &stream)
            var output = ByteBuffer()
            #expect(stream.end(into: &output) == isWhole)
            #expect(try Responses.events(in: output).map(\.name) == (isWhole ? ["response.completed"] : []))
        }
    }
}
