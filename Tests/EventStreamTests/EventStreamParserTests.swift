import EventStream
import NIOCore
import Testing

typealias Event = ReferenceParser.Event

@Suite struct EventStreamParserTests {
    /// Feeds the chunks and ends the input.
    static func parse(_ chunks: [[UInt8]]) throws -> (events: [Event], isClean: Bool) {
        var parser = EventStreamParser()
        var events: [Event] = []
        for chunk in chunks {
            var buffer = ByteBuffer(bytes: chunk)
            while let event = try parser.next(in: &buffer) { events.append(Event(event)) }
            #expect(buffer.readableBytes == 0)
        }
        switch parser.finish() {
        case .clean: return (events, true)
        case .incomplete(let last): return (events + (last.map { [Event($0)] } ?? []), false)
        }
    }

    struct Vector: Sendable {
        let input: String
        let events: [Event]
        var isClean = true
    }

    static let vectors: [Vector] = [
        Vector(input: "", events: []),
        Vector(input: "data: a\n\n", events: [Event("a")]),
        Vector(input: "data:a\n\n", events: [Event("a")]),
        Vector(input: "data:  a\n\n", events: [Event(" a")]),
        Vector(input: "data: a\r\n\r\n", events: [Event("a")]),
        Vector(input: "data: a\r\r", events: [Event("a")]),
        Vector(input: "data: a\r\n\n", events: [Event("a")]),
        Vector(input: "data: a\n\r\n", events: [Event("a")]),
        Vector(input: "data: a\n\r", events: [Event("a")]),
        Vector(
            input: "data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n",
            events: [Event("a"), Event("b"), Event("c"), Event("d")]),
        Vector(input: "data: a\r\rdata: b\r\r", events: [Event("a"), Event("b")]),
        Vector(input: "\n\n\r\r\r\n\ndata: a\n\n\n\n", events: [Event("a")]),
        Vector(input: "data: a\ndata: b\ndata:\ndata: c\n\n", events: [Event("a\nb\n\nc")]),
        Vector(input: "data\n\n", events: [Event("")]),
        Vector(input: "data:\n\n", events: [Event("")]),
        Vector(input: "data: \n\n", events: [Event("")]),
        Vector(input: "data\ndata\n\n", events: [Event("\n")]),
        Vector(input: "data: a:b: c\n\n", events: [Event("a:b: c")]),
        Vector(
            input: "event: error\nid: 7\ndata: x\n\ndata: y\n\n",
            events: [Event("x", name: "error", id: "7"), Event("y")]),
        Vector(input: "event:\nid:\ndata: x\n\n", events: [Event("x", id: "")]),
        Vector(input: "event: a\nevent: b\ndata: x\n\n", events: [Event("x", name: "b")]),
        Vector(input: "event: ping\n\ndata: x\n\n", events: [Event("x")]),
        Vector(input: "id: a\0b\ndata: x\n\n", events: [Event("x")]),
        Vector(input: ": keep-alive\n\ndata: x\n\n: more\n\n", events: [Event("x")]),
        Vector(input: ":\n\n", events: []),
        Vector(
            input: "retry: 100\nData: no\ndatum: no\n data: no\ndat\nids: 3\nevents: no\ndata: x\n\n",
            events: [Event("x")]),
        Vector(input: "\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", events: [Event("a")]),
        Vector(input: "\u{FEFF}\ndata: a\n\n", events: [Event("a")]),
        Vector(input: "\u{FEFF}", events: [], isClean: false),
        Vector(input: "data: 通义千问 é\n\n", events: [Event("通义千问 é")]),
        // Qwen's error in a stream: the status stands in a comment, `data:` without a space, no blank line.
        Vector(
            input: "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling\"}",
            events: [Event("{\"code\":\"Throttling\"}", name: "error", id: "1", status: 429, isComplete: false)],
            isClean: false),
        Vector(
            input: "id:1\r\nevent:result\r\n:HTTP_STATUS/200\r\ndata:{}\r\n\r\ndata:{}\r\n\r\n",
            events: [Event("{}", name: "result", id: "1", status: 200), Event("{}")]),
        Vector(input: ":HTTP_STATUS/4x9\ndata: a\n\n:HTTP_STATUS/1234\ndata: b\n\n", events: [Event("a"), Event("b")]),
        Vector(input: ": HTTP_STATUS/429\ndata: a\n\n", events: [Event("a")]),
        Vector(input: "data: a\n", events: [Event("a", isComplete: false)], isClean: false),
        Vector(input: "data: a\r", events: [Event("a", isComplete: false)], isClean: false),
        Vector(
            input: "data: a\n\ndata: {\"x\"", events: [Event("a"), Event("{\"x\"", isComplete: false)], isClean: false),
        Vector(input: "data: a\n\nevent: x\n", events: [Event("a")], isClean: false),
        Vector(input: "data: a\n\ndat", events: [Event("a")], isClean: false),
        Vector(input: "data: a\n\n:HTTP_STATUS/500\n", events: [Event("a")], isClean: false),
        Vector(input: "data: a\n\n: cut comm", events: [Event("a")], isClean: false),
        Vector(input: "data: [DONE]\n\n", events: [Event("[DONE]")]),
    ]

    @Test(arguments: vectors) func vectorGivesItsEvents(_ vector: Vector) throws {
        let whole = try Self.parse([Array(vector.input.utf8)])
        #expect(whole.events == vector.events)
        #expect(whole.isClean == vector.isClean)
    }

    @Test(arguments: vectors) func referenceAgrees(_ vector: Vector) {
        let reference = ReferenceParser.parse(Array(vector.input.utf8))
        #expect(reference.events == vector.events)
        #expect(reference.isClean == vector.isClean)
    }

    @Test(arguments: vectors) func everySplitGivesTheSame(_ vector: Vector) throws {
        let bytes = Array(vector.input.utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let parts = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                let result = try Self.parse(parts)
                #expect(result.events == vector.events, "cut at \(first) and \(second)")
                #expect(result.isClean == vector.isClean, "cut at \(first) and \(second)")
            }
        }
        let single = try Self.parse(bytes.map { [$0] })
        #expect(single.events == vector.events)
        #expect(single.isClean == vector.isClean)
    }

    @Test(arguments: 0..<40) func randomStreamsReadAsTheReferenceDoes(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let pieces = [
            "data", "data:", "data: ", "event:", "event: ", "id:", "id: 3", ":", ":HTTP_STATUS/429", ": ping",
            "retry: 1",
            "x", " ", ":", "\n", "\n", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "\u{FEFF}", "{\"a\":1}", "é", "\0",
            "error",
            "a long stretch of text that fills several words",
        ]
        for _ in 0..<100 {
            var input: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                input += Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8)
            }
            var chunks: [[UInt8]] = []
            var rest = input[...]
            while !rest.isEmpty {
                let count = Int.random(
                    in: 1...min(rest.count, 1 + Int.random(in: 0...30, using: &random)), using: &random)
                chunks.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let expected = ReferenceParser.parse(input)
            let result = try Self.parse(chunks)
            #expect(result.events == expected.events, "\(String(decoding: input, as: UTF8.self).debugDescription)")
            #expect(result.isClean == expected.isClean, "\(String(decoding: input, as: UTF8.self).debugDescription)")
        }
    }

    @Test func lineEndIsFoundAtEveryPlace() throws {
        for length in 0...40 {
            for end in ["\n\n", "\r\n\r\n", "\r\r"] {
                let text = String(repeating: "x", count: length)
                // Bytes next to CR and LF in value, and with bit 7 set, must not be taken for one.
                for byte in ["x", "\u{0B}", "\u{0C}", "\u{0E}", "\u{8A}", "\u{8D}"] {
                    let data = text + byte + text
                    let result = try Self.parse([Array("data: \(data)\(end)data: \(data)\(end)".utf8)])
                    #expect(result.events == [Event(data), Event(data)])
                }
            }
        }
    }

    @Test func eventIsSliceOfItsChunk() throws {
        let chunk = ByteBuffer(string: "data: {\"a\":1}\n\nevent: x\ndata: two\n\n")
        var rest = chunk
        var parser = EventStreamParser()
        _ = try parser.next(in: &rest)
        let second = try parser.next(in: &rest)
        let place = unsafe second?.data.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let start = unsafe chunk.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(second.map { String(buffer: $0.data) } == "two")
        #expect(place == start + 30)
    }

    @Test func eventStaysIntactWhenTheParserGoesOn() throws {
        var parser = EventStreamParser()
        var events: [ServerSentEvent] = []
        for number in 0..<50 {
            for part in ["da", "ta: first \(number)\nda", "ta: second \(number)\n", "\ndata: thi", "rd \(number)\n\n"] {
                var buffer = ByteBuffer(string: part)
                while let event = try parser.next(in: &buffer) { events.append(event) }
            }
        }
        let expected = (0..<50).flatMap { ["first \($0)\nsecond \($0)", "third \($0)"] }
        #expect(events.map { String(buffer: $0.data) } == expected)
    }

    @Test func parserIsFreshAfterTheEnd() throws {
        var parser = EventStreamParser()
        var first = ByteBuffer(string: "event: a\n:HTTP_STATUS/500\ndata: cut")
        #expect(try parser.next(in: &first) == nil)
        guard case .incomplete(let last?) = parser.finish() else {
            Issue.record("an event was pending")
            return
        }
        #expect(last.isNamed("a") && !last.isNamed("b") && last.hasData("cut") && !last.isComplete)
        var second = ByteBuffer(string: "\u{FEFF}data: b\n\n")
        #expect(try parser.next(in: &second) == ServerSentEvent(data: ByteBuffer(string: "b")))
        #expect(parser.finish() == .clean)
    }
}

@Suite struct EventStreamLimitTests {
    private static let limit = 100

    /// The number of events, or nil if the stream was refused.
    private func count(_ chunks: [String]) -> Int? {
        var parser = EventStreamParser(limit: Self.limit)
        var count = 0
        do throws(EventStreamError) {
            for chunk in chunks {
                var buffer = ByteBuffer(string: chunk)
                while try parser.next(in: &buffer) != nil { count += 1 }
            }
        } catch {
            #expect(error == .eventTooLarge(limit: Self.limit))
            var more = ByteBuffer(string: "data: a\n\n")
            #expect(throws: EventStreamError.eventTooLarge(limit: Self.limit)) { try parser.next(in: &more) }
            #expect(parser.finish() == .incomplete(nil))
            return nil
        }
        return count
    }

    @Test func eventOfTheLimitPassesAndOneByteMoreDoesNot() {
        let exact = "data: " + String(repeating: "x", count: 94)
        for split in [false, true] {
            let chunks = { (text: String) in split ? text.map { String($0) } : [text] }
            #expect(count(chunks("data: a\n\n" + exact + "\n\n" + exact + "\n\n")) == 3)
            #expect(count(chunks("data: a\n\n" + exact + "x\n\n")) == nil)
            #expect(count(chunks(exact + "x")) == nil)
        }
    }

    @Test func linesOfOneEventAddUp() {
        let line = "data: " + String(repeating: "x", count: 34) + "\n"
        #expect(count([line, line, "\n", line, line, "\n"]) == 2)
        #expect(count([line, line, line]) == nil)
        #expect(count([String(repeating: "id: 1\n", count: 30)]) == nil)
    }

    @Test func lineWithoutEndIsRefused() {
        #expect(count(Array(repeating: "xxxxxxxxxx", count: 10)) == 0)
        #expect(count(Array(repeating: "xxxxxxxxxx", count: 11)) == nil)
    }

    @Test func commentsAndEventsWithoutEndPass() {
        #expect(count(Array(repeating: ": ping\n", count: 1000)) == 0)
        #expect(count(Array(repeating: "data: ping\n\n", count: 1000)) == 1000)
    }
}

extension ReferenceParser.Event {
    init(_ event: ServerSentEvent) {
        self.init("")
        data = Array(event.data.readableBytesView)
        name = event.name.map { Array($0.readableBytesView) }
        id = event.id.map { Array($0.readableBytesView) }
        status = event.status
        isComplete = event.isComplete
    }
}

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
