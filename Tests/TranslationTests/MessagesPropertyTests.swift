import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// A stream and the answer in one piece say the same, however the stream is cut up.
struct MessagesPropertyTests {
    /// An answer, and the ways to send it.
    struct Sample {
        var thinking = ""
        var text = ""
        var inputs: [String] = []

        init(_ random: inout SplitMix) {
            if random.below(2) == 0 { thinking = Self.prose(&random) }
            if random.below(4) > 0 { text = Self.prose(&random) }
            for _ in 0..<random.below(4) { inputs.append(Self.object(&random, depth: 0)) }
        }

        static func prose(_ random: inout SplitMix) -> String {
            let words = ["a", "é", "你好", "\"", "\\", "\n", " ", "😀", "\u{7}", "</x>", "data: ", "\u{2028}"]
            return (0...random.below(12)).map { _ in random.pick(words) }.joined()
        }

        static func object(_ random: inout SplitMix, depth: Int) -> String {
            let members = (0..<random.below(3)).map { index in
                let value =
                    switch random.below(depth < 2 ? 4 : 2) {
                    case 0: quoted(prose(&random))
                    case 1: "\(random.below(100))"
                    case 2: "[\(object(&random, depth: depth + 1)),null]"
                    default: object(&random, depth: depth + 1)
                    }
                return "\(quoted("k\(index)")): \(value)"
            }
            return "{\(members.joined(separator: ", "))}"
        }

        var blocks: [MessageView.Block] {
            var blocks: [MessageView.Block] = []
            if !thinking.isEmpty { blocks.append(.thinking(thinking)) }
            if !text.isEmpty { blocks.append(.text(text)) }
            for (index, input) in inputs.enumerated() {
                blocks.append(.call(id: "call_\(index)", name: "f\(index)", input: input))
            }
            return blocks
        }

        var finish: String { inputs.isEmpty ? "\"stop\"" : "\"tool_calls\"" }

        /// In one piece.
        var document: String {
            let calls = inputs.enumerated().map { index, input in
                #"{"index":\#(index),"id":"call_\#(index)","type":"function","function":{"name":"f\#(index)","#
                    + #""arguments":\#(MessagesPropertyTests.quoted(input))}}"#
            }
            let list = calls.isEmpty ? "" : #","tool_calls":[\#(calls.joined(separator: ","))]"#
            return #"{"id":"c","object":"chat.completion","created":1,"model":"q","choices":[{"index":0,"message":{"#
                + #""role":"assistant","content":\#(MessagesPropertyTests.quoted(text)),"#
                + #""reasoning_content":\#(MessagesPropertyTests.quoted(thinking))\#(list)},"finish_reason":\#(finish)}],"#
                + #""usage":{"prompt_tokens":22,"completion_tokens":17,"total_tokens":39,"#
                + #""completion_tokens_details":{"reasoning_tokens":9},"prompt_tokens_details":{"cached_tokens":5}}}"#
        }

        /// In chunks; pieces of calls come by turns.
        func chunks(_ random: inout SplitMix) -> [String] {
            var chunks = [Qwen.first]
            for piece in MessagesPropertyTests.pieces(of: thinking, &random) {
                chunks.append(Qwen.chunk(#"{"reasoning_content":\#(MessagesPropertyTests.quoted(piece))}"#))
            }
            for piece in MessagesPropertyTests.pieces(of: text, &random) {
                chunks.append(
                    Qwen.chunk(#"{"content":\#(MessagesPropertyTests.quoted(piece)),"reasoning_content":null}"#))
            }
            var rest = inputs.map { MessagesPropertyTests.pieces(of: $0, &random)[...] }
            var begun = 0
            while begun < rest.count || rest.contains(where: { !$0.isEmpty }) {
                let call = random.below(min(begun + 1, rest.count))
                var function = #""arguments":""#
                var id = ""
                if call == begun {
                    begun += 1
                    id = #""id":"call_\#(call)","#
                    function = #""name":"f\#(call)",\#(function)"#
                }
                let piece = rest[call].popFirst() ?? ""
                function += String(MessagesPropertyTests.quoted(piece).dropFirst())
                chunks.append(
                    Qwen.chunk(#"{"tool_calls":[{"index":\#(call),\#(id)"function":{\#(function)}}]}"#))
            }
            return chunks + [Qwen.chunk("{}", finish: finish), Qwen.usage, Qwen.done]
        }
    }

    static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        return String(buffer: buffer)
    }

    static func pieces(of text: String, _ random: inout SplitMix) -> [String] {
        var pieces: [String] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            let count = 1 + random.below(6)
            pieces.append(String(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test(arguments: 0..<200) func streamAndAnswerAgree(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let sample = Sample(&random)
        var document = JSONDocument()
        let answer = try MessagesAnswer(
            ByteBuffer(string: sample.document), document: &document, identity: messageIdentity)
        let whole = try MessageView(answer: String(buffer: answer.body))
        #expect(whole.blocks == sample.blocks)

        let chunks = sample.chunks(&random)
        let text = chunks.map { "data: \($0)\n\n" }.joined()
        let run = try runMessages(text, size: 1 + random.below(200))
        let view = try MessageView(run.output)
        #expect(view.blocks == sample.blocks)
        #expect(view.stopReason == whole.stopReason)
        #expect(view.usage == whole.usage)
        #expect(view.isStopped)

        // What is put together from the same chunks is the same answer.
        var assembler = ChatAssembler(limit: 1 << 20)
        for chunk in chunks.dropLast() { _ = assembler.receive(ByteBuffer(string: chunk), document: &document) }
        var assembled = ByteBuffer()
        let isWhole = assembler.finish(identity: ownIdentity, into: &assembled)
        #expect(isWhole)
        let again = try MessagesAnswer(assembled, document: &document, identity: messageIdentity)
        #expect(try MessageView(answer: String(buffer: again.body)) == whole)
    }

    /// Wherever the upstream breaks off, there is no end: not within an event, nor between two.
    @Test(arguments: 0..<8) func cutStreamsHaveNoEnd(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        // With the usage all is there but the marker.
        let chunks = Sample(&random).chunks(&random).dropLast()
        let bytes = ByteBuffer(string: chunks.map { "data: \($0)\n\n" }.joined())
        var parser = EventStreamParser()
        var stream = MessagesStream(identity: messageIdentity)
        var document = JSONDocument()
        var output = ByteBuffer()
        for cut in 0..<bytes.readableBytes {
            var ended = stream
            var end = output
            if ended.end(into: &end) || end != output { Issue.record("an end, cut at \(cut)") }
            guard var byte = bytes.getSlice(at: bytes.readerIndex + cut, length: 1) else { continue }
            guard let event = try parser.next(in: &byte) else { continue }
            let action = stream.receive(event.data, document: &document, into: &output)
            #expect(action == .proceed)
            let view = try MessageView(String(buffer: output))
            #expect(!view.isStopped, "cut at \(cut)")
        }
        let isWhole = stream.end(into: &output)
        #expect(isWhole)
    }

    /// Bytes that are not what they should be never lead to a stream that breaks the protocol.
    @Test(arguments: 0..<60) func damagedStreamsKeepTheOrder(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let chunks = Sample(&random).chunks(&random)
        var bytes = Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)
        for _ in 0..<1 + random.below(4) {
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[place] = UInt8(0x20 + random.below(0x5F))
            case 1: bytes.remove(at: place)
            default: bytes.insert(random.pick(Array(#"{}[]",:0\n"#.utf8)), at: place)
            }
        }
        var parser = MessagesDamage()
        try parser.run(bytes)
    }
}

/// Runs damaged bytes until the first event that is refused, as the gateway does.
private struct MessagesDamage {
    mutating func run(_ bytes: [UInt8]) throws {
        var stream = MessagesStream(identity: messageIdentity)
        var parser = EventStreamParser()
        var document = JSONDocument()
        var output = ByteBuffer()
        var input = ByteBuffer(bytes: bytes)
        while let event = try parser.next(in: &input) {
            let action = stream.receive(event.data, document: &document, into: &output)
            if action == .fault || action == .malformed {
                stream.fail(status: 502, message: "broken", requestID: nil, into: &output)
                break
            }
        }
        _ = stream.end(into: &output)
        let view = try MessageView(String(buffer: output))
        #expect(!(view.isStopped && view.error != nil))
    }
}
