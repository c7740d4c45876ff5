import HTTP
import JSON
import NIOCore
import Qwen
import Translation
import Transport

/// Everything that a client can be told, with what it is told: one table from a code to HTTP status, OpenAI's error
/// type and code, and whether a client library should try again.
struct APIError: Error, Equatable {
    /// Who is at fault.
    enum Side: String {
        case downstream, upstream, gateway
    }

    enum Code: String, CaseIterable {
        case invalidRequest = "invalid_request"
        case missingKey = "missing_api_key"
        case invalidKey = "invalid_api_key"
        case expiredKey = "expired_api_key"
        case tooManyFailures = "too_many_failures"
        case networkNotAllowed = "network_not_allowed"
        case modelNotAllowed = "model_not_allowed"
        /// The limits that the gateway itself sets to its clients.
        case clientLimit = "client_limit"
        case clientQuota = "client_quota"
        case originNotAllowed = "origin_not_allowed"
        case misdirected = "misdirected_request"
        case unknownURL = "unknown_url"
        case methodNotAllowed = "method_not_allowed"
        case requestTimeout = "request_timeout"
        case tooLarge = "request_too_large"
        case targetTooLong = "uri_too_long"
        case unsupportedMediaType = "unsupported_media_type"
        case expectationFailed = "expectation_failed"
        case headersTooLarge = "request_header_fields_too_large"
        case notImplemented = "not_implemented"
        case versionNotSupported = "http_version_not_supported"
        case contextLengthExceeded = "context_length_exceeded"
        case contentFilter = "content_filter"
        case modelNotFound = "model_not_found"
        case notFound = "not_found"
        case permissionDenied = "permission_denied"
        case adminOnly = "admin_required"
        case rateLimit = "rate_limit_exceeded"
        case quotaExceeded = "insufficient_quota"
        case upstreamAuthentication = "upstream_auth_error"
        case upstreamUnreachable = "upstream_unreachable"
        case upstreamTLS = "upstream_tls_error"
        case upstreamTimeout = "upstream_timeout"
        case upstreamUnavailable = "upstream_unavailable"
        case upstreamError = "upstream_error"
        case upstreamTruncated = "upstream_truncated"
        /// The gateway has as much to do as it takes on.
        case overloaded
        case internalError = "internal_error"
    }

    var code: Code
    var message: String
    /// The request's field that is wrong.
    var param: String?
    /// OpenAI's spelling of the code, where it is finer than `code`.
    var clientCode: String?
    /// How long the client should wait, where that is known.
    var retryAfter: TimeAmount?
    /// Whether a client library should try again by itself; nil leaves it to its own rules, by the status.
    var shouldRetry: Bool?

    init(_ code: Code, _ message: String, param: String? = nil, clientCode: String? = nil) {
        self.code = code
        self.message = message
        self.param = param
        self.clientCode = clientCode
    }

    /// The row of the table. OpenAI's types are few: what matters to client libraries is the status.
    private var row: (status: Int, type: String, side: Side) {
        switch code {
        case .invalidRequest, .contextLengthExceeded, .contentFilter: (400, "invalid_request_error", .downstream)
        case .missingKey, .invalidKey, .expiredKey: (401, "invalid_request_error", .downstream)
        case .permissionDenied: (403, "permission_error", .upstream)
        case .adminOnly, .networkNotAllowed, .modelNotAllowed: (403, "permission_error", .downstream)
        case .originNotAllowed: (403, "permission_error", .downstream)
        case .misdirected: (421, "invalid_request_error", .downstream)
        case .unknownURL, .modelNotFound, .notFound: (404, "invalid_request_error", .downstream)
        case .methodNotAllowed: (405, "invalid_request_error", .downstream)
        case .requestTimeout: (408, "invalid_request_error", .downstream)
        case .tooLarge: (413, "invalid_request_error", .downstream)
        case .targetTooLong: (414, "invalid_request_error", .downstream)
        case .unsupportedMediaType: (415, "invalid_request_error", .downstream)
        case .expectationFailed: (417, "invalid_request_error", .downstream)
        case .headersTooLarge: (431, "invalid_request_error", .downstream)
        case .clientLimit, .tooManyFailures: (429, "rate_limit_error", .downstream)
        case .clientQuota: (429, "insufficient_quota", .downstream)
        case .rateLimit: (429, "rate_limit_error", .upstream)
        case .quotaExceeded: (429, "insufficient_quota", .upstream)
        case .internalError: (500, "server_error", .gateway)
        case .overloaded: (503, "server_error", .gateway)
        case .notImplemented: (501, "invalid_request_error", .downstream)
        case .upstreamAuthentication, .upstreamUnreachable, .upstreamTLS, .upstreamError, .upstreamTruncated:
            (502, "server_error", .upstream)
        case .upstreamUnavailable: (503, "server_error", .upstream)
        case .upstreamTimeout: (504, "server_error", .upstream)
        case .versionNotSupported: (505, "invalid_request_error", .downstream)
        }
    }

    var status: Int { row.status }
    /// OpenAI's type.
    var type: String { row.type }
    var side: Side { row.side }

    /// Fields that belong to an answer of this code, beyond those of every answer.
    func appendFields(to fields: inout HeaderFields) {
        if row.status == 401 {
            fields.append("www-authenticate", "Bearer realm=\"qwen-gateway\"")
        }
        if let shouldRetry { fields.append("x-should-retry", shouldRetry ? "true" : "false") }
        if let retryAfter { fields.append("retry-after", "\(Self.wholeSeconds(retryAfter))") }
    }

    /// Rounded up, so that who comes back then does not come too early; at least one.
    private static func wholeSeconds(_ time: TimeAmount) -> Int64 {
        max(1, time.nanoseconds / 1_000_000_000 + (time.nanoseconds % 1_000_000_000 > 0 ? 1 : 0))
    }

    /// Appends OpenAI's error object: all four members are always there.
    func write(into output: inout ByteBuffer) {
        var writer = JSONWriter(output)
        output = ByteBuffer()
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("message", .string(message))
        writer.member("type", .string(row.type))
        writer.member("param", param.map { .string($0) } ?? .null)
        writer.member("code", .string(clientCode ?? code.rawValue))
        writer.endObject()
        writer.endObject()
        output = writer.buffer
    }
}

extension APIError {
    /// A request that an engine refused.
    init(_ fault: RequestFault) {
        let code: Code =
            switch fault.status {
            case 408: .requestTimeout
            case 413: .tooLarge
            case 414: .targetTooLong
            case 417: .expectationFailed
            case 431: .headersTooLarge
            case 501: .notImplemented
            case 503: .overloaded
            case 505: .versionNotSupported
            default: .invalidRequest
            }
        self.init(code, fault.message)
        if code == .overloaded { retryAfter = Self.overloadPause }
    }

    /// No memory for a request: see MEMORY_BUDGET.
    static let outOfMemory = APIError(
        RequestFault(
            status: 503, message: "The gateway holds as much for its clients as it takes. Try again in a few seconds."))

    /// Long enough for a wave of requests to pass, and short for who waits.
    private static let overloadPause = TimeAmount.seconds(5)

    init(_ invalid: InvalidRequest) {
        self.init(.invalidRequest, invalid.message, param: invalid.param, clientCode: invalid.code)
    }

    /// A model that is neither offered nor an alias.
    static func unknownModel(_ id: String) -> APIError {
        let shown = String(decoding: id.utf8.prefix(64), as: UTF8.self)
        return APIError(
            .modelNotFound,
            "The model '\(shown)' does not exist or is not offered. GET /v1/models lists those that are.",
            param: "model")
    }

    /// Something that a client asked for and that is not there.
    init(notFound: InvalidRequest) {
        self.init(.notFound, notFound.message, param: notFound.param, clientCode: notFound.code)
    }

    /// An error that Qwen answered, in its own words. A refusal of the gateway's own credential never looks like one of
    /// the client's key.
    init(_ fault: QwenFault) {
        let words = fault.words
        switch fault.kind {
        case .invalidRequest: self.init(.invalidRequest, words, clientCode: fault.code)
        case .contextLengthExceeded: self.init(.contextLengthExceeded, words)
        case .moderation: self.init(.contentFilter, words)
        case .modelNotFound: self.init(.modelNotFound, words)
        case .permissionDenied: self.init(.permissionDenied, words)
        case .throttled: self.init(.rateLimit, words)
        case .quotaExhausted, .billing: self.init(.quotaExceeded, words)
        // Nothing that Qwen answered, but what the gateway knows of its own credentials.
        case .authentication where fault.status == nil && fault.code == nil:
            self.init(
                .upstreamAuthentication,
                "The gateway is not let in to Qwen; its operator has to help, and your key is fine. \(words)")
        case .authentication:
            self.init(
                .upstreamAuthentication,
                """
                Qwen refused the gateway's own credential. Its operator has to renew it; your key is fine. \
                Qwen's words: \(words)
                """)
        case .planRefusesClient:
            self.init(
                .upstreamAuthentication,
                """
                The gateway's key belongs to a plan that does not serve gateways. Its operator has to use another; \
                your key is fine. Qwen's words: \(words)
                """)
        case .wrongEndpoint:
            self.init(.upstreamError, "Qwen has no such endpoint at the gateway's base URL: \(words)")
        case .timeout: self.init(.upstreamTimeout, "Qwen took too long: \(words)")
        case .unavailable: self.init(.upstreamUnavailable, "Qwen is not available: \(words)")
        case .server: self.init(.upstreamError, "Qwen failed: \(words)")
        case .blocked: self.init(.upstreamError, words)
        case .truncated: self.init(.upstreamTruncated, words)
        }
        let policy = FaultPolicy(fault.kind)
        shouldRetry = policy.clientShouldRetry
        retryAfter = fault.retryAfter ?? policy.usualWait
    }

    /// A call that failed in the end.
    init(_ failure: QwenCallFailure) {
        switch failure {
        case .fault(let fault): self.init(fault)
        case .transport(let error): self.init(error)
        }
    }

    /// A call that failed on its way.
    init(_ error: UpstreamError) {
        switch error.kind {
        case .connect: self.init(.upstreamUnreachable, "Qwen can not be reached. Try again later.")
        case .tls: self.init(.upstreamTLS, "No trusted TLS connection to Qwen could be made. See the gateway's log.")
        case .connectTimeout: self.init(.upstreamTimeout, "No connection to Qwen could be made in time.")
        case .firstByteTimeout: self.init(.upstreamTimeout, "Qwen did not answer in time.")
        case .idleTimeout: self.init(.upstreamTimeout, "Qwen fell silent in the middle of its answer.")
        case .reset: self.init(.upstreamTruncated, "Qwen broke off its answer.")
        case .protocolError: self.init(.upstreamError, "Qwen's answer broke the protocol.")
        }
    }
}
