/// How an exchange ended, for the access log and the metrics: what happened, and on whose side.
package enum Outcome: String, Sendable, CaseIterable {
    /// The whole answer went to the client, whatever its status.
    case completed
    /// The client left, or reset its stream, before the end of its answer.
    case clientCancelled = "client_cancelled"
    /// The upstream answer broke off after its head.
    case upstreamTruncated = "upstream_truncated"
    /// The upstream could not be reached, or answered with what cannot be passed on.
    case upstreamError = "upstream_error"
    /// The upstream did not answer, or fell silent, for longer than the configured time.
    case upstreamTimeout = "upstream_timeout"
    /// The gateway refused the request: no such path, no key, over a limit, malformed.
    case rejected
    /// The client did not send its request, or take its answer, in time.
    case timeout
    /// A fault of the gateway's own.
    case internalError = "internal_error"
    /// The drain at the end of the process ran out of time.
    case shutdown
}
