/// An error that Qwen, its portal or its edge is known to give.
package struct SimulatedError: Sendable, Equatable {
    /// The name in the switches.
    package let name: String
    package let status: Int
    package let code: String
    package let type: String
    package let message: String
    /// The shape in which it comes if none is asked for.
    package let envelope: ErrorEnvelope

    init(
        _ name: String, _ status: Int, _ code: String, _ message: String, type: String? = nil,
        envelope: ErrorEnvelope = .compatible
    ) {
        self.name = name
        self.status = status
        self.code = code
        self.type = type ?? code
        self.message = message
        self.envelope = envelope
    }

    /// An error of a request that breaks a rule.
    init(
        refusing message: String, status: Int = 400, code: String = "invalid_parameter_error",
        type: String = "invalid_request_error"
    ) {
        self.init("", status, code, message, type: type)
    }

    package static func named(_ name: String) -> SimulatedError? {
        byName[name]
    }

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    /// Every error, in the order of its status.
    package static let all: [SimulatedError] = portal + requests + keys + limits + servers + edge

    // MARK: What the portal says

    private static let invalidRequest = "invalid_request_error"

    private static let portal: [SimulatedError] = [
        SimulatedError(
            "invalid-token", 401, "invalid_api_key", "invalid access token or token expired", type: invalidRequest),
        SimulatedError("bad-request", 400, "invalid_parameter_error", "bad request", type: invalidRequest),
        SimulatedError("quota", 429, "insufficient_quota", "Free allocated quota exceeded."),
        SimulatedError(
            "quota-plan", 429, "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details. For details, see: "
                + "https://help.aliyun.com/zh/model-studio/error-code#token-limit"),
        SimulatedError("quota-403", 403, "insufficient_quota", "Free allocated quota exceeded."),
        SimulatedError("quota-exceeded", 429, "quota_exceeded", "Quota exceeded."),
    ]

    // MARK: What is wrong with a request

    private static let requests: [SimulatedError] = [
        SimulatedError(
            "invalid-parameter", 400, "invalid_parameter_error",
            "Required body invalid, please check the request body format.", type: invalidRequest),
        SimulatedError(
            "input-too-long", 400, "invalid_parameter_error",
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]",
            type: invalidRequest),
        SimulatedError(
            "repetitive-tools", 400, "invalid_parameter_error",
            "<400> InternalError.Algo.InvalidParameter: Repetitive tool calls detected.", type: invalidRequest),
        SimulatedError(
            "moderation", 400, "data_inspection_failed", "Input text data may contain inappropriate content."),
        SimulatedError(
            "moderation-output", 400, "data_inspection_failed", "Output data may contain inappropriate content."),
        SimulatedError(
            "model-not-found", 404, "model_not_found",
            "The model does not exist or you do not have access to it.", type: invalidRequest),
        SimulatedError(
            "model-not-supported", 404, "model_not_supported", "Unsupported model for OpenAI compatibility mode.",
            type: invalidRequest),
    ]

    // MARK: What is wrong with a key or an account

    private static let keys: [SimulatedError] = [
        SimulatedError(
            "arrearage", 400, "Arrearage", "Access denied, please make sure your account is in good standing."),
        SimulatedError("invalid-key", 401, "invalid_api_key", "Incorrect API key provided.", type: invalidRequest),
        SimulatedError("no-key", 401, "invalid_api_key", "No API-key provided.", type: invalidRequest),
        SimulatedError("access-denied", 403, "access_denied", "Access denied."),
        SimulatedError(
            "unpurchased", 403, "AccessDenied.Unpurchased", "Access to model denied. The service is not activated."),
        SimulatedError(
            "free-tier-only", 403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."),
        SimulatedError(
            "coding-plan", 405, "Method Not Allowed", "Coding Plan is currently only available for Coding Agents",
            envelope: .text),
    ]

    // MARK: What is too much

    private static let limits: [SimulatedError] = [
        SimulatedError("throttling", 429, "Throttling", "Requests throttling triggered."),
        SimulatedError("rate-quota", 429, "limit_requests", "You exceeded your current requests list."),
        SimulatedError("burst", 429, "limit_burst_rate", "Request rate increased too quickly."),
        SimulatedError(
            "allocation-quota", 429, "Throttling.AllocationQuota",
            "Allocated quota exceeded, please increase your quota limit."),
        SimulatedError("concurrency", 429, "Throttling.Concurrency", "Too many concurrent requests."),
        SimulatedError("hour-quota", 429, "throttling", "hour allocated quota exceeded"),
        SimulatedError("week-quota", 429, "throttling", "week allocated quota exceeded"),
        SimulatedError("month-quota", 429, "throttling", "month allocated quota exceeded"),
        SimulatedError("plan-concurrency", 429, "throttling", "concurrency allocated quota exceeded"),
        SimulatedError("overdue", 429, "PrepaidBillOverdue", "The prepaid bill is overdue."),
        SimulatedError("numeric", 429, "1302", "rate limit"),
        SimulatedError("user-qps", 429, "THROTTLING.userQPSLimit", "", envelope: .plugin),
    ]

    // MARK: What is wrong with Qwen

    private static let servers: [SimulatedError] = [
        SimulatedError(
            "internal", 500, "internal_error", "An internal error has occured, please try again later."),
        SimulatedError("internal-timeout", 500, "RequestTimeOut", "Request timed out, please try again later."),
        SimulatedError(
            "serving", 500, "ModelServingError",
            "Too many requests. Your requests are being throttled due to system capacity limits."),
        SimulatedError("unavailable", 503, "ModelUnavailable", "The model is unavailable.", type: "server_error"),
    ]

    // MARK: What the edge says

    private static let edge: [SimulatedError] = [
        SimulatedError("empty", 429, "", "", envelope: .edge),
        SimulatedError(
            "html", 200, "", "<!DOCTYPE html><html><head><title>405</title></head><body>Blocked.</body></html>",
            envelope: .edge),
        SimulatedError("stream-timeout", 504, "", "stream timeout", envelope: .edge),
        SimulatedError(
            "upstream-connect", 503, "",
            "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
            envelope: .edge),
    ]

    /// The error that a bare status stands for.
    static func ofStatus(_ status: Int) -> SimulatedError {
        let (code, type, message) =
            switch status {
            case 401: ("invalid_api_key", invalidRequest, "Incorrect API key provided.")
            case 403: ("access_denied", "access_denied", "Access denied.")
            case 404: ("model_not_found", invalidRequest, "The model does not exist or you do not have access to it.")
            case 429: ("limit_requests", "limit_requests", "You exceeded your current requests list.")
            case 503: ("ModelUnavailable", "server_error", "The model is unavailable.")
            case 400..<500: ("invalid_parameter_error", invalidRequest, "Required body invalid.")
            default: ("internal_error", "internal_error", "An internal error has occured, please try again later.")
            }
        return SimulatedError("", status, code, message, type: type)
    }
}
