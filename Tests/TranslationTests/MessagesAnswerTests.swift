import JSON
import NIOCore
import Testing

@testable import Translation

/// Whole answers, and errors.
struct MessagesAnswerTests {
    private func answer(
        _ message: String, finish: String = "\"stop\"", usage: String = "{}", isPartial: Bool = false,
        showsThinking: Bool = true
    ) throws -> String {
        var document = JSONDocument()
        let text =
            #"{"id":"c","choices":[{"index":0,"finish_reason":\#(finish),"message":\#(message)}],"usage":\#(usage)}"#
        let answer = try MessagesAnswer(
            ByteBuffer(string: text), document: &document, identity: messageIdentity, showsThinking: showsThinking,
            isPartial: isPartial)
        return String(buffer: answer.body)
    }

    @Test func wholeMessage() throws {
        let text = try answer(
            #"{"role":"assistant","content":"H\u0069\n","reasoning_content":"T"}"#,
            usage: #"{"prompt_tokens":30,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":10}}"#)
        #expect(
            text
                == #"{"id":"msg_1","type":"message","role":"assistant","model":"qwen-test","content":["#
                + #"{"type":"thinking","thinking":"T","signature":""},{"type":"text","text":"H\u0069\n"}],"#
                + #""stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":20,"#
                + #""cache_creation_input_tokens":0,"cache_read_input_tokens":10,"output_tokens":4}}"#)
    }

    @Test func thoughtsAreLeftOutWhereNotWanted() throws {
        let text = try answer(#"{"content":"A","reasoning_content":"T"}"#, showsThinking: false)
        #expect(try MessageView(answer: text).blocks == [.text("A")])
    }

    static let inputs: [(String, String)] = [
        (#""{\"a\": 1.0}""#, #"{"a": 1.0}"#), (#""\n{ } ""#, "{ }"), (#""""#, "{}"), (#"" \n""#, "{}"),
        ("null", "{}"), (#"{"a":1}"#, #"{"a":1}"#), (#""{\"s\":\"\\u00e9\"}""#, #"{"s":"\u00e9"}"#),
        (#""{\"a\":""#, #"{"INVALID_JSON":"{\"a\":"}"#), (#""[1]""#, #"{"INVALID_JSON":"[1]"}"#),
        ("[1]", #"{"INVALID_JSON":"[1]"}"#), (#""{\"a\":\"\n\"}""#, #"{"INVALID_JSON":"{\"a\":\"\n\"}"}"#),
    ]

    @Test(arguments: inputs) func input(_ arguments: String, _ expected: String) throws {
        let text = try answer(
            #"{"content":"","tool_calls":[{"id":"call_a","type":"function","function":{"name":"f","#
                + #""arguments":\#(arguments)}}]}"#, finish: "\"tool_calls\"")
        #expect(
            try MessageView(answer: text).blocks == [.call(id: "call_a", name: "f", input: expected)])
        #expect(text.contains(#""stop_reason":"tool_use""#))
    }

    @Test func callsWithoutNames() throws {
        let text = try answer(#"{"content":null,"tool_calls":[{"id":"","function":{}},{"id":"b"},7]}"#)
        #expect(
            try MessageView(answer: text).blocks == [
                .call(id: "toolu_0_msg_1", name: "", input: "{}"), .call(id: "b", name: "", input: "{}"),
            ])
    }

    @Test func nothingIsAnAnswerToo() throws {
        let view = try MessageView(answer: try answer(#"{"content":null}"#))
        #expect(view.blocks == [])
        #expect(view.stopReason == "end_turn")
    }

    @Test func partialAnswersEndForTheirLength() throws {
        let view = try MessageView(answer: try answer(#"{"content":"A"}"#, finish: "null", isPartial: true))
        #expect(view.stopReason == "max_tokens")
    }

    @Test(arguments: [
        ("{", ChatAnswer.Fault.malformed), ("[]", .malformed), (#"{"choices":[]}"#, .malformed),
        (#"{"choices":[{"index":0}]}"#, .malformed), (#"{"error":{"message":"m"}}"#, .upstream),
        (#"{"code":"Throttling","message":"m"}"#, .upstream),
    ])
    func faults(_ text: String, _ fault: ChatAnswer.Fault) {
        var document = JSONDocument()
        #expect(throws: fault) {
            _ = try MessagesAnswer(ByteBuffer(string: text), document: &document, identity: messageIdentity)
        }
    }

    // MARK: Errors

    @Test(arguments: [
        (400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"),
        (403, "permission_error"), (404, "not_found_error"), (405, "invalid_request_error"),
        (413, "request_too_large"), (415, "invalid_request_error"), (429, "rate_limit_error"), (500, "api_error"),
        (502, "api_error"), (503, "overloaded_error"), (504, "timeout_error"), (529, "overloaded_error"),
    ])
    func errorTypes(_ status: Int, _ type: String) {
        var output = ByteBuffer()
        MessagesError.write(status: status, message: "a \"b\"", requestID: "req_1", into: &output)
        #expect(
            String(buffer: output)
                == #"{"type":"error","error":{"type":"\#(type)","message":"a \"b\""},"request_id":"req_1"}"#)
    }

    @Test func promptsThatAreTooLongAreCalledThat() {
        var output = ByteBuffer()
        MessagesError.write(
            status: 400, message: "Range of input length", code: "context_length_exceeded", requestID: nil,
            into: &output)
        #expect(
            String(buffer: output)
                == #"{"type":"error","error":{"type":"invalid_request_error","#
                + #""message":"prompt is too long: Range of input length"},"request_id":null}"#)
    }
}
