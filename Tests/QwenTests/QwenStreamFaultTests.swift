import EventStream
import JSON
import NIOCore
import Testing

@testable import Qwen

/// Errors inside of streams of status 200, told from what a stream ordinarily brings.
@Suite struct QwenStreamFaultTests {
    private func fault(_ stream: String) -> QwenFault? {
        var parser = EventStreamParser()
        var bytes = ByteBuffer(string: stream)
        var document = JSONDocument()
        var event = try? parser.next(in: &bytes)
        if event == nil, case .incomplete(let last?) = parser.finish() { event = last }
        return event.flatMap { QwenFault($0, document: &document) }
    }

    private static let throttled =
        #"{"request_id":"r-1","code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}"#

    @Test(arguments: ["\n", "\r\n", "\r"], ["\n\n", ""]) func flatErrorWithStatusComment(_ line: String, _ end: String)
    {
        let lines = ["id:1", "event:error", ":HTTP_STATUS/429", "data:\(Self.throttled)"]
        let found = fault(lines.joined(separator: line) + end)
        #expect(found?.kind == .throttled(.tokens))
        #expect(found?.status == 429)
        #expect(found?.requestID == "r-1")
        #expect(found?.code == "Throttling.AllocationQuota")
    }

    @Test func flatErrorWithoutAnythingAroundIt() {
        #expect(fault("data: \(Self.throttled)\n\n")?.kind == .throttled(.tokens))
    }

    @Test func statusCommentDecidesWhatACodeLeavesOpen() {
        let flat = #"data:{"code":"X","message":"m","request_id":"r"}"#
        #expect(fault("event:error\n:HTTP_STATUS/503\n\(flat)\n\n")?.kind == .unavailable)
        #expect(fault("event:error\n:HTTP_STATUS/400\n\(flat)\n\n")?.kind == .invalidRequest)
        #expect(fault("event:error\n\(flat)\n\n")?.kind == .server)
    }

    @Test func openAIObject() {
        let found = fault(
            "data: {\"error\":{\"code\":\"data_inspection_failed\",\"message\":\"Output data may contain inappropriate content.\"}}\n\n"
        )
        #expect(found?.kind == .moderation(.output))
    }

    @Test func errorThatIsNoJSON() {
        #expect(fault("event: error\ndata: stream timeout\n\n")?.kind == .timeout)
        #expect(fault("data: stream timeout\n\n") == nil)
    }

    @Test func chunkThatFinishedWithAnError() {
        let found = fault(
            #"data: {"choices":[{"finish_reason":"error_finish","delta":{"content":"<429> InternalError.Algo: busy"}}]}"#
                + "\n\n")
        #expect(found?.kind == .throttled(.rate))
        #expect(found?.message == "<429> InternalError.Algo: busy")
    }

    @Test func failedResponse() {
        let found = fault(
            "event:response.failed\ndata:"
                + #"{"type":"response.failed","response":{"status":"failed","error":{"code":"InvalidParameter","message":"Model not exist."}}}"#
                + "\n\n")
        #expect(found?.kind == .modelNotFound)
    }

    // MARK: Wrapped in text

    private static func chunk(_ content: String) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("choices")
        writer.beginArray()
        writer.beginObject()
        writer.key("delta")
        writer.beginObject()
        writer.member("content", .string(content))
        writer.endObject()
        writer.member("finish_reason", .null)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        return "data: \(String(buffer: writer.buffer))\n\n"
    }

    @Test(arguments: [
        "id:1\nevent:error\n:HTTP_STATUS/429\ndata:\(throttled)",
        "event: error\n:HTTP_STATUS/429\ndata: \(throttled)\n\n",
        "id:1\r\nevent:error\r\n:HTTP_STATUS/429\r\ndata:\(throttled)\r\n\r\n",
    ])
    func errorWrappedInText(_ text: String) {
        let found = fault(Self.chunk(text))
        #expect(found?.kind == .throttled(.tokens))
        #expect(found?.requestID == "r-1")
        #expect(found?.status == 429)
    }

    @Test(arguments: [
        // No status, one of success, no name, no request_id, more text, two events, a piece of it.
        "id:1\nevent:error\ndata:\(throttled)",
        "id:1\nevent:error\n:HTTP_STATUS/200\ndata:\(throttled)",
        "id:1\n:HTTP_STATUS/429\ndata:\(throttled)",
        "event:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling\",\"message\":\"words that are long enough\"}",
        "An example:\nid:1\nevent:error\n:HTTP_STATUS/429\ndata:\(throttled)",
        "id:1\nevent:error\n:HTTP_STATUS/429\ndata:\(throttled)\n\nid:2\nevent:error\n:HTTP_STATUS/429\ndata:\(throttled)",
        "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.AllocationQuota\",\"mess",
        "event:error",
    ])
    func textAboutErrorsIsText(_ text: String) {
        #expect(fault(Self.chunk(text)) == nil)
    }

    // MARK: No errors

    @Test(arguments: [
        #"{"choices":[{"delta":{"content":"Hi"},"finish_reason":null,"index":0}],"usage":null}"#,
        #"{"choices":[{"delta":{"content":"","tool_calls":[]},"finish_reason":"stop","index":0}],"error":null}"#,
        #"{"choices":[],"usage":{"total_tokens":1}}"#,
        #"{"type":"response.output_text.delta","delta":"error","sequence_number":4}"#,
        #"{"type":"response.created","response":{"status":"in_progress","error":null}}"#,
        #"{"type":"response.completed","response":{"status":"completed","error":null}}"#,
        #"{"type":"message_start","message":{"id":"msg_1","role":"assistant"}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#,
        #"{"object":"list","data":[],"code":null,"message":"success"}"#,
        "[1,2]", "[DONE]", "17",
    ])
    func ordinaryEventsAreNone(_ data: String) {
        #expect(fault("data: \(data)\n\n") == nil)
        #expect(fault("id:1\nevent:result\n:HTTP_STATUS/200\ndata:\(data)\n\n") == nil)
    }
}
