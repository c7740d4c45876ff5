import JSON
import NIOCore
import Testing

@testable import Translation

/// Signs of life: what a client puts together is the same with and without.
struct KeepAliveTests {
    static let events = [
        #"{"choices":[{"delta":{"content":null,"role":"assistant","reasoning_content":""},"index":0,"#
            + #""finish_reason":null}],"usage":null,"created":1795000001,"model":"qwen-plus","id":"chatcmpl-q"}"#,
        #"{"choices":[{"delta":{"content":null,"role":null,"reasoning_content":"Hm"},"index":0,"finish_reason":null}],"#
            + #""usage":null,"created":1795000001,"model":"qwen-plus","id":"chatcmpl-q"}"#,
        ChatStreamUsageTests.chunk(ChatStreamUsageTests.text),
        ChatStreamUsageTests.chunk(ChatStreamUsageTests.finish),
        ChatStreamUsageTests.chunk("", usage: ChatStreamUsageTests.tokens), "[DONE]",
    ]

    /// The stream with `count` keep-alive chunks before each event, and after the last.
    private func run(_ count: Int, includesUsage: Bool) -> String {
        var stream = ChatStream(includesUsage: includesUsage)
        var document = JSONDocument()
        var output = ByteBuffer()
        for event in Self.events {
            for _ in 0..<count { stream.writeKeepAliveChunk(identity: ownIdentity, into: &output) }
            _ = stream.receive(ByteBuffer(string: event), document: &document, into: &output)
        }
        for _ in 0..<count { stream.writeKeepAliveChunk(identity: ownIdentity, into: &output) }
        return String(buffer: output)
    }

    @Test(arguments: [true, false], [1, 2]) func textIsTheSame(_ includesUsage: Bool, _ count: Int) throws {
        let text = run(count, includesUsage: includesUsage)
        var view = try ClientView(text)
        let plain = try ClientView(run(0, includesUsage: includesUsage))
        // Four of the events come before the last finish; what follows it gets comments.
        #expect(view.chunks == plain.chunks + 4 * count)
        #expect(view.chunksWithUsageKey == (includesUsage ? view.chunks : 0))
        #expect(text.hasSuffix("data: [DONE]\n\n"))
        view.chunks = plain.chunks
        view.chunksWithUsageKey = plain.chunksWithUsageKey
        #expect(view == plain)
        #expect(view.role == "assistant" && view.content == "Hi" && view.reasoning == "Hm")
    }

    @Test func chunkBeforeTheFirst() {
        var stream = ChatStream(includesUsage: false)
        var output = ByteBuffer()
        stream.writeKeepAliveChunk(identity: ownIdentity, into: &output)
        #expect(
            String(buffer: output)
                == #"data: {"id":"chatcmpl-own","object":"chat.completion.chunk","created":7,"model":"own","#
                + #""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"# + "\n\n")
    }

    @Test func chunkHasQwensIdentity() {
        var stream = ChatStream(includesUsage: true)
        var document = JSONDocument()
        var output = ByteBuffer()
        let first = #"{"id":"chatcmpl-\u0071","reated":5,"model":"m","choices":[{"index":2,"delta":{"content":"a"}}]}"#
        _ = stream.receive(ByteBuffer(string: first), document: &document, into: &output)
        output.clear()
        stream.writeKeepAliveChunk(identity: ownIdentity, into: &output)
        #expect(
            String(buffer: output)
                == #"data: {"id":"chatcmpl-\u0071","object":"chat.completion.chunk","created":5,"model":"m","#
                + #""choices":[{"index":2,"delta":{},"finish_reason":null}],"usage":null}"# + "\n\n")
    }

    @Test func nothingButAComment() throws {
        #expect(try ClientView("\(ChatStream.keepAliveComment)") == ClientView(""))
    }
}
