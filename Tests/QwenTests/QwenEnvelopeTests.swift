import JSON
import NIOCore
import Testing

@testable import Qwen

/// The shapes in which Qwen was seen to report errors, and what each means.
struct QwenEnvelopeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String
        let kind: QwenFault.Kind
        var code: String?
        var message: String?
        var testDescription: String { "\(status) \(body)" }

        init(_ status: Int, _ body: String, _ kind: QwenFault.Kind, code: String? = nil, message: String? = nil) {
            self.status = status
            self.body = body
            self.kind = kind
            self.code = code
            self.message = message
        }
    }

    static let cases: [Case] = [
        // OpenAI's object.
        Case(
            400,
            #"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"id":"i"}"#,
            .invalidRequest, code: "invalid_parameter_error", message: "m"),
        Case(400, #"{"error":{"message":"m","type":"t","code":null}}"#, .invalidRequest, code: "t", message: "m"),
        Case(
            400,
            #"{"error":{"message":"Range of input length should be [1, 30720]","code":"invalid_parameter_error"}}"#,
            .contextLengthExceeded, code: "invalid_parameter_error",
            message: "Range of input length should be [1, 30720]"),
        Case(
            400, #"{"error":{"code":"data_inspection_failed","message":"m"}}"#, .contentFilter,
            code: "data_inspection_failed", message: "m"),
        Case(
            401, #"{"error":{"message":"m","code":"invalid_api_key"}}"#, .authentication, code: "invalid_api_key",
            message: "m"),
        Case(
            404, #"{"error":{"message":"m","code":"model_not_supported"}}"#, .modelNotFound,
            code: "model_not_supported", message: "m"),
        Case(
            429, #"{"error":{"message":"m","code":"limit_requests"}}"#, .rateLimit, code: "limit_requests",
            message: "m"),
        Case(
            429, #"{"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"}}"#,
            .quotaExceeded, code: "insufficient_quota", message: "Free allocated quota exceeded."),
        Case(
            403, #"{"error":{"message":"m","code":"insufficient_quota"}}"#, .quotaExceeded,
            code: "insufficient_quota", message: "m"),
        Case(500, #"{"error":{"message":"m","code":"internal_error"}}"#, .server, code: "internal_error", message: "m"),
        // Flat.
        Case(
            400, #"{"code":"Arrearage","message":"Access denied","request_id":"r"}"#, .quotaExceeded,
            code: "Arrearage", message: "Access denied"),
        Case(
            404, #"{"code":"Not Found","message":"Not support","request_id":"r"}"#, .modelNotFound,
            code: "Not Found", message: "Not support"),
        Case(
            200, #"{"request_id":"r","code":"Throttling.AllocationQuota","message":"Allocated quota exceeded"}"#,
            .rateLimit, code: "Throttling.AllocationQuota", message: "Allocated quota exceeded"),
        Case(
            200, #"{"code":"InvalidParameter","message":"m"}"#, .invalidRequest, code: "InvalidParameter",
            message: "m"),
        // A status in front of the message.
        Case(
            200, #"{"error":{"message":"<429> InternalError.Algo: busy"}}"#, .rateLimit,
            message: "<429> InternalError.Algo: busy"),
        // The text of a chunk.
        Case(
            200, #"{"choices":[{"index":0,"finish_reason":"error_finish","delta":{"content":"<503> away"}}]}"#,
            .unavailable, message: "<503> away"),
        // A string.
        Case(
            405, #"{"error":"Coding Plan is currently only available for Coding Agents"}"#, .invalidRequest,
            message: "Coding Plan is currently only available for Coding Agents"),
        // Nothing that can be read.
        Case(503, "{}", .unavailable), Case(504, "{}", .timeout), Case(500, "[]", .server),
        Case(200, #"{"error":{"message":17,"code":429}}"#, .server, code: "429", message: "17"),
        Case(200, #"{"error":{"message":"<99999999999999999999> x"}}"#, .server, message: "<99999999999999999999> x"),
    ]

    @Test(arguments: cases) func envelope(_ row: Case) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: row.body))
        let fault = QwenFault(document, status: row.status)
        #expect(fault.kind == row.kind)
        #expect(fault.code == row.code)
        #expect(fault.message == row.message)
    }

    @Test func withoutABodyTheStatusDecides() {
        #expect(QwenFault(status: 504, code: nil, message: nil).kind == .timeout)
        #expect(QwenFault(status: 403, code: nil, message: nil).kind == .permissionDenied)
        #expect(QwenFault(status: 429, code: nil, message: nil).kind == .rateLimit)
        #expect(QwenFault(status: 204, code: nil, message: nil).kind == .server)
        #expect(QwenFault(status: 302, code: nil, message: nil).kind == .server)
    }
}
