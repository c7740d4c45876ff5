import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// Runs a stream through parser and translation, whole and in pieces of each of the sizes, which must all give the
/// same.
func relayed(
    _ events: [String], includesUsage: Bool = false, isPartial: Bool = false, sizes: ClosedRange<Int> = 1...24
) throws -> (text: String, isWhole: Bool, stream: ChatStream) {
    let text = events.map { "data: \($0)\n\n" }.joined()
    var document = JSONDocument()
    func run(_ size: Int) throws -> (String, Bool, ChatStream) {
        var parser = EventStreamParser()
        var stream = ChatStream(includesUsage: includesUsage, isPartial: isPartial)
        var output = ByteBuffer()
        var rest = ByteBuffer(string: text)
        while var piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            while let event = try parser.next(in: &piece) {
                _ = stream.receive(event.data, document: &document, into: &output)
            }
        }
        let isWhole = stream.end(into: &output)
        return (String(buffer: output), isWhole, stream)
    }
    let whole = try run(max(text.utf8.count, 1))
    for size in sizes {
        let split = try run(size)
        #expect(split.0 == whole.0 && split.1 == whole.1, "in pieces of \(size)")
    }
    return (whole.0, whole.1, whole.2)
}

private func frames(_ events: [String]) -> String { events.map { "data: \($0)\n\n" }.joined() }

struct ChatStreamUsageTests {
    static func chunk(_ choices: String, usage: String? = "null") -> String {
        let member = usage.map { "\"usage\":\($0)," } ?? ""
        return #"{"choices":[\#(choices)],"object":"chat.completion.chunk",\#(member)"created":1795000001,"#
            + #""system_fingerprint":null,"model":"qwen-plus","id":"chatcmpl-1"}"#
    }

    static let text =
        #"{"delta":{"content":"Hi","reasoning_content":null},"finish_reason":null,"index":0,"logprobs":null}"#
    static let finish = #"{"delta":{"content":""},"finish_reason":"stop","index":0,"logprobs":null}"#
    static let tokens =
        #"{"prompt_tokens":22,"completion_tokens":17,"total_tokens":39,"completion_tokens_details":"#
        + #"{"reasoning_tokens":9},"prompt_tokens_details":{"cached_tokens":4}}"#
    static let counted = TokenUsage(prompt: 22, completion: 17, total: 39, cached: 4, reasoning: 9)
    static let ordinary = [chunk(text), chunk(text), chunk(finish), chunk("", usage: tokens), "[DONE]"]

    @Test(arguments: [("\"reated\":5,", 5), ("", 9)], [true, false])
    func everyChunkSaysWhenItWasCreated(_ spelling: (String, Int), includesUsage: Bool) throws {
        func undated(_ choices: String, usage: String = "null") -> String {
            #"{"choices":[\#(choices)],\#(spelling.0)"usage":\#(usage),"model":"q","id":"c"}"#
        }
        var stream = ChatStream(includesUsage: includesUsage, created: 9)
        var document = JSONDocument()
        var output = ByteBuffer()
        for event in [undated(Self.text), undated(Self.finish), undated("", usage: Self.tokens), "[DONE]"] {
            _ = stream.receive(ByteBuffer(string: event), document: &document, into: &output)
        }
        let chunks = String(buffer: output).split(separator: "\n\n").dropLast()
        #expect(chunks.count == (includesUsage ? 3 : 2))
        for chunk in chunks {
            try document.scan(ByteBuffer(substring: chunk.dropFirst("data: ".count)))
            let created = document.member("created", of: document.root).flatMap { document.integer($0) }
            #expect(created == spelling.1)
        }
    }

    @Test func askedForPassesAsItIs() throws {
        let result = try relayed(Self.ordinary, includesUsage: true)
        #expect(result.text == frames(Self.ordinary))
        #expect(result.stream.usage == Self.counted)
        #expect(result.stream.finishReason == .stop)
    }

    @Test func notAskedForIsCutOut() throws {
        let result = try relayed(Self.ordinary)
        let expected = [Self.text, Self.text, Self.finish].map { Self.chunk($0, usage: nil) } + ["[DONE]"]
        #expect(result.text == frames(expected))
        #expect(result.stream.usage == Self.counted)
        #expect(result.isWhole)
    }

    /// Usage on the finish chunk, on two finish chunks, before the end, twice.
    static let shapes: [[String]] = [
        ordinary,
        [chunk(text), chunk(text), chunk(finish, usage: tokens), "[DONE]"],
        [chunk(text), chunk(text), chunk(finish), chunk(finish, usage: tokens), "[DONE]"],
        [chunk(text), chunk(text), chunk(finish, usage: "{\"total_tokens\":1}"), chunk("", usage: tokens), "[DONE]"],
        [chunk(text, usage: "{\"total_tokens\":1}"), chunk(text), chunk(finish), chunk("", usage: tokens), "[DONE]"],
        [chunk(text), chunk(text), chunk(finish), chunk("", usage: "{\"total_tokens\":1}"), chunk("", usage: tokens)],
        [chunk(text, usage: nil), chunk(text, usage: nil), chunk(finish, usage: nil), chunk("", usage: tokens)],
    ]

    @Test(arguments: shapes) func everyShapeBecomesOpenAIs(_ events: [String]) throws {
        let asked = try relayed(events, includesUsage: true)
        let view = try ClientView(asked.text)
        #expect(asked.isWhole && view.isDone)
        #expect(view.content == "HiHi")
        #expect(view.finishReasons == ["stop"])
        #expect(view.usages == [39])
        #expect(view.chunksWithUsageKey == view.chunks)
        #expect(view.chunks == 4)
        #expect(asked.text.contains("\"choices\":[]"))
        #expect(asked.stream.usage == Self.counted)

        let without = try relayed(events)
        let plain = try ClientView(without.text)
        #expect(without.isWhole && plain.isDone)
        #expect(plain.content == "HiHi" && plain.finishReasons == ["stop"])
        #expect(plain.chunksWithUsageKey == 0 && plain.chunks == 3)
        #expect(without.stream.usage == Self.counted)
    }

    @Test func missingUsageIsNotMadeUp() throws {
        let result = try relayed([Self.chunk(Self.text), Self.chunk(Self.finish), "[DONE]"], includesUsage: true)
        #expect(try ClientView(result.text).usages.isEmpty)
        #expect(result.isWhole)
        #expect(result.stream.usage == nil)
    }

    @Test func usageAtTheEndOfTheObject() throws {
        let result = try relayed([#"{"created":1,"choices":[\#(Self.text)],"id":"x" , "usage":null }"#])
        #expect(result.text == frames([#"{"created":1,"choices":[\#(Self.text)],"id":"x" }"#]))
    }

    @Test func oneOfSeveralChoicesEndsTwice() throws {
        let second = #"{"delta":{"content":"b"},"finish_reason":null,"index":1}"#
        let result = try relayed([Self.chunk(second), Self.chunk(Self.finish), Self.chunk("\(Self.finish),\(second)")])
        let view = try ClientView(result.text)
        #expect(view.finishReasons == ["stop"])
        #expect(view.content == "bb")
        #expect(!result.isWhole)
    }

    @Test(arguments: [
        [chunk(text), chunk(finish), chunk("", usage: tokens), "[DONE]"], [chunk(text), chunk("", usage: tokens)],
        [chunk(text), "[DONE]"], [chunk(text)],
    ])
    func partialAnswerEndsForItsLength(_ events: [String]) throws {
        for includesUsage in [true, false] {
            let result = try relayed(events, includesUsage: includesUsage, isPartial: true)
            let view = try ClientView(result.text)
            #expect(result.isWhole && view.isDone)
            #expect(view.finishReasons == ["length"])
            #expect(view.content == "Hi")
            #expect(result.stream.finishReason == .length)
        }
    }

    @Test(arguments: [
        (#"{"prompt_tokens":-1,"completion_tokens":2.5,"total_tokens":"x"}"#, TokenUsage()),
        (#"{"prompt_tokens":3,"completion_tokens":4}"#, TokenUsage(prompt: 3, completion: 4, total: 7)),
        (#"{"prompt_tokens":9223372036854775807}"#, TokenUsage(prompt: 1 << 40, total: 1 << 40)),
        (#"{"prompt_tokens_details":null,"completion_tokens_details":{}}"#, TokenUsage()),
    ])
    func oddNumbers(_ usage: String, _ expected: TokenUsage) throws {
        let result = try relayed([Self.chunk("", usage: usage)])
        #expect(result.stream.usage == expected)
        #expect(result.text.isEmpty)
    }
}
