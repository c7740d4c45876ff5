/// What Qwen's errors mean: the first row that fits decides.
///
/// The order matters. What an account has used up or not paid comes first, since it arrives under statuses and codes
/// that mean something else as well: 403 for a spent quota, 400 for arrears, `insufficient_quota` for both a spent
/// quota and too many tokens a minute. Codes and phrases come before statuses, which are the least certain.
enum FaultTable {
    static let rules = exhaustion + billing + moderation + throttling + access + models + requests + failures + statuses

    static func kind(of envelope: FaultEnvelope, status: Int?) -> QwenFault.Kind {
        let codes = envelope.codes.map(CodePattern.normalized)
        let message = envelope.message?.lowercased() ?? ""
        let rule = rules.first {
            $0.matches(codes: codes, message: message, status: status, form: envelope.form)
        }
        return rule?.kind ?? .server
    }

    /// Quotas that are used up. `free allocated quota exceeded` has the code of a throttle.
    private static let exhaustion = [
        FaultRule(.quotaExhausted(.free), code: ["AllocationQuota.FreeTierOnly"]),
        FaultRule(.quotaExhausted(.free), says: ["free allocated quota exceeded"], at: [403, 429]),
        FaultRule(.quotaExhausted(.free), code: ["insufficient_quota"], at: [403]),
        FaultRule(.quotaExhausted(.free), code: ["quota_exceeded"]),
        FaultRule(.quotaExhausted(.planHours), says: ["hour allocated quota exceeded"], at: [403, 429]),
        FaultRule(.quotaExhausted(.day), says: ["day allocated quota exceeded"], at: [403, 429]),
        FaultRule(.quotaExhausted(.planWeek), says: ["week allocated quota exceeded"], at: [403, 429]),
        FaultRule(.quotaExhausted(.planMonth), says: ["month allocated quota exceeded"], at: [403, 429]),
    ]

    private static let billing = [
        FaultRule(.billing(.arrears), code: ["Arrearage"]),
        FaultRule(.billing(.arrears), says: ["your account is in good standing"], at: [400, 402, 403, 429]),
        FaultRule(.billing(.overdue), code: ["PrepaidBillOverdue", "PostpaidBillOverdue"]),
        FaultRule(.billing(.unpurchased), code: ["CommodityNotPurchased", "AccessDenied.Unpurchased"]),
        FaultRule(.billing(.arrears), code: ["billing_error"]),
    ]

    private static let moderation = [
        FaultRule(.moderation(.either), says: ["input or output data may contain inappropriate content"]),
        FaultRule(.moderation(.output), says: ["output data may contain inappropriate content"]),
        FaultRule(
            .moderation(.input),
            says: ["input data may contain inappropriate content", "input text data may contain inappropriate content"]),
        FaultRule(.moderation(.either), code: ["DataInspectionFailed", "content_filter"]),
    ]

    private static let throttling = [
        FaultRule(.throttled(.concurrency), code: ["Throttling.Concurrency"]),
        FaultRule(
            .throttled(.concurrency), says: ["too many concurrent requests", "concurrency allocated quota exceeded"],
            at: [429]),
        FaultRule(.throttled(.burst), code: ["Throttling.BurstRate", "limit_burst_rate"]),
        FaultRule(.throttled(.burst), says: ["request rate increased too quickly"], at: [429]),
        FaultRule(.throttled(.tokens), says: ["usage allocated quota exceeded"], at: [429]),
        FaultRule(.throttled(.tokens), says: ["allocated quota exceeded"], at: [429]),
        FaultRule(.throttled(.tokens), code: ["Throttling.AllocationQuota", "insufficient_quota"]),
        FaultRule(.throttled(.tokens), says: ["you exceeded your current quota"], at: [429]),
        FaultRule(
            .throttled(.rate), code: ["Throttling.RateQuota", "LimitRequests", "ResourceExhausted", "1302", "1305"]),
        FaultRule(.throttled(.rate), code: ["Throttling", "Throttling.*", "rate_limit_error", "rate_limit_exceeded"]),
        // Capacity of the model's, not of the account's: told by its code before its words, which are those of a
        // throttle.
        FaultRule(.unavailable, code: ["ModelServingError", "ModelUnavailable", "overloaded_error"]),
        FaultRule(
            .throttled(.rate),
            says: [
                "requests throttling triggered", "too many requests", "rate limit exceeded",
                "you have exceeded your request limit", "you exceeded your current requests list",
            ], at: [429, 500, 503]),
    ]

    private static let access = [
        FaultRule(.planRefusesClient, says: ["only available for coding agents"]),
        FaultRule(.permissionDenied, code: ["NOT AUTHORIZED"]),
        FaultRule(.authentication, code: ["InvalidApiKey", "authentication_error"]),
        FaultRule(
            .authentication,
            says: [
                "invalid access token or token expired", "invalid api-key provided", "incorrect api key provided",
                "no api-key provided",
            ], at: [401, 403]),
        FaultRule(.permissionDenied, code: ["AccessDenied", "*.AccessDenied", "AccessDenied.*", "permission_error"]),
    ]

    private static let models = [
        FaultRule(.modelNotFound, code: ["ModelNotFound", "model_not_supported"]),
        FaultRule(
            .modelNotFound, says: ["model not exist", "does not exist or you do not have access to it"],
            at: [400, 404]),
    ]

    private static let requests = [
        FaultRule(.contextLengthExceeded, code: ["context_length_exceeded"]),
        FaultRule(.contextLengthExceeded, says: ["range of input length should be"], at: [400, 413]),
        FaultRule(.wrongEndpoint, says: ["url error"], at: [400, 404]),
        FaultRule(.wrongEndpoint, code: ["WorkSpaceNotFound", "NotFound", "Method Not Allowed"]),
        FaultRule(
            .invalidRequest,
            code: [
                "InvalidParameter", "invalid_parameter_error", "*.InvalidParameter", "BadRequest.*", "Conflict",
                "APIConnectionError",
            ]),
    ]

    private static let failures = [
        FaultRule(.timeout, code: ["InternalError.Timeout", "RequestTimeOut", "timeout_error"]),
        FaultRule(.timeout, says: ["stream timeout", "upstream request timeout"], at: [408, 500, 502, 503, 504]),
        FaultRule(.unavailable, says: ["upstream connect error"], at: [500, 502, 503]),
        FaultRule(.server, says: ["backend buffer overflow"], at: [500, 502, 503]),
        FaultRule(
            .server, code: ["InternalError", "InternalError.*", "server_error", "api_error"], at: Array(500...599)),
    ]

    /// What is left when neither code nor words tell.
    private static let statuses = [
        FaultRule(.throttled(.rate), at: [429]),
        FaultRule(.timeout, at: [408, 504, 524]),
        FaultRule(.unavailable, at: [503, 529]),
        FaultRule(.server, at: Array(500...599)),
        // A firewall's page comes with 200, 403 or 405.
        FaultRule(.blocked, form: [.html]),
        FaultRule(.authentication, at: [401]),
        FaultRule(.billing(.arrears), at: [402]),
        FaultRule(.permissionDenied, at: [403]),
        FaultRule(.wrongEndpoint, at: [404], form: [.empty, .text]),
        FaultRule(.modelNotFound, at: [404]),
        FaultRule(.wrongEndpoint, at: [405]),
        FaultRule(.invalidRequest, code: ["invalid_request_error", "not_found_error", "request_too_large"]),
        FaultRule(.invalidRequest, at: Array(400...499)),
        FaultRule(.truncated, form: [.empty]),
    ]
}
