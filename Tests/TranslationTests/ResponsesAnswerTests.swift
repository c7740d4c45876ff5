import JSON
import NIOCore
import Testing

@testable import Translation

/// A whole chat completion as a whole response.
@Suite struct ResponsesAnswerTests {
    private func answer(
        _ text: String, _ request: String = #"{"input":"x"}"#, isPartial: Bool = false
    ) throws -> ResponsesAnswer? {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: text))
        return ResponsesAnswer(
            document, Responses.identity, echo: try Responses.echo(request), isPartial: isPartial)
    }

    private func completion(_ message: String, finish: String = #""stop""#, more: String = "") -> String {
        #"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"qwen-plus","choices":[{"index":0,"finish_reason":\#(finish),"message":\#(message)\#(more)}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#
    }

    @Test func itemsInOrder() throws {
        let body = String(
            buffer: try #require(
                try answer(
                    completion(
                        #"{"role":"assistant","content":"t\u00e9","reasoning_content":"r","tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"","type":"function","function":{"name":"g","arguments":""}}]}"#,
                        finish: #""tool_calls""#))
            ).body)
        #expect(
            rawJSON(body, "output")
                == #"[{"id":"rs_t0_0","type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},"#
                + #"{"id":"msg_t0_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"t\u00e9","annotations":[],"logprobs":[]}]},"#
                + #"{"id":"fc_t0_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"},"#
                + #"{"id":"fc_t0_3","type":"function_call","status":"completed","call_id":"call_t0_3","name":"g","arguments":"{}"}]"#
        )
        #expect(rawJSON(body, "status") == #""completed""#)
        #expect(
            rawJSON(body, "usage")
                == #"{"input_tokens":3,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":5}"#
        )
        #expect(rawJSON(body, "created_at") == "1795000000")
    }

    static let endings: [(String, String, String)] = [
        (#""stop""#, #""completed""#, "null"), (#""tool_calls""#, #""completed""#, "null"),
        (#""length""#, #""incomplete""#, #"{"reason":"max_output_tokens"}"#),
        (#""content_filter""#, #""incomplete""#, #"{"reason":"content_filter"}"#),
        // Qwen cut the answer and did not say so.
        ("null", #""incomplete""#, #"{"reason":"max_output_tokens"}"#),
    ]

    @Test(arguments: endings) func answerEnds(_ finish: String, _ status: String, _ details: String) throws {
        let body = String(
            buffer: try #require(try answer(completion(#"{"content":"t"}"#, finish: finish))).body)
        #expect(rawJSON(body, "status") == status)
        #expect(rawJSON(body, "incomplete_details") == details)
        #expect(rawJSON(body, "output.0.status") == status)
    }

    @Test func partialAnswersAreIncomplete() throws {
        let body = String(buffer: try #require(try answer(completion(#"{"content":"t"}"#), isPartial: true)).body)
        #expect(rawJSON(body, "status") == #""incomplete""#)
    }

    @Test func logprobsComeAlong() throws {
        let logprob = #"{"token":"t","logprob":-0.1,"bytes":[116],"top_logprobs":[]}"#
        let body = String(
            buffer: try #require(
                try answer(
                    completion(#"{"content":"t"}"#, more: #","logprobs":{"content":[\#(logprob)]}"#))
            ).body)
        #expect(rawJSON(body, "output.0.content.0.logprobs") == "[\(logprob)]")
    }

    @Test func emptyAnswer() throws {
        let body = String(buffer: try #require(try answer(completion(#"{"content":null}"#))).body)
        #expect(rawJSON(body, "output") == "[]")
    }

    @Test(arguments: [
        "[]", "{}", #"{"error":{"message":"no"}}"#, #"{"choices":[]}"#, #"{"choices":[{"index":0}]}"#,
        #"{"choices":[{"message":"text"}]}"#,
        #"{"choices":[{"message":{"content":"why"},"finish_reason":"error_finish"}]}"#,
    ]) func whatIsNoCompletion(_ text: String) throws {
        #expect(try answer(text) == nil)
    }

    @Test func isStoredWhenAskedFor() throws {
        let text = completion(#"{"content":"t"}"#)
        let plain = try Responses.request(#"{"input":"x"}"#)
        #expect(try answer(text)?.storedResponse(for: plain) == nil)
        let request = try Responses.request(#"{"input":"x","store":true}"#)
        let answer = try #require(try answer(text, #"{"input":"x","store":true}"#))
        let stored = try #require(answer.storedResponse(for: request))
        #expect(stored.id == "resp_t0")
        #expect(stored.body == answer.body)
        #expect(stored.output.map(\.id) == ["msg_t0_0"])
        #expect(stored.output.first.map { String(buffer: $0.text) } == rawJSON(String(buffer: answer.body), "output.0"))
        #expect(stored.input.map(\.text) == request.inputItems.map(\.text))
    }
}
