import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// The same comes out however the bytes arrive, and nothing whole comes of a part.
@Suite struct ResponsesSplitTests {
    /// Without what all chunks have in common.
    static let wire = Responses.recorded.map { data in
        "data: \(data.firstRange(of: #","object""#).map { data[..<$0.lowerBound] + "}" } ?? data[...])\n\n"
    }.joined()

    /// Runs the wire's bytes through parser and stream, cut at these places; the bytes for the client.
    private func run(_ bytes: ByteBuffer, cutAt cuts: [Int]) throws -> (output: ByteBuffer, stream: ResponsesStream) {
        var parser = EventStreamParser()
        var stream = try Responses.stream()
        var document = JSONDocument()
        var output = ByteBuffer()
        var start = 0
        for end in cuts + [bytes.readableBytes] {
            guard var piece = bytes.getSlice(at: start, length: end - start) else { continue }
            start = end
            while let event = try parser.next(in: &piece) {
                _ = stream.receive(event.data, document: &document, into: &output)
            }
        }
        return (output, stream)
    }

    @Test func everySplitGivesTheSame() throws {
        let bytes = ByteBuffer(string: Self.wire)
        let whole = try run(bytes, cutAt: []).output
        #expect(ResponsesAccumulator(try Responses.events(in: whole)).final != nil)
        for cut in 1..<bytes.readableBytes {
            guard try run(bytes, cutAt: [cut]).output == whole else {
                Issue.record("differs when cut at \(cut)")
                return
            }
        }
        #expect(try run(bytes, cutAt: Array(1..<bytes.readableBytes)).output == whole)
    }

    /// A stream that is cut anywhere is told to be broken, and never ends as if it were whole.
    @Test func everyCutIsAFailure() throws {
        let bytes = ByteBuffer(string: Self.wire)
        // The parts up to each event's end, and into the next event.
        let end = bytes.readableBytes - "data: [DONE]\n\n".utf8.count
        for length in stride(from: 0, to: end, by: 7) {
            let part = try #require(bytes.getSlice(at: 0, length: length))
            var (output, stream) = try run(part, cutAt: [])
            let isWhole = stream.end(into: &output)
            #expect(!isWhole, "\(length)")
            stream.fail(message: "cut", type: "server_error", code: nil, into: &output)
            let result = ResponsesAccumulator(try Responses.events(in: output))
            #expect(result.final == nil)
            #expect(result.failure == "cut")
        }
    }

    @Test func everyEventBoundaryIsAFailure() throws {
        for count in 0..<Responses.recorded.count - 2 {
            var stream = try Responses.stream()
            var (_, events) = try Responses.run(Array(Responses.recorded.prefix(count)), through: &stream)
            var output = ByteBuffer()
            let isEnded = stream.end(into: &output)
            #expect(!isEnded)
            stream.fail(message: "cut", type: "server_error", code: nil, into: &output)
            events += try Responses.events(in: output)
            #expect(ResponsesAccumulator(events).failure == "cut")
            #expect(!events.contains { $0.name == "response.completed" || $0.name == "response.incomplete" })
        }
    }

    /// An escaped surrogate pair may be divided between two pieces.
    @Test func dividedSurrogatePair() throws {
        var stream = try Responses.stream()
        let (_, events) = try Responses.run(
            [
                Responses.chunk(#"{"content":"a\ud83d"}"#), Responses.chunk(#"{"content":"\ude00b"}"#),
                Responses.chunk("{}", finish: #""stop""#), Responses.usage, "[DONE]",
            ], through: &stream)
        #expect(events.last?.string("response.output.0.content.0.text") == "a😀b")
    }
}

/// A random answer, streamed in random pieces, is the same as the answer given at once.
@Suite struct ResponsesPropertyTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }

        mutating func text(_ most: Int) -> String {
            let letters = Array("ab \"\\\n\t/{}:,é看😀\u{2028}\u{1}")
            return String(
                (0..<Int.random(in: 0...most, using: &self)).map { _ in letters.randomElement(using: &self) ?? "x" })
        }

        /// Cuts a text into pieces between its characters.
        mutating func pieces(_ text: String) -> [String] {
            var pieces: [String] = []
            var rest = Substring(text)
            while !rest.isEmpty {
                let count = Int.random(in: 1...4, using: &self)
                pieces.append(String(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            return pieces
        }
    }

    private func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        return String(buffer: buffer)
    }

    /// The chunks that bring the calls: each is begun in turn, the rest of them alternates.
    private func chunks(_ calls: [String], _ random: inout Random) -> [String] {
        var chunks: [String] = []
        var rest: [(Int, [String])] = []
        for (index, arguments) in calls.enumerated() {
            chunks.append(
                Responses.chunk(
                    #"{"tool_calls":[{"index":\#(index),"id":"c\#(index)","type":"function","#
                        + #""function":{"name":"f\#(index)","arguments":""}}]}"#))
            rest.append((index, random.pieces(arguments)))
        }
        while let (place, next) = rest.enumerated().filter({ !$1.1.isEmpty }).randomElement(using: &random) {
            rest[place].1.removeFirst()
            chunks.append(
                Responses.chunk(
                    #"{"tool_calls":[{"index":\#(next.0),"id":"","function":{"name":null,"arguments":"#
                        + quoted(next.1.first ?? "") + "}}]}"))
        }
        return chunks
    }

    @Test(arguments: 0..<200) func piecesGiveTheWhole(_ seed: Int) throws {
        var random = Random(state: UInt64(seed))
        let (reasoning, text) = (random.text(20), random.text(40))
        let calls = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.text(12) }
        let finish = try #require(["stop", "length", "content_filter"].randomElement(using: &random))

        var chunks = random.pieces(reasoning).map { Responses.chunk(#"{"reasoning_content":\#(quoted($0))}"#) }
        chunks += random.pieces(text).map { Responses.chunk(#"{"content":\#(quoted($0)),"reasoning_content":null}"#) }
        chunks += self.chunks(calls, &random)
        chunks += [Responses.chunk(#"{"content":""}"#, finish: quoted(finish)), Responses.usage, "[DONE]"]
        var stream = try Responses.stream()
        let streamed = ResponsesAccumulator(try Responses.run(chunks, through: &stream).events)

        let toolCalls = calls.enumerated().map { index, arguments in
            #"{"id":"c\#(index)","type":"function","function":{"name":"f\#(index)","arguments":\#(quoted(arguments))}}"#
        }
        let usage = try #require(rawJSON(Responses.usage, "usage"))
        var document = JSONDocument()
        try document.scan(
            ByteBuffer(
                string: #"{"choices":[{"index":0,"finish_reason":\#(quoted(finish)),"message":{"role":"assistant","#
                    + #""content":\#(quoted(text)),"reasoning_content":\#(quoted(reasoning)),"#
                    + #""tool_calls":[\#(toolCalls.joined(separator: ","))]}}],"usage":\#(usage)}"#))
        let translated = ResponsesAnswer(document, Responses.identity, echo: try Responses.echo())
        let answer = try #require(translated)
        #expect(streamed.final == String(buffer: answer.body))
        let said = [reasoning, text].filter { !$0.isEmpty }
        #expect(streamed.texts == said + calls.map { $0.isEmpty && finish == "stop" ? "{}" : $0 })
    }
}
