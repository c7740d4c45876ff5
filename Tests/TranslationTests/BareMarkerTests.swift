import JSON
import NIOCore
import Testing

@testable import Translation

/// `[DONE]` behind an answer that gave no reason for its end: something on the way has lost the rest. No dialect tells
/// its client that such an answer is whole.
struct BareMarkerTests {
    private static let text =
        #"{"choices":[{"delta":{"content":"a"},"finish_reason":null,"index":0}],"id":"c","model":"q","created":1}"#

    /// What a stream makes of the text and the marker, and whether it takes the answer for whole at the end.
    private func run(
        _ receive: (ByteBuffer, inout JSONDocument, inout ByteBuffer) -> ChatStream.Action,
        _ end: (inout ByteBuffer) -> Bool
    ) -> (actions: [ChatStream.Action], isWhole: Bool, output: String) {
        var document = JSONDocument()
        var output = ByteBuffer()
        let actions = [Self.text, "[DONE]"].map { receive(ByteBuffer(string: $0), &document, &output) }
        let isWhole = end(&output)
        return (actions, isWhole, String(buffer: output))
    }

    @Test func completions() throws {
        var document = JSONDocument()
        let request = try CompletionRequest(
            ByteBuffer(string: #"{"prompt":"p","stream":true}"#), document: &document, defaultModel: "qwen-plus")
        var stream = CompletionStream(request, identity: ChatIdentity(id: "c", created: 1, model: "q"))
        var last = CompletionStream(request, identity: ChatIdentity(id: "c", created: 1, model: "q"))
        let result = run(
            { stream.receive($0, document: &$1, into: &$2) }, { stream.end(into: &$0) })
        #expect(result.actions == [.proceed, .proceed])
        #expect(!result.isWhole)
        #expect(!result.output.contains("[DONE]"))

        // An answer that Qwen calls partial needs no reason.
        last.markPartial()
        #expect(run({ last.receive($0, document: &$1, into: &$2) }, { last.end(into: &$0) }).actions.last == .done)
    }

    @Test func responses() throws {
        var stream = try Responses.stream()
        let result = run(
            { stream.receive($0, document: &$1, into: &$2) }, { stream.end(into: &$0) })
        #expect(result.actions == [.proceed, .proceed])
        #expect(!result.isWhole)
        #expect(!result.output.contains("response.completed"))

        var last = try Responses.stream(isPartial: true)
        let partial = run({ last.receive($0, document: &$1, into: &$2) }, { last.end(into: &$0) })
        #expect(partial.actions.last == .done)
        #expect(partial.output.contains("response.incomplete"))
    }
}
