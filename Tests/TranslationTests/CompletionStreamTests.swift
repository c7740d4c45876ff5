import JSON
import NIOCore
import Testing

@testable import Translation

struct CompletionStreamTests {
    private static let opening =
        #"data: {"id":"cmpl-1","object":"text_completion","created":9,"model":"qwen-max","choices":[{"text":""#

    private static func chunk(
        _ text: String, _ index: Int = 0, finish: String = "null", usage: String = "", logprobs: String = "null"
    ) -> String {
        opening + #"\#(text)","index":\#(index),"logprobs":\#(logprobs),"finish_reason":\#(finish)}]\#(usage)}"#
            + "\n\n"
    }

    private static let text =
        chatChunk(#"{"content":null,"role":"assistant","reasoning_content":""}"#)
        + chatChunk(#"{"content":null,"reasoning_content":"Hm"}"#) + chatChunk(#"{"content":"H\u00e9","role":null}"#)
        + chatChunk(#"{"content":"é\n\"","reasoning_content":null}"#)
        + chatChunk(#"{"content":""}"#, finish: #""stop""#)

    private func run(_ request: String, _ texts: String..., partial: Set<Int> = []) throws -> CompletionRun {
        CompletionRun(try completionRequest(request), try texts.map { try eventData($0) }, partial: partial)
    }

    @Test func deltasAreCopiedAsTheyAreWritten() throws {
        let result = try run(#"{"prompt":"p","stream":true}"#, Self.text + chatUsage(3, 2) + "data: [DONE]\n\n")
        #expect(
            result.output == Self.chunk(#"H\u00e9"#) + Self.chunk(#"é\n\""#) + Self.chunk("", finish: #""stop""#)
                + "data: [DONE]\n\n")
        #expect(result.actions.last == .done && result.isDone)
        #expect(result.usage == TokenUsage(prompt: 3, completion: 2, total: 5))
        #expect(result.finishReason == .stop)
    }

    @Test func usageComesAtTheEndIfAskedFor() throws {
        let request = #"{"prompt":["p","q"],"stream":true,"stream_options":{"include_usage":true}}"#
        let stream = Self.text + chatUsage(3, 2)
        let result = try run(request, stream + "data: [DONE]\n\n", stream + chatUsage(4, 2))
        let view = try CompletionView(stream: result.output)
        #expect(view.usages == [11])
        #expect(view.chunks == view.chunksWithUsageKey)
        #expect(
            result.output.hasSuffix(
                #"data: {"id":"cmpl-1","object":"text_completion","created":9,"model":"qwen-max","choices":[],"#
                    + #""usage":{"prompt_tokens":7,"completion_tokens":4,"total_tokens":11}}"# + "\n\ndata: [DONE]\n\n")
        )
        #expect(result.output.contains(Self.chunk(#"H\u00e9"#, 1, usage: #","usage":null"#)))
        #expect(try !run(request, Self.text, stream).isDone)
    }

    @Test func promptIsEchoedOnce() throws {
        let result = try run(
            #"{"prompt":["a\n","b"],"echo":true,"stream":true}"#, Self.text + chatUsage(3, 2),
            chatChunk("{}", finish: #""length""#) + chatUsage(3, 0))
        let view = try CompletionView(stream: result.output)
        #expect(view.choices[0] == CompletionView.Choice(text: "a\nHéé\n\"", finishReason: "stop"))
        #expect(view.choices[1] == CompletionView.Choice(text: "b", finishReason: "length"))
        #expect(view.isDone)
    }

    /// The completions endpoint gives texts, and log probabilities in their own form, which may be on several lines.
    @Test func textsOfTheCompletionsEndpoint() throws {
        let stream =
            #"data: {"choices":[{"text":"x","index":0,"logprobs":{"tokens":["x"],"text_offset":[0]},"finish_reason":null}]}"#
            + "\n\n" + "data: {\"choices\":[{\"text\":\"\",\"logprobs\":{\"tokens\":\ndata: []},"
            + "\"finish_reason\":\"length\"}]}\n\n" + chatUsage(1, 1)
        let result = try run(
            #"{"model":"qwen-coder-turbo","prompt":"p","suffix":"s","logprobs":1,"stream":true}"#, stream)
        let view = try CompletionView(stream: result.output)
        #expect(view.choices == [0: .init(text: "x", finishReason: "length", tokens: ["x"], offsets: [0])])
        #expect(result.isDone)
    }

    @Test func secondEndIsIgnored() throws {
        let twice =
            Self.text + chatChunk(#"{"content":"again"}"#, finish: #""stop""#, usage: #"{"total_tokens":3}"#)
        let result = try run(#"{"prompt":"p","stream":true}"#, twice)
        #expect(result.output.components(of: "finish_reason\":\"stop") == 1)
        #expect(!result.output.contains("again"))
        #expect(result.usage?.total == 3)
    }

    @Test(arguments: [
        (#""length""#, "length"), (#""content_filter""#, "content_filter"), (#""tool_calls""#, "stop"),
        (#""else""#, "else"),
    ])
    func reasons(_ reason: String, _ expected: String) throws {
        let result = try run(#"{"prompt":"p","stream":true}"#, chatChunk("{}", finish: reason))
        #expect(try CompletionView(stream: result.output).choices[0]?.finishReason == expected)
    }

    @Test func partialAnswerEndsForItsLength() throws {
        let request = #"{"prompt":["p","q"],"stream":true}"#
        let result = try run(request, chatChunk(#"{"content":"a"}"#), Self.text, partial: [0, 1])
        let view = try CompletionView(stream: result.output)
        #expect(view.choices[0]?.finishReason == "length")
        #expect(view.choices[1]?.finishReason == "length")
        #expect(view.isDone)
    }

    static let faults: [(String, ChatStream.Action)] = [
        (#"{"error":{"message":"m"}}"#, .fault), (#"{"code":"Throttling","message":"m"}"#, .fault),
        (#"{"choices":[{"index":0,"finish_reason":"error_finish","delta":{"content":"m"}}]}"#, .fault), ("{}", .fault),
        ("<html>", .malformed), ("[]", .malformed), ("[DONE]x", .malformed),
    ]

    @Test(arguments: faults.indices) func faultIsNotPassedOn(_ index: Int) throws {
        let (fault, action) = Self.faults[index]
        let result = try run(
            #"{"prompt":"p","stream":true}"#, chatChunk(#"{"content":"a"}"#) + "data: \(fault)\n\n")
        #expect(result.actions == [.proceed, action])
        #expect(result.output == Self.chunk("a"))
        #expect(!result.isDone)
    }

    @Test func signsOfLifeChangeNothing() throws {
        var stream = CompletionStream(
            try completionRequest(#"{"prompt":["p","q"],"echo":true,"stream":true}"#), identity: completionIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        for call in 0..<2 {
            for data in try eventData(Self.text) {
                stream.writeKeepAliveChunk(into: &output)
                let action = stream.receive(data, call: call, document: &document, into: &output)
                #expect(action == .proceed)
            }
        }
        stream.writeKeepAliveChunk(into: &output)
        #expect(String(buffer: output).hasSuffix(": keep-alive\n\n"))
        #expect(!stream.isOver(call: 0))
        for call in [1, 0] {
            for data in try eventData(chatUsage(3, 2)) {
                _ = stream.receive(data, call: call, document: &document, into: &output)
            }
            let isWhole = stream.end(call: call, into: &output)
            #expect(isWhole && stream.isDone == (call == 0))
        }
        let length = output.readableBytes
        stream.writeKeepAliveChunk(into: &output)
        #expect(output.readableBytes == length)
        let view = try CompletionView(stream: String(buffer: output))
        #expect(view.choices[0]?.text == "pHéé\n\"" && view.choices[1]?.text == "qHéé\n\"")
        #expect(view.chunks == 8 + 10)
    }

    @Test func nothingFollowsAFailure() throws {
        var stream = CompletionStream(
            try completionRequest(#"{"prompt":"p","stream":true}"#), identity: completionIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        stream.fail(message: "no \"more\"", type: "server_error", code: "upstream_truncated", into: &output)
        for data in try eventData(Self.text + "data: [DONE]\n\n") {
            _ = stream.receive(data, document: &document, into: &output)
        }
        stream.writeKeepAliveChunk(into: &output)
        let isWhole = stream.end(into: &output)
        #expect(!isWhole && !stream.isDone)
        #expect(
            String(buffer: output)
                == #"data: {"error":{"message":"no \"more\"","type":"server_error","param":null,"#
                + #""code":"upstream_truncated"}}"# + "\n\n")
    }

    @Test func logprobsOfChunks() throws {
        let first =
            #"{"content":[{"token":"é😀","logprob":-0.50,"bytes":[1],"top_logprobs":["#
            + #"{"token":"é😀","logprob":-0.50},{"token":"b","logprob":-1},{"token":"b","logprob":-2}]}],"refusal":null}"#
        let second = #"{"content":[{"token":"\n","logprob":-3,"top_logprobs":[{"token":"a","logprob":-1e-3}]},{}]}"#
        let text =
            chatChunk(#"{"content":"é😀"}"#, logprobs: first)
            + chatChunk(#"{"content":"\n"}"#, finish: #""stop""#, logprobs: second) + chatUsage(3, 2)
        let result = try run(#"{"prompt":"p","stream":true,"logprobs":2}"#, text)
        #expect(
            result.output == Self.chunk(
                "é😀",
                logprobs: #"{"tokens":["é😀"],"token_logprobs":[-0.50],"top_logprobs":[{"é😀":-0.50,"b":-1}],"#
                    + #""text_offset":[0]}"#)
                + Self.chunk(
                    #"\n"#, finish: #""stop""#,
                    logprobs:
                        #"{"tokens":["\n",""],"token_logprobs":[-3,null],"top_logprobs":[{"a":-1e-3,"\n":-3},{}],"#
                        + #""text_offset":[2,3]}"#) + "data: [DONE]\n\n")
        #expect(try !run(#"{"prompt":"p","stream":true}"#, text).output.contains("tokens"))
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
