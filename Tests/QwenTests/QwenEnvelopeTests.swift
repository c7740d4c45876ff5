import EventStream
import HTTP
import JSON
import NIOCore
import Testing

@testable import Qwen

/// The shapes in which Qwen was seen to report errors, as whole bodies.
@Suite struct QwenEnvelopeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String
        let kind: QwenFault.Kind
        var code: String?
        var message: String?
        var requestID: String?
        var testDescription: String { "\(status) \(body.prefix(80))" }

        init(
            _ status: Int, _ body: String, _ kind: QwenFault.Kind, code: String? = nil, message: String? = nil,
            requestID: String? = nil
        ) {
            self.status = status
            self.body = body
            self.kind = kind
            self.code = code
            self.message = message
            self.requestID = requestID
        }
    }

    static let inspection =
        #"{"error":{"code":"data_inspection_failed","param":null,"message":"Input text data may contain inappropriate content.","type":"data_inspection_failed"},"id":"chatcmpl-1","request_id":"r-1"}"#
    static let inspected = "Input text data may contain inappropriate content."
    static let throttled =
        #"{"request_id":"r-1","code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}"#
    static let throttledWords = "Allocated quota exceeded, please increase your quota limit."

    static let json: [Case] = [
        // E1: OpenAI's object.
        Case(
            400,
            #"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"id":"i"}"#,
            .invalidRequest, code: "invalid_parameter_error", message: "m"),
        Case(
            401,
            #"{"error":{"code":"invalid_api_key","message":"invalid access token or token expired","type":"invalid_request_error"},"request_id":"b491"}"#,
            .authentication, code: "invalid_api_key", message: "invalid access token or token expired",
            requestID: "b491"),
        Case(400, #"{"error":{"message":"m","type":"t","code":null}}"#, .invalidRequest, code: "t", message: "m"),
        Case(
            400, inspection, .moderation(.input), code: "data_inspection_failed", message: inspected, requestID: "r-1"),
        Case(
            400, #"{"error":{"code":"x","message":"m","request_id":"in"},"request_id":""}"#, .invalidRequest, code: "x",
            message: "m", requestID: "in"),
        Case(503, #"{"error":{"code":1305,"message":"busy"}}"#, .throttled(.rate), code: "1305", message: "busy"),
        Case(200, #"{"error":{"message":17,"code":429}}"#, .throttled(.rate), code: "429", message: "17"),
        Case(500, #"{"error":{"code":"c","message":{"a":1}}}"#, .server, code: "c", message: #"{"a":1}"#),
        // E2: flat.
        Case(
            400, #"{"code":"Arrearage","message":"Access denied","request_id":"r"}"#, .billing(.arrears),
            code: "Arrearage", message: "Access denied", requestID: "r"),
        Case(
            404, #"{"code":"Not Found","message":"Not support","request_id":"r"}"#, .wrongEndpoint, code: "Not Found",
            message: "Not support", requestID: "r"),
        Case(
            200, throttled, .throttled(.tokens), code: "Throttling.AllocationQuota", message: throttledWords,
            requestID: "r-1"),
        // The web search plugin of the portal: a message that is null, a status in the body.
        Case(
            429, #"{"errorType":"THROTTLING.userQPSLimit","rid":"u","message":null,"status":429}"#, .throttled(.rate),
            code: "THROTTLING.userQPSLimit", requestID: "u"),
        // Servers that are not Qwen's own.
        Case(422, #"{"detail":"m"}"#, .invalidRequest, message: "m"),
        // E5, whole.
        Case(
            200, #"{"choices":[{"index":0,"finish_reason":"error_finish","delta":{"content":"<503> away"}}]}"#,
            .unavailable, message: "<503> away"),
        // E7: a Responses object that failed.
        Case(
            200,
            #"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"InvalidParameter","message":"m"}}}"#,
            .invalidRequest, code: "InvalidParameter", message: "m"),
        // E8: JSON inside the message.
        Case(
            200,
            #"{"type":"error","error":{"type":"invalid_request_error","message":"{\"message\":\"Too many requests, please wait before trying again\"}"}}"#,
            .throttled(.rate), code: "invalid_request_error",
            message: "Too many requests, please wait before trying again"),
        Case(
            200,
            #"{"type":"error","error":{"type":"server_error","message":"<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]"}}"#,
            .throttled(.rate), code: "server_error",
            message:
                "<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]"),
        Case(
            200, #"{"type":"error","error":{"type":"server_error","message":"Backend buffer overflow."}}"#, .server,
            code: "server_error", message: "Backend buffer overflow."),
        Case(
            500,
            #"{"error":{"message":"{\"error\":{\"code\":\"Arrearage\",\"message\":\"in debt\"},\"request_id\":\"r\"}"}}"#,
            .billing(.arrears), code: "Arrearage", message: "in debt", requestID: "r"),
        // E9: a string.
        Case(
            405, #"{"error":"Coding Plan is currently only available for Coding Agents"}"#, .planRefusesClient,
            message: "Coding Plan is currently only available for Coding Agents"),
        // Nothing that can be read.
        Case(503, "{}", .unavailable), Case(504, "[]", .timeout), Case(500, "17", .server),
        Case(429, #"{"error":null}"#, .throttled(.rate)), Case(400, #"{"error":{}}"#, .invalidRequest),
        Case(500, #""gone""#, .server, message: "gone"),
    ]

    static let others: [Case] = [
        // E3: framed as events.
        Case(
            400, "data: \(inspection)\n\n", .moderation(.input), code: "data_inspection_failed", message: inspected,
            requestID: "r-1"),
        Case(
            400, "data: \(inspection)", .moderation(.input), code: "data_inspection_failed", message: inspected,
            requestID: "r-1"),
        Case(
            400, "event: error\r\ndata:\(inspection)\r\n\r\n", .moderation(.input), code: "data_inspection_failed",
            message: inspected, requestID: "r-1"),
        Case(
            400, "\u{FEFF}id:1\nevent:error\n:HTTP_STATUS/400\ndata:\(inspection)\n\ndata: [DONE]\n\n",
            .moderation(.input), code: "data_inspection_failed", message: inspected, requestID: "r-1"),
        Case(
            200, ": ping\n\nevent:error\n:HTTP_STATUS/429\ndata:\(throttled)\n\n", .throttled(.tokens),
            code: "Throttling.AllocationQuota", message: throttledWords, requestID: "r-1"),
        Case(504, "event: error\ndata: stream timeout\n\n", .timeout, message: "stream timeout"),
        // A byte order mark and blanks in front.
        Case(
            400, "\u{FEFF} \r\n\(inspection)", .moderation(.input), code: "data_inspection_failed",
            message: inspected, requestID: "r-1"),
        // E10: nothing, pages, sentences.
        Case(429, "", .throttled(.rate)), Case(503, " \n", .unavailable), Case(200, "", .truncated),
        Case(401, "", .authentication),
        Case(200, "<!DOCTYPE html><html><body>captcha</body></html>", .blocked),
        Case(405, "\n<html>blocked</html>", .blocked), Case(403, "<HTML>blocked</HTML>", .blocked),
        Case(504, "<html><h1>504 Gateway Time-out</h1></html>", .timeout),
        Case(502, "<html><h1>502</h1></html>", .server),
        Case(504, "stream timeout", .timeout, message: "stream timeout"),
        Case(
            503, "upstream connect error or disconnect/reset before headers.\nreset reason: overflow\n", .unavailable,
            message: "upstream connect error or disconnect/reset before headers. reset reason: overflow"),
        Case(404, "404 page not found", .wrongEndpoint, message: "404 page not found"),
        Case(200, "hello", .server, message: "hello"),
    ]

    @Test(arguments: json + others) func body(_ row: Case) {
        let fault = QwenFault(
            body: ByteBuffer(string: row.body), status: row.status, fields: HeaderFields(), unixTime: 0)
        #expect(fault.kind == row.kind)
        #expect(fault.code == row.code)
        #expect(fault.message == row.message)
        #expect(fault.requestID == row.requestID)
        #expect(!fault.words.isEmpty)
    }

    @Test(arguments: json) func document(_ row: Case) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: row.body))
        let fault = QwenFault(document, status: row.status)
        #expect(fault.kind == row.kind)
        #expect(fault.message == row.message)
    }

    /// An error that comes with 4xx as a body comes inside of a stream of status 200 as well.
    @Test(arguments: json.filter { $0.status >= 400 }) func event(_ row: Case) {
        var document = JSONDocument()
        let event = ServerSentEvent(
            data: ByteBuffer(string: row.body), name: ByteBuffer(string: "error"), status: row.status)
        let fault = QwenFault(event, document: &document)
        #expect(fault?.kind == row.kind)
        #expect(fault?.message == row.message)
        #expect(fault?.code == row.code)
    }

    @Test func headTellsWhatTheBodyDoesNot() {
        var fields = HeaderFields()
        fields.append("content-type", "text/html; charset=utf-8")
        fields.append("retry-after", "7")
        fields.append("x-request-id", "from-head")
        let fault = QwenFault(body: ByteBuffer(string: "no markup"), status: 403, fields: fields, unixTime: 0)
        #expect(fault.kind == .blocked)
        #expect(fault.retryAfter == .seconds(7))
        #expect(fault.requestID == "from-head")
        #expect(fault.status == 403)
    }

    @Test func textsAreCutBetweenCharacters() {
        let long = String(repeating: "é", count: 5000)
        let fault = QwenFault(status: 400, code: String(repeating: "c", count: 5000), message: "  x\(long) ")
        #expect(fault.message?.utf8.count == 2047)
        #expect(fault.message?.hasSuffix("é") == true)
        #expect(fault.code?.utf8.count == QwenFault.longestCode)
        let body = ByteBuffer(bytes: [0xFF, 0xC3] + Array(repeating: UInt8(ascii: "a"), count: 100_000))
        let text = QwenFault(body: body, status: 500, fields: HeaderFields(), unixTime: 0)
        #expect(text.message?.utf8.count ?? 0 <= QwenFault.longestMessage)
    }

    /// Neither events in events nor messages in messages go deeper than the stack.
    @Test func nestingIsBounded() {
        let events = String(repeating: "data:", count: 200_000)
        let fault = QwenFault(body: ByteBuffer(string: events), status: 500, fields: HeaderFields(), unixTime: 0)
        #expect(fault.kind == .server)
        var nested = "end"
        for _ in 0..<8 {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("message", .string(nested))
            writer.endObject()
            nested = String(buffer: writer.buffer)
        }
        let message = QwenFault(body: ByteBuffer(string: nested), status: 500, fields: HeaderFields(), unixTime: 0)
        #expect(message.message?.hasPrefix("{") == true)
    }

    /// Whatever bytes come, something is made of them.
    @Test func anyBytesAreRead() {
        var random = SystemRandomNumberGenerator()
        let seeds = (Self.json + Self.others).map(\.body)
        for _ in 0..<2000 {
            var bytes = Array(seeds.randomElement(using: &random)?.utf8 ?? "".utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...max(bytes.count, 1), using: &random)))
            let status = [200, 400, 401, 403, 429, 500, 503].randomElement(using: &random) ?? 200
            let fault = QwenFault(body: ByteBuffer(bytes: bytes), status: status, fields: HeaderFields(), unixTime: 0)
            #expect(!fault.words.isEmpty)
        }
    }
}
