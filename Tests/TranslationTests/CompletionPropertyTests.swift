import JSON
import NIOCore
import Testing

@testable import Translation

/// Streams and whole answers say the same, however the bytes come.
struct CompletionPropertyTests {
    private static let pieces = ["a", "é", "😀", #"\n"#, #"\"}"#, #"\u00e9"#, "data: ", #"\ud83d\ude00"#, "[DONE]", ""]

    private struct Sample {
        var texts: [String] = []
        var streams: [String] = []
        var answers: [String] = []
    }

    private func sample(calls: Int, _ random: inout SplitMix) -> Sample {
        var sample = Sample()
        for call in 0..<calls {
            var (text, stream) = ("", chatChunk(#"{"role":"assistant","content":""}"#))
            for _ in 0..<random.below(6) {
                let piece = (0..<random.below(3)).map { _ in random.pick(Self.pieces) }.joined()
                text += piece
                let thought = random.below(3) == 0 ? #","reasoning_content":"hm""# : ""
                stream += chatChunk(#"{"content":"\#(piece)"\#(thought)}"#)
            }
            let reason = random.pick([#""stop""#, #""length""#])
            stream += chatChunk(#"{"content":""}"#, finish: reason) + chatUsage(call, 2)
            if random.below(2) == 0 { stream += "data: [DONE]\n\n" }
            sample.texts.append(text)
            sample.streams.append(stream)
            sample.answers.append(
                #"{"id":"chatcmpl-1","choices":[{"index":0,"finish_reason":\#(reason),"message":{"role":"assistant","#
                    + #""content":"\#(text)","reasoning_content":"hm"}}],"usage":{"prompt_tokens":\#(call),"#
                    + #""completion_tokens":2,"total_tokens":\#(call + 2)}}"#)
        }
        return sample
    }

    @Test func streamEqualsAnswer() throws {
        var random = SplitMix(seed: 11)
        for round in 0..<300 {
            let calls = 1 + random.below(4)
            let prompts = (0..<calls).map { "\"p\($0)\"" }.joined(separator: ",")
            let echo = random.below(2) == 0
            let request = try completionRequest(
                #"{"prompt":[\#(prompts)],"echo":\#(echo),"stream":true,"stream_options":{"include_usage":true}}"#)
            let sample = sample(calls: calls, &random)
            let events = try sample.streams.map { try eventData($0, size: 1 + random.below(40)) }
            let order = (0..<60).map { _ in random.below(calls) }
            let run = CompletionRun(request, events, order: order)
            let streamed = try CompletionView(stream: run.output)
            #expect(streamed.isDone && run.isDone)

            var assembler = CompletionAssembler(request, limit: 1 << 20)
            var document = JSONDocument()
            for call in (0..<calls).shuffled(using: &random) {
                try assembler.receive(ByteBuffer(string: sample.answers[call]), call: call, document: &document)
            }
            var output = ByteBuffer()
            let isWhole = assembler.finish(identity: completionIdentity, into: &output)
            #expect(isWhole)
            let whole = try CompletionView(answer: String(buffer: output))
            #expect(streamed.choices == whole.choices, "round \(round)")
            #expect(streamed.usages == whole.usages)
            #expect(run.usage == assembler.usage)
        }
    }

    @Test func bytesMaySplitAnywhere() throws {
        var random = SplitMix(seed: 3)
        let request = try completionRequest(#"{"prompt":"p","stream":true}"#)
        for _ in 0..<3 {
            let stream = sample(calls: 1, &random).streams[0]
            let whole = CompletionRun(request, [try eventData(stream)])
            #expect(whole.isDone)
            for size in 1..<stream.utf8.count {
                #expect(CompletionRun(request, [try eventData(stream, size: size)]) == whole, "in pieces of \(size)")
            }
        }
    }

    /// A stream that is cut anywhere before its end never says that it is whole.
    @Test func cutStreamIsNotWhole() throws {
        var random = SplitMix(seed: 5)
        let request = try completionRequest(
            #"{"prompt":["p","q"],"stream":true,"stream_options":{"include_usage":true}}"#)
        let sample = sample(calls: 2, &random)
        let events = try sample.streams.map { try eventData($0) }
        for call in 0..<2 {
            let usage = try #require(events[call].lastIndex { String(buffer: $0).contains("total_tokens") })
            for count in 0...usage {
                var cut = events
                cut[call] = Array(events[call].prefix(count))
                let run = CompletionRun(request, cut)
                #expect(!run.isDone)
                #expect(try !CompletionView(stream: run.output).isDone)
            }
        }
    }
}
