extension LineWriter {
    /// Writes the line of an exchange. The order of its fields is fixed, so that lines can be compared by eye.
    mutating func write(_ record: borrowing AccessRecord) {
        begin(record.time, plain: "info", "access")
        field("request_id", record.requestID)
        field("trace_id", record.trace?.traceID)
        field("client", record.client)
        field("key", record.key)
        field("method", record.method)
        field("path", record.path.withoutQuery)
        field("status", record.status)
        field("protocol", plain: record.httpVersion)
        field("tls", plain: record.tlsVersion)
        field("model", record.model)
        field("stream", record.stream)
        field("prompt_tokens", record.promptTokens)
        field("completion_tokens", record.completionTokens)
        field("credential", record.credential)
        field("attempts", record.attempts)
        field("bytes_in", record.bytesIn)
        field("bytes_out", record.bytesOut)
        field("upstream_status", record.upstreamStatus)
        field("upstream_ms", record.upstreamTime)
        field("first_byte_ms", record.firstByteTime)
        field("duration_ms", record.duration)
        field("outcome", plain: record.outcome.rawValue)
        field("error_code", record.errorCode)
        field("refusal", record.refusal)
        end()
    }
}

extension String {
    /// A request target up to its query (RFC 9110 §4.2.2).
    fileprivate var withoutQuery: String {
        let hasQuery = unsafe utf8.withContiguousStorageIfAvailable { unsafe $0.contains(UInt8(ascii: "?")) }
        guard hasQuery != false, let end = utf8.firstIndex(of: UInt8(ascii: "?")) else { return self }
        return String(self[..<end])
    }
}
