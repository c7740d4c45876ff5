import HTTP
import NIOCore
import Testing

@testable import Qwen

/// What each code, message and status of Qwen's means, row by row.
@Suite struct QwenFaultTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let code: String
        let message: String
        let kind: QwenFault.Kind
        var testDescription: String { "\(status) \(code) \(message)" }

        init(_ status: Int, _ code: String, _ message: String, _ kind: QwenFault.Kind) {
            self.status = status
            self.code = code
            self.message = message
            self.kind = kind
        }
    }

    /// Model Studio's table of codes, in both spellings where there are two.
    static let modelStudio: [Row] = [
        Row(400, "InvalidParameter", "Required body invalid, please check the request body format.", .invalidRequest),
        Row(400, "invalid_parameter_error", "[] is too short - 'messages'", .invalidRequest),
        Row(400, "invalid_parameter_error", "'temperature' must be less than 2", .invalidRequest),
        Row(400, "invalid_parameter_error", "Range of max_tokens should be [1, 8192]", .invalidRequest),
        Row(400, "invalid_parameter_error", "Model not exist.", .modelNotFound),
        Row(400, "invalid_parameter_error", "Range of input length should be [1, 983616]", .contextLengthExceeded),
        Row(400, "InternalError.Algo.InvalidParameter", "Repetitive tool calls detected", .invalidRequest),
        Row(
            400, "internal_error", "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 8]",
            .contextLengthExceeded),
        Row(400, "invalid_request_error", "you must provide a model parameter", .invalidRequest),
        Row(
            400, "DataInspectionFailed", "Input or output data may contain inappropriate content.",
            .moderation(.either)),
        Row(400, "data_inspection_failed", "Input data may contain inappropriate content.", .moderation(.input)),
        Row(400, "data_inspection_failed", "Input text data may contain inappropriate content.", .moderation(.input)),
        Row(400, "data_inspection_failed", "Output data may contain inappropriate content.", .moderation(.output)),
        Row(400, "data_inspection_failed", "refused", .moderation(.either)),
        Row(
            400, "Arrearage", "Access denied, please make sure your account is in good standing.", .billing(.arrears)),
        Row(
            400, "access_denied", "Access denied, please make sure your account is in good standing.",
            .billing(.arrears)),
        Row(400, "APIConnectionError", "m", .invalidRequest),
        Row(400, "BadRequest.EmptyInput", "m", .invalidRequest),
        Row(400, "BadRequest.TooLarge", "m", .invalidRequest),
        Row(400, "", "url error, please check url!", .wrongEndpoint),
        Row(401, "InvalidApiKey", "Invalid API-key provided.", .authentication),
        Row(401, "invalid_api_key", "Incorrect API key provided. ", .authentication),
        Row(401, "", "No API-key provided.", .authentication),
        Row(401, "invalid_api_key", "invalid access token or token expired", .authentication),
        Row(401, "NOT AUTHORIZED", "m", .permissionDenied),
        Row(403, "AccessDenied", "m", .permissionDenied), Row(403, "access_denied", "m", .permissionDenied),
        Row(403, "Model.AccessDenied", "m", .permissionDenied),
        Row(403, "Workspace.AccessDenied", "m", .permissionDenied),
        Row(403, "Endpoint.AccessDenied", "m", .permissionDenied),
        Row(403, "App.AccessDenied", "m", .permissionDenied),
        Row(403, "AccessDenied.Unpurchased", "m", .billing(.unpurchased)),
        Row(403, "AllocationQuota.FreeTierOnly", "m", .quotaExhausted(.free)),
        Row(403, "insufficient_quota", "m", .quotaExhausted(.free)),
        Row(404, "ModelNotFound", "m", .modelNotFound),
        Row(
            404, "model_not_found", "The model xxx does not exist or you do not have access to it.", .modelNotFound),
        Row(
            404, "model_not_supported", "Unsupported model xxx for OpenAI compatibility mode.", .modelNotFound),
        Row(404, "WorkSpaceNotFound", "m", .wrongEndpoint), Row(404, "NotFound", "m", .wrongEndpoint),
        Row(404, "Not Found", "Not support", .wrongEndpoint),
        Row(405, "Method Not Allowed", "Method 'GET' is not allowed for '…'.", .wrongEndpoint),
        Row(409, "Conflict", "m", .invalidRequest),
        Row(429, "Throttling", "Requests throttling triggered.", .throttled(.rate)),
        Row(429, "", "Too many requests in route.", .throttled(.rate)),
        Row(429, "Throttling.RateQuota", "You have exceeded your request limit.", .throttled(.rate)),
        Row(429, "LimitRequests", "Requests rate limit exceeded, please try again later.", .throttled(.rate)),
        Row(429, "limit_requests", "You exceeded your current requests list.", .throttled(.rate)),
        Row(429, "ResourceExhausted", "m", .throttled(.rate)),
        Row(429, "Throttling.BurstRate", "Request rate increased too quickly.", .throttled(.burst)),
        Row(429, "limit_burst_rate", "m", .throttled(.burst)),
        Row(
            429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.",
            .throttled(.tokens)),
        Row(
            429, "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.", .throttled(.tokens)),
        Row(429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", .quotaExhausted(.free)),
        Row(429, "Throttling.Concurrency", "Too many concurrent requests.", .throttled(.concurrency)),
        Row(429, "CommodityNotPurchased", "m", .billing(.unpurchased)),
        Row(429, "PrepaidBillOverdue", "m", .billing(.overdue)),
        Row(429, "PostpaidBillOverdue", "m", .billing(.overdue)),
        Row(429, "throttling", "hour allocated quota exceeded", .quotaExhausted(.planHours)),
        Row(429, "throttling", "week allocated quota exceeded", .quotaExhausted(.planWeek)),
        Row(429, "throttling", "month allocated quota exceeded", .quotaExhausted(.planMonth)),
        Row(429, "throttling", "concurrency allocated quota exceeded", .throttled(.concurrency)),
        Row(429, "throttling", "usage allocated quota exceeded", .throttled(.tokens)),
        Row(500, "InternalError", "m", .server), Row(500, "internal_error", "m", .server),
        Row(500, "InternalError.Algo", "m", .server), Row(500, "InternalError.Timeout", "m", .timeout),
        Row(500, "RequestTimeOut", "m", .timeout),
        Row(
            500, "ModelServingError",
            "Too many requests. Your requests are being throttled due to system capacity limits.", .unavailable),
        Row(503, "ModelServingError", "m", .unavailable), Row(503, "ModelUnavailable", "m", .unavailable),
        Row(200, "1302", "m", .throttled(.rate)), Row(503, "1305", "m", .throttled(.rate)),
    ]

    /// The portal's, and those of plans.
    static let portal: [Row] = [
        Row(400, "invalid_parameter_error", "bad request", .invalidRequest),
        Row(429, "insufficient_quota", "Free allocated quota exceeded.", .quotaExhausted(.free)),
        Row(429, "quota_exceeded", "m", .quotaExhausted(.free)), Row(429, "", "", .throttled(.rate)),
        Row(405, "", "Coding Plan is currently only available for Coding Agents", .planRefusesClient),
        Row(504, "", "stream timeout", .timeout),
        Row(503, "", "upstream connect error or disconnect/reset before headers", .unavailable),
    ]

    /// What a status alone tells.
    static let statuses: [Row] = [
        Row(400, "", "", .invalidRequest), Row(401, "", "", .authentication), Row(402, "", "", .billing(.arrears)),
        Row(403, "", "", .permissionDenied), Row(404, "", "", .wrongEndpoint), Row(404, "x", "m", .modelNotFound),
        Row(405, "", "", .wrongEndpoint), Row(408, "", "", .timeout), Row(413, "", "", .invalidRequest),
        Row(422, "", "", .invalidRequest), Row(500, "", "", .server), Row(502, "", "", .server),
        Row(503, "", "", .unavailable), Row(504, "", "", .timeout), Row(524, "", "", .timeout),
        Row(529, "", "", .unavailable), Row(200, "", "", .truncated), Row(200, "x", "m", .server),
        Row(302, "x", "m", .server), Row(999, "x", "m", .server),
    ]

    /// Inside a stream there is no status: code and words must do.
    static let streams: [Row] = [
        Row(200, "Throttling.AllocationQuota", "Allocated quota exceeded", .throttled(.tokens)),
        Row(200, "insufficient_quota", "m", .throttled(.tokens)),
        Row(200, "InvalidParameter", "m", .invalidRequest), Row(200, "InternalError.Algo", "m", .server),
        Row(200, "invalid_request_error", "Too many requests, please wait", .throttled(.rate)),
        Row(200, "invalid_request_error", "m", .invalidRequest),
        Row(200, "DataInspectionFailed", "m", .moderation(.either)),
        Row(200, "", "<503> away", .unavailable), Row(200, "", "<429> InternalError.Algo: busy", .throttled(.rate)),
        Row(500, "", "<429> InternalError.Algo: An error occurred in model serving", .throttled(.rate)),
        Row(200, "", "<99999999999999999999> x", .server), Row(200, "", "<200> x", .server),
        Row(200, "server_error", "Backend buffer overflow.", .server),
    ]

    @Test(arguments: modelStudio + portal + statuses + streams) func meaning(_ row: Row) {
        let fault = QwenFault(
            status: row.status, code: row.code.isEmpty ? nil : row.code,
            message: row.message.isEmpty ? nil : row.message)
        #expect(fault.kind == row.kind)
        #expect(fault.message == (row.message.isEmpty ? nil : FaultText.capped(row.message, to: 2048)))
    }

    /// A request may quote anything: what is a throttle's words in an answer 429 is none in one of 400.
    @Test func wordsOfARequestAreNoThrottle() {
        let fault = QwenFault(
            status: 400, code: "invalid_parameter_error", message: "'Too many requests' is not of type 'object'")
        #expect(fault.kind == .invalidRequest)
    }

    @Test func everyRuleCanDecide() {
        // A rule that an earlier one hides would be a mistake in the order: each kind is reached by some row.
        let reached = Set((Self.modelStudio + Self.portal + Self.statuses + Self.streams).map(\.kind))
        let missing = Set(QwenFault.Kind.allCases).subtracting(reached)
        #expect(missing == [.blocked, .quotaExhausted(.day)])
    }

    @Test func kindsHaveNamesOfTheirOwn() {
        #expect(Set(QwenFault.Kind.allCases.map(\.description)).count == QwenFault.Kind.allCases.count)
        #expect(QwenFault.Kind.throttled(.tokens).description == "throttled.tokens")
    }
}
