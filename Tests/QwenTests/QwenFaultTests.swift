import HTTP
import JSON
import NIOCore
import Testing

@testable import Qwen

/// Qwen's errors, in each of the shapes that were seen.
@Suite struct QwenFaultTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String
        let kind: QwenFault.Kind
        let message: String?
        var testDescription: String { "\(status) \(body.prefix(60))" }
    }

    static let rows: [Row] = [
        Row(
            status: 400,
            body:
                #"{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"}}"#,
            kind: .invalidRequest, message: "bad"),
        Row(
            status: 401,
            body: #"{"error":{"code":"invalid_api_key","message":"invalid access token or token expired"}}"#,
            kind: .authentication, message: "invalid access token or token expired"),
        Row(
            status: 404, body: #"{"code":"Not Found","message":"Not support"}"#, kind: .modelNotFound,
            message: "Not support"),
        Row(
            status: 200, body: #"{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded"}"#,
            kind: .rateLimit, message: "Allocated quota exceeded"),
        Row(
            status: 405, body: #"{"error":"Coding Plan is currently only available for Coding Agents"}"#,
            kind: .invalidRequest, message: "Coding Plan is currently only available for Coding Agents"),
        Row(
            status: 429, body: #"{"error":{"code":"insufficient_quota","message":"Free allocated quota exceeded."}}"#,
            kind: .quotaExceeded, message: "Free allocated quota exceeded."),
        Row(
            status: 429, body: #"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#,
            kind: .rateLimit, message: "You exceeded your current quota"),
        Row(
            status: 403, body: #"{"error":{"code":"insufficient_quota","message":"no"}}"#, kind: .quotaExceeded,
            message: "no"),
        Row(
            status: 400, body: #"{"error":{"code":"Arrearage","message":"Access denied"}}"#, kind: .quotaExceeded,
            message: "Access denied"),
        Row(
            status: 400, body: #"{"error":{"code":"data_inspection_failed","message":"inappropriate"}}"#,
            kind: .contentFilter, message: "inappropriate"),
        Row(
            status: 400,
            body:
                #"{"error":{"code":"invalid_parameter_error","message":"Range of input length should be [1, 983616]"}}"#,
            kind: .contextLengthExceeded, message: "Range of input length should be [1, 983616]"),
        Row(
            status: 200,
            body:
                #"{"choices":[{"finish_reason":"error_finish","delta":{"content":"<429> InternalError.Algo: busy"}}]}"#,
            kind: .rateLimit, message: "<429> InternalError.Algo: busy"),
        Row(status: 503, body: #"{"error":{"code":1305,"message":"busy"}}"#, kind: .unavailable, message: "busy"),
        Row(status: 500, body: "{}", kind: .server, message: nil),
    ]

    @Test(arguments: rows) func everyEnvelopeIsRead(_ row: Row) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: row.body))
        let fault = QwenFault(document, status: row.status)
        #expect(fault.kind == row.kind)
        #expect(fault.message == row.message)
    }

    @Test(arguments: [(504, QwenFault.Kind.timeout), (502, .server), (429, .rateLimit), (401, .authentication)])
    func statusAloneIsEnough(_ status: Int, _ kind: QwenFault.Kind) {
        #expect(QwenFault(status: status, code: nil, message: nil).kind == kind)
    }

    @Test func requestIsBuiltFromTheProviderAlone() {
        let provider = QwenProvider(
            authority: "example.com:8443", basePath: "/compatible-mode/v1", apiKey: "key", userAgent: "agent/1")
        let head = provider.chatRequest(isStreaming: true)
        #expect(head.method == "POST")
        #expect(head.authority == "example.com:8443")
        #expect(head.path == "/compatible-mode/v1/chat/completions")
        #expect(head.fields["authorization"] == "Bearer key")
        #expect(head.fields["accept"] == "text/event-stream")
        #expect(head.fields["user-agent"] == "agent/1")
        #expect(head.fields.count == 4)
        #expect(provider.chatRequest(isStreaming: false).fields["accept"] == "application/json")
    }
}
