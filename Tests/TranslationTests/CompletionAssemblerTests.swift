import JSON
import NIOCore
import Testing

@testable import Translation

struct CompletionAssemblerTests {
    private static func answer(_ text: String, finish: String = #""stop""#, logprobs: String = "null") -> String {
        #"{"choices":[{"message":{"content":"\#(text)","role":"assistant"},"index":0,"logprobs":\#(logprobs),"#
            + #""finish_reason":\#(finish)}],"object":"chat.completion","usage":{"prompt_tokens":3,"#
            + #""completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1},"#
            + #""completion_tokens_details":{"reasoning_tokens":1}},"created":1,"model":"m","id":"chatcmpl-1"}"#
    }

    private func assemble(_ request: String, _ answers: String..., limit: Int = 4_096, isPartial: Bool = false) throws
        -> String
    {
        var assembler = CompletionAssembler(try completionRequest(request), limit: limit)
        var document = JSONDocument()
        var output = ByteBuffer()
        for (call, answer) in answers.enumerated() {
            let isEarly = assembler.finish(identity: completionIdentity, into: &output)
            #expect(!isEarly)
            try assembler.receive(
                ByteBuffer(string: answer), call: call, document: &document, isPartial: isPartial)
        }
        #expect(assembler.isComplete)
        let isWhole = assembler.finish(identity: completionIdentity, into: &output)
        #expect(isWhole)
        return String(buffer: output)
    }

    @Test func wholeAnswer() throws {
        #expect(
            try assemble(
                #"{"prompt":["a\n","b"],"echo":true}"#, Self.answer(#"x\u00e9"#), Self.answer("y", finish: #""length""#)
            )
                == #"{"id":"cmpl-1","object":"text_completion","created":9,"model":"qwen-max","choices":["#
                + #"{"text":"a\nx\u00e9","index":0,"logprobs":null,"finish_reason":"stop"},"#
                + #"{"text":"by","index":1,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":6,"#
                + #""completion_tokens":4,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2},"#
                + #""completion_tokens_details":{"reasoning_tokens":2}}}"#)
    }

    @Test func answerOfTheCompletionsEndpoint() throws {
        let text = try assemble(
            #"{"model":"qwen-coder-turbo","prompt":"a","suffix":"b","logprobs":1}"#,
            #"{"id":"cmpl-q","object":"text_completion","choices":[{"text":"m","index":0,"#
                + #""logprobs":{"tokens":["m"],"text_offset":[0]},"finish_reason":"stop"}]}"#)
        #expect(
            text.hasSuffix(
                #""choices":[{"text":"m","index":0,"logprobs":{"tokens":["m"],"text_offset":[0]},"finish_reason":"stop"}]}"#
            ))
    }

    @Test func contentMayBeNull() throws {
        let null = #"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#
        #expect(
            try CompletionView(answer: assemble(#"{"prompt":"a"}"#, null)).choices == [0: .init(finishReason: "stop")])
    }

    @Test func whatWasCutShortEndsForItsLength() throws {
        let partial = try assemble(#"{"prompt":"a"}"#, Self.answer("x"), isPartial: true)
        #expect(partial.contains(#""finish_reason":"length""#))
        let silent = try assemble(#"{"prompt":"a"}"#, Self.answer("x", finish: "null"))
        #expect(silent.contains(#""finish_reason":"length""#))
    }

    private static func logprobs(_ values: Double...) -> String {
        let tokens = values.map { #"{"token":"t","logprob":\#($0),"top_logprobs":[]}"# }
        return #"{"content":[\#(tokens.joined(separator: ","))]}"#
    }

    @Test func bestAreChosen() throws {
        let request = #"{"prompt":["a","b"],"n":2,"best_of":3}"#
        let text = try assemble(
            request, Self.answer("1", logprobs: Self.logprobs(-1, -1)), Self.answer("2", logprobs: Self.logprobs(-0.5)),
            Self.answer("3", logprobs: Self.logprobs(-1, -0.25)), Self.answer("4"),
            Self.answer("5", logprobs: Self.logprobs(-2)), Self.answer("6", logprobs: Self.logprobs(-1)))
        let view = try CompletionView(answer: text)
        // Of the second prompt not all are known: the first ones count.
        #expect((0..<4).map { view.choices[$0]?.text } == ["2", "3", "4", "5"])
        #expect(view.choices.count == 4)
        #expect(view.usages == [30])
        #expect(!text.contains("tokens\":["))
    }

    @Test func logprobsOfTheAnswer() throws {
        let text = try assemble(#"{"prompt":"a","logprobs":0}"#, Self.answer("tt", logprobs: Self.logprobs(-1, -2)))
        #expect(
            text.contains(
                #""logprobs":{"tokens":["t","t"],"token_logprobs":[-1.0,-2.0],"top_logprobs":[{"t":-1.0},{"t":-2.0}],"#
                    + #""text_offset":[0,1]}"#))
    }

    static let faults: [(String, CompletionAssembler.Fault)] = [
        ("", .malformed), ("[]", .malformed), (#"{"choices":[]}"#, .malformed),
        (#"{"error":{"message":"m"}}"#, .upstream), (#"{"code":"c","message":"m"}"#, .upstream),
        (#"{"choices":[{"finish_reason":"error_finish"}]}"#, .upstream),
        (answer(String(repeating: "a", count: 5_000)), .tooLarge),
    ]

    @Test(arguments: faults.indices) func faultsAreTold(_ index: Int) throws {
        let (text, fault) = Self.faults[index]
        #expect(throws: fault) { try assemble(#"{"prompt":"a"}"#, text) }
    }
}
