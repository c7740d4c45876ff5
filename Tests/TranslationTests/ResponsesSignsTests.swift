import JSON
import NIOCore
import Testing

@testable import Translation

/// Signs of life have no effect, and a stream that broke says so.
@Suite struct ResponsesSignsTests {
    private func keptAlive(_ stream: inout ResponsesStream) -> ByteBuffer {
        var output = ByteBuffer()
        stream.keepAlive(into: &output)
        return output
    }

    @Test func beforeTheFirstChunk() throws {
        var stream = try Responses.stream()
        var output = keptAlive(&stream)
        #expect(try Responses.events(in: output).map(\.name) == ["response.created", "response.in_progress"])
        output.writeImmutableBuffer(keptAlive(&stream))
        var document = JSONDocument()
        for data in Responses.recorded {
            _ = stream.receive(ByteBuffer(string: data), document: &document, into: &output)
        }
        let events = try Responses.events(in: output)
        #expect(events[2].name == "response.in_progress")
        #expect(events.filter { $0.name == "response.created" }.count == 1)
        #expect(ResponsesAccumulator(events).final != nil)
    }

    /// After each chunk there is an event that does nothing, until the answer has ended.
    @Test func betweenChunks() throws {
        var quiet = try Responses.stream()
        let expected = ResponsesAccumulator(try Responses.run(Responses.recorded, through: &quiet).events)
        var stream = try Responses.stream()
        var document = JSONDocument()
        var output = ByteBuffer()
        for data in Responses.recorded {
            _ = stream.receive(ByteBuffer(string: data), document: &document, into: &output)
            let sign = keptAlive(&stream)
            let events = try Responses.events(in: sign)
            if stream.isDone {
                #expect(sign.readableBytes == 0)
            } else if data == Responses.usage || data.contains(#""finish_reason":"tool_calls""#) {
                #expect(sign.readableBytes > 0 && events.isEmpty)
            } else {
                #expect(events.count == 1)
                let isDelta = events[0].name.hasSuffix(".delta") && events[0].string("delta") == ""
                #expect(isDelta || (events[0].name == "response.in_progress" && data == Responses.recorded[0]))
            }
            output.writeImmutableBuffer(sign)
        }
        let result = ResponsesAccumulator(try Responses.events(in: output))
        #expect(result.texts == expected.texts)
        #expect(result.ids == expected.ids)
        #expect(result.final == expected.final)
    }

    @Test func failureIsTold() throws {
        var stream = try Responses.stream()
        var (_, events) = try Responses.run(
            [Responses.chunk(#"{"content":"so \"far\""}"#)], through: &stream)
        var output = ByteBuffer()
        stream.fail(
            message: "Qwen \"broke\".", type: "rate_limit_error", code: "rate_limit_exceeded", into: &output)
        events += try Responses.events(in: output)
        let result = ResponsesAccumulator(events)
        #expect(result.failure == "Qwen \"broke\".")
        #expect(result.final == nil)
        let failed = events[events.count - 2]
        #expect(failed.name == "response.failed")
        #expect(failed.string("response.status") == "failed")
        #expect(failed.raw("response.error") == #"{"code":"rate_limit_exceeded","message":"Qwen \"broke\"."}"#)
        #expect(failed.string("response.output.0.status") == "incomplete")
        #expect(
            events.last?.data
                == #"{"type":"error","code":"rate_limit_exceeded","message":"Qwen \"broke\".","param":null,"error":{"message":"Qwen \"broke\".","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"},"sequence_number":6}"#
        )
        // Nothing follows.
        var document = JSONDocument()
        output.clear()
        #expect(stream.receive(ByteBuffer(string: "[DONE]"), document: &document, into: &output) == .proceed)
        let isEnded = stream.end(into: &output)
        #expect(!isEnded)
        stream.keepAlive(into: &output)
        stream.fail(message: "again", type: "server_error", code: nil, into: &output)
        #expect(output.readableBytes == 0)
        #expect(!stream.isDone)
        #expect(stream.storedResponse(for: try Responses.request(#"{"input":"x","store":true}"#)) == nil)
    }

    @Test func failureBeforeTheFirstChunk() throws {
        var stream = try Responses.stream()
        var output = ByteBuffer()
        stream.fail(message: "no", type: "server_error", code: nil, into: &output)
        let events = try Responses.events(in: output)
        #expect(events.map(\.name) == ["response.created", "response.in_progress", "response.failed", "error"])
        #expect(events[2].string("response.error.code") == "server_error")
        #expect(events[3].raw("code") == "null")
    }

    @Test func nothingFailsAfterTheEnd() throws {
        var stream = try Responses.stream()
        _ = try Responses.run(Responses.recorded, through: &stream)
        var output = ByteBuffer()
        stream.fail(message: "late", type: "server_error", code: nil, into: &output)
        #expect(output.readableBytes == 0)
    }

    @Test func errorBody() {
        var output = ByteBuffer()
        ResponsesErrorShape.write(
            message: "m", type: "invalid_request_error", code: nil, param: "input", into: &output)
        #expect(
            String(buffer: output)
                == #"{"error":{"message":"m","type":"invalid_request_error","param":"input","code":null}}"#)
    }
}
