import JSON
import NIOCore
import Testing

@testable import Translation

/// Answers in one document.
struct ChatAnswerTests {
    private func read(_ text: String, isPartial: Bool = false) throws -> ChatAnswer {
        var document = JSONDocument()
        return try ChatAnswer(ByteBuffer(string: text), document: &document, isPartial: isPartial)
    }

    static let message = #""message":{"role":"assistant","content":"Hé","tool_calls":[{"id":""}]}"#
    static let text =
        #" {"id":"chatcmpl-1", "choices":[{"index":0,"finish_reason":"tool_calls",\#(message)}],"#
        + #""usage":\#(ChatStreamUsageTests.tokens)}"#

    @Test func passesByteForByte() throws {
        let answer = try read(Self.text)
        #expect(String(buffer: answer.body) == Self.text)
        #expect(answer.usage == ChatStreamUsageTests.counted)
        #expect(answer.finishReason == .toolCalls)
    }

    @Test(arguments: [
        (#"{"index":0,"finish_reason":"stop"}"#, #"{"index":0,"finish_reason":"length"}"#),
        (#"{"finish_reason":null,"index":0}"#, #"{"finish_reason":"length","index":0}"#),
        (#"{"index":0}"#, #"{"index":0,"finish_reason":"length"}"#),
    ])
    func partialAnswerEndsForItsLength(_ choice: String, _ expected: String) throws {
        let answer = try read("{\"choices\":[\(choice)]}", isPartial: true)
        #expect(String(buffer: answer.body) == "{\"choices\":[\(expected)]}")
        #expect(answer.finishReason == .length)
        #expect(answer.usage == nil)
    }

    @Test(arguments: [
        ("", ChatAnswer.Fault.malformed), ("[]", .malformed), ("<html>", .malformed),
        (#"{"error":{"message":"m"}}"#, .upstream), (#"{"code":"c","message":"m"}"#, .upstream),
        (#"{"choices":[{"finish_reason":"error_finish"}]}"#, .upstream),
    ])
    func isNoAnswer(_ text: String, _ fault: ChatAnswer.Fault) {
        #expect(throws: fault) { try read(text) }
    }
}
