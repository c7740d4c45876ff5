import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

struct ChatStreamSplitTests {
    private struct Result: Equatable {
        var output = ""
        var actions: [ChatStream.Action] = []
        var isWhole = false
    }

    /// Runs a stream through parser and translation, in pieces of `size` bytes.
    private func run(_ text: String, size: Int, includesUsage: Bool = false) throws -> Result {
        var parser = EventStreamParser()
        var stream = ChatStream(includesUsage: includesUsage)
        var document = JSONDocument()
        var output = ByteBuffer()
        var result = Result()
        var rest = ByteBuffer(string: text)
        while var piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            while let event = try parser.next(in: &piece) {
                result.actions.append(stream.receive(event.data, document: &document, into: &output))
            }
        }
        result.isWhole = stream.end(into: &output)
        result.output = String(buffer: output)
        return result
    }

    /// The same at every size of the pieces.
    private func runSplit(_ text: String, includesUsage: Bool = false) throws -> Result {
        let whole = try run(text, size: text.utf8.count, includesUsage: includesUsage)
        for size in 1..<text.utf8.count {
            #expect(try run(text, size: size, includesUsage: includesUsage) == whole, "in pieces of \(size)")
        }
        return whole
    }

    private static let text = #"{"created":1,"choices":[{"delta":{"content":"é"},"index":0,"finish_reason":null}]}"#
    private static let last = #"{"created":1,"choices":[{"delta":{},"index":0,"finish_reason":"stop"}]}"#
    private static let usage = #"{"created":1,"choices":[],"usage":{"total_tokens":3}}"#

    private func frames(_ data: String...) -> String { data.map { "data: \($0)\n\n" }.joined() }

    @Test func eventsPassAsTheyAre() throws {
        let clean = frames(Self.text, Self.text, Self.last, "[DONE]")
        let result = try runSplit(clean)
        #expect(result.output == clean)
        #expect(result.actions == [.proceed, .proceed, .proceed, .done])
        #expect(result.isWhole)
        let spelled =
            ": hi\r\nid:1\r\ndata:\(Self.text)\r\n\r\ndata:\(Self.text)\n\ndata:\(Self.last)\n\ndata:[DONE]\n\n"
        #expect(try runSplit(spelled).output == clean)
    }

    @Test func nothingFollowsTheMarker() throws {
        let result = try runSplit(frames(Self.last, "[DONE]", Self.text, "[DONE]"))
        #expect(result.output == frames(Self.last, "[DONE]"))
    }

    @Test func missingMarkerIsAddedOnlyToAWholeStream() throws {
        let counted = frames(Self.text, Self.last, Self.usage)
        #expect(try runSplit(counted).output == frames(Self.text, Self.last, "[DONE]"))
        #expect(try !runSplit(frames(Self.text, Self.last)).isWhole)
        #expect(try !runSplit(frames(Self.text)).isWhole)
        #expect(try !runSplit(frames(Self.text)).output.contains("[DONE]"))
        #expect(try !runSplit(frames(Self.text, Self.last), includesUsage: true).isWhole)
        #expect(try runSplit(frames(Self.text, Self.last, Self.usage), includesUsage: true).isWhole)
        #expect(try !runSplit(": nothing\n\n").isWhole)
        let second = #"{"choices":[{"delta":{},"index":1,"finish_reason":null}]}"#
        #expect(try !runSplit(frames(second, Self.last)).isWhole)
    }

    static let faults = [
        #"{"error":{"message":"m","code":"c"}}"#, #"{"request_id":"r","code":"Throttling","message":"m"}"#,
        #"{"choices":[{"index":0,"finish_reason":"error_finish","delta":{"content":"m"}}]}"#,
        #"{"choices":[],"error":{"message":"m"}}"#, "{}",
    ]

    @Test(arguments: faults) func faultIsNotPassedOn(_ fault: String) throws {
        let result = try runSplit(frames(Self.text, fault))
        #expect(result.output == frames(Self.text))
        #expect(result.actions == [.proceed, .fault])
        #expect(!result.isWhole)
    }

    @Test(arguments: ["<html>", "[]", "17", "{\"choices\":", "[DONE]x"]) func malformed(_ data: String) throws {
        let result = try runSplit(frames(Self.text, data))
        #expect(result.output == frames(Self.text))
        #expect(result.actions == [.proceed, .malformed])
    }
}
