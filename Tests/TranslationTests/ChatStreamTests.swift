import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// When a stream is whole, and what is passed on of it.
@Suite struct ChatStreamTests {
    static let piece =
        #"{"created":1,"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#
    static let finish = #"{"created":1,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#
    static let usage = #"{"created":1,"choices":[],"usage":{"total_tokens":3}}"#

    /// Feeds events, and ends the stream cleanly: the actions, what the client got, and whether it was whole.
    private func run(
        _ events: [String], includesUsage: Bool = true
    ) -> (actions: [ChatStream.Action], output: String, isWhole: Bool) {
        var stream = ChatStream(includesUsage: includesUsage)
        var document = JSONDocument()
        var output = ByteBuffer()
        let actions = events.map { stream.receive(ByteBuffer(string: $0), document: &document, into: &output) }
        let isWhole = stream.end(into: &output)
        return (actions, String(buffer: output), isWhole)
    }

    @Test func eventsPassUnchanged() {
        let result = run([Self.piece, Self.piece, Self.finish, "[DONE]"])
        #expect(result.actions == [.proceed, .proceed, .proceed, .done])
        #expect(
            result.output == "data: \(Self.piece)\n\ndata: \(Self.piece)\n\ndata: \(Self.finish)\n\ndata: [DONE]\n\n")
        #expect(result.isWhole)
    }

    /// Who knows errors by their text is asked only about what begins like an event.
    @Test(arguments: [
        (#"id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling\",\"message\":\"m\"}"#, true),
        (#"An event stream begins with id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"c\"}"#, false),
        ("id:1", false),
    ])
    func wrappedErrorIsNoText(_ text: String, _ isError: Bool) {
        var stream = ChatStream(includesUsage: false, isWrappedError: { $0.contains("HTTP_STATUS/429") })
        var document = JSONDocument()
        var output = ByteBuffer()
        let chunk = #"{"choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#
        _ = stream.receive(ByteBuffer(string: Self.piece), document: &document, into: &output)
        let sent = output
        let action = stream.receive(ByteBuffer(string: chunk), document: &document, into: &output)
        #expect(action == (isError ? .fault : .proceed))
        #expect((output == sent) == isError)
    }

    @Test func nothingFollowsTheMarker() {
        let result = run([Self.finish, "[DONE]", Self.piece, "[DONE]"])
        #expect(result.output == "data: \(Self.finish)\n\ndata: [DONE]\n\n")
    }

    /// The assembler says the same.
    @Test(arguments: [[], [piece]]) func theMarkerAloneMakesNoStreamWhole(_ pieces: [String]) {
        let result = run(pieces + ["[DONE]"])
        #expect(!result.isWhole)
        #expect(!result.output.contains("[DONE]"))
    }

    @Test func cleanEndAfterEveryFinishAndTheUsageIsWhole() {
        let result = run([Self.piece, Self.finish, Self.usage], includesUsage: false)
        #expect(result.isWhole)
        #expect(result.output.hasSuffix("data: [DONE]\n\n"))
    }

    @Test(arguments: [[], [piece], [usage]] as [[String]])
    func cleanEndBeforeTheFinishIsTruncated(_ events: [String]) {
        let result = run(events)
        #expect(!result.isWhole)
        #expect(!result.output.contains("[DONE]"))
    }

    /// Qwen is always asked for it: a stream that ends without it and the marker may be cut, however clean it ends.
    @Test(arguments: [true, false]) func usageMustCome(includesUsage: Bool) {
        #expect(!run([Self.piece, Self.finish], includesUsage: includesUsage).isWhole)
        #expect(run([Self.piece, Self.finish, Self.usage], includesUsage: includesUsage).isWhole)
    }

    @Test func everyChoiceMustFinish() {
        let second = #"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}"#
        #expect(!run([Self.piece, second, Self.finish], includesUsage: false).isWhole)
    }

    @Test(arguments: [
        #"{"error":{"message":"no","code":"x"}}"#, #"{"code":"Throttling","message":"slow"}"#,
        #"{"choices":[{"index":0,"delta":{"content":"why"},"finish_reason":"error_finish"}]}"#,
        #"{"choices":[],"error":{"message":"no"}}"#,
    ])
    func errorsAreNotPassedOn(_ event: String) {
        let result = run([Self.piece, event])
        #expect(result.actions == [.proceed, .fault])
        #expect(result.output == "data: \(Self.piece)\n\n")
    }

    @Test(arguments: ["<html>", "[1]", "{", "\u{FEFF}{}", "[DONE"])
    func nonsenseIsMalformed(_ event: String) {
        #expect(run([event]).actions == [.malformed])
    }
}
