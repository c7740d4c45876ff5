package import NIOCore

/// What the access log says of one exchange. What is nil is left out of the line.
///
/// Not copied: a copy would count a reference to each of its texts, on the path of every request.
package struct AccessRecord: ~Copyable, Sendable {
    /// The time that the line bears.
    package var time: WallTime
    /// The exchange's `X-Request-Id`.
    package var requestID: String
    /// The trace that the request belongs to, if its client has named one.
    package var trace: TraceContext?
    /// The client's address, without port.
    package var client: String
    /// The name of the client key, never the key.
    package var key: String?
    package var method: String
    /// The request target. A query, which may hold what does not belong in a log, is cut off.
    package var path: String
    /// The status sent to the client; nil if it left before one.
    package var status: Int?
    /// `HTTP/2`, `HTTP/1.1` or `HTTP/1.0`.
    package var httpVersion: String
    /// `TLSv1.3` or `TLSv1.2`; nil on a plain connection.
    package var tlsVersion: String?
    /// The model asked for.
    package var model: String?
    /// Whether the client asked for a stream of events.
    package var stream: Bool?
    /// Tokens of the prompt and of the answer, as Qwen counts them.
    package var promptTokens: Int?
    package var completionTokens: Int?
    /// The name of the credential that Qwen was called with last, and how often the request was sent.
    package var credential: String?
    package var attempts: Int?
    /// Bytes of the request's body.
    package var bytesIn: Int
    /// Bytes of the response's body.
    package var bytesOut: Int
    /// The status that the upstream answered with.
    package var upstreamStatus: Int?
    /// From the request's departure upstream to the head of the answer.
    package var upstreamTime: TimeAmount?
    /// From the request's head to the first byte of the response's body.
    package var firstByteTime: TimeAmount?
    /// From the request's head to the end of the exchange.
    package var duration: TimeAmount
    package var outcome: Outcome
    /// The `code` of the error object that the client was sent.
    package var errorCode: String?
    /// Why the request was not admitted, where it was not.
    package var refusal: String?

    package init(
        time: WallTime, requestID: String, client: String, key: String? = nil, method: String, path: String,
        status: Int? = nil, httpVersion: String, tlsVersion: String? = nil, model: String? = nil, stream: Bool? = nil,
        bytesIn: Int = 0, bytesOut: Int = 0, upstreamStatus: Int? = nil, upstreamTime: TimeAmount? = nil,
        firstByteTime: TimeAmount? = nil, duration: TimeAmount, outcome: Outcome, errorCode: String? = nil
    ) {
        self.time = time
        self.requestID = requestID
        self.client = client
        self.key = key
        self.method = method
        self.path = path
        self.status = status
        self.httpVersion = httpVersion
        self.tlsVersion = tlsVersion
        self.model = model
        self.stream = stream
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.upstreamStatus = upstreamStatus
        self.upstreamTime = upstreamTime
        self.firstByteTime = firstByteTime
        self.duration = duration
        self.outcome = outcome
        self.errorCode = errorCode
    }
}
