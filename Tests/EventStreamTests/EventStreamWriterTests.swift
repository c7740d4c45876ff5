import EventStream
import NIOCore
import Testing

@Suite struct EventStreamWriterTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var output = ByteBuffer(string: "before")
        output.moveReaderIndex(forwardBy: 2)
        write(&output)
        let text = String(buffer: output)
        #expect(text.hasPrefix("fore"))
        return String(text.dropFirst(4))
    }

    @Test func dataOfOneLine() {
        #expect(written { EventStreamWriter.writeEvent(data: ByteBuffer(string: "{}"), into: &$0) } == "data: {}\n\n")
        #expect(written { EventStreamWriter.writeEvent(data: "[DONE]", into: &$0) } == "data: [DONE]\n\n")
        #expect(written { EventStreamWriter.writeEvent(data: "", into: &$0) } == "data: \n\n")
    }

    @Test func namedEvent() {
        let text = written { EventStreamWriter.writeEvent("ping", data: ByteBuffer(string: "{}"), into: &$0) }
        #expect(text == "event: ping\ndata: {}\n\n")
    }

    @Test func comment() {
        #expect(written { EventStreamWriter.writeComment("keep-alive", into: &$0) } == ": keep-alive\n\n")
    }

    @Test func everyKindOfLineEndBecomesDataLine() {
        let data = ByteBuffer(string: "a\nb\r\nc\rd\n\n")
        let text = written { EventStreamWriter.writeEvent(data: data, into: &$0) }
        #expect(text == "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n")
    }

    @Test func dataWrittenInPlace() {
        let text = written { output in
            let mark = EventStreamWriter.beginEvent("delta", into: &output)
            output.writeString("{\n")
            output.writeString("}")
            EventStreamWriter.endEvent(mark, into: &output)
        }
        #expect(text == "event: delta\ndata: {\ndata: }\n\n")
    }

    @Test(arguments: 0..<20) func parserReadsWhatIsWritten(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var output = ByteBuffer()
        var expected: [ReferenceParser.Event] = []
        for _ in 0..<50 {
            let data = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                ["a", "data: ", ":", " ", "\n", "é"][Int.random(in: 0..<6, using: &random)]
            }.joined()
            if Bool.random(using: &random) {
                EventStreamWriter.writeEvent("some.event", data: ByteBuffer(string: data), into: &output)
                expected.append(.init(data, name: "some.event"))
            } else {
                EventStreamWriter.writeEvent(data: ByteBuffer(string: data), into: &output)
                expected.append(.init(data))
            }
            EventStreamWriter.writeComment("ping", into: &output)
        }
        let result = try EventStreamParserTests.parse([Array(output.readableBytesView)])
        #expect(result.events == expected)
        #expect(result.isClean)
    }
}
