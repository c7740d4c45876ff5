extension MetricsText {
    /// What the event loops have counted.
    package mutating func write(_ values: MetricValues) {
        writeRequests(values)
        writeModels(values)
        writeConnections(values)
        writeUpstream(values)
        begin("qwen_gateway_event_loop_lag_seconds", .histogram, "How late event loops come to their timers.")
        sample(values.loopLag)
    }

    private mutating func writeRequests(_ values: MetricValues) {
        begin("qwen_gateway_requests_total", .counter, "Requests that have ended, by what was answered.")
        for (labels, count) in values.requests.entries {
            sample(
                [
                    "route": labels.route, "protocol": labels.version, "status": Self.text(status: labels.status),
                    "key": labels.key,
                ], count)
        }
        begin("qwen_gateway_request_outcomes_total", .counter, "Requests that have ended, by how they ended.")
        write(values.outcomes, label: "outcome")
        begin(
            "qwen_gateway_rejected_total", .counter, "Requests and connections that were refused or ended, by reason.")
        write(values.refusals, label: "reason")
        begin("qwen_gateway_request_duration_seconds", .histogram, "From a request's head to the end of its answer.")
        for (route, histogram) in values.durations.entries {
            sample(["route": route], histogram)
        }
        begin(
            "qwen_gateway_time_to_first_byte_seconds", .histogram, "From a request's head to the head of its answer.")
        for (route, histogram) in values.firstBytes.entries {
            sample(["route": route], histogram)
        }
    }

    private mutating func writeModels(_ values: MetricValues) {
        begin("gen_ai_server_request_duration_seconds", .histogram, "Time of requests that Qwen has answered.")
        for (labels, histogram) in values.modelDurations.entries {
            sample(Self.labels(labels), histogram)
        }
        begin("gen_ai_server_time_to_first_token_seconds", .histogram, "Time to the first event of streams.")
        for (labels, histogram) in values.firstTokens.entries {
            sample(Self.labels(labels), histogram)
        }
        begin("qwen_gateway_tokens_total", .counter, "Tokens as Qwen counts them.")
        for (labels, count) in values.tokens.entries {
            sample(
                [
                    "gen_ai_token_type": labels.isInput ? "input" : "output", "gen_ai_request_model": labels.model,
                    "key": labels.key,
                ], count)
        }
        begin("qwen_gateway_chunk_gap_seconds", .histogram, "Time between two pieces of a stream, as Qwen sends them.")
        sample(values.chunkGaps)
    }

    private mutating func writeConnections(_ values: MetricValues) {
        begin("qwen_gateway_connections_accepted_total", .counter, "Connections of clients that were accepted.")
        sample(values.acceptedConnections)
        begin("qwen_gateway_received_bytes_total", .counter, "Bytes from clients, as the network carries them.")
        sample(values.bytesReceived)
        begin("qwen_gateway_sent_bytes_total", .counter, "Bytes to clients, as the network carries them.")
        sample(values.bytesSent)
        begin("qwen_gateway_tls_handshakes_total", .counter, "TLS handshakes of clients that were completed.")
        for (labels, count) in values.handshakes.entries {
            sample(["version": labels.version, "resumed": labels.isResumed ? "true" : "false"], count)
        }
        begin("qwen_gateway_tls_handshake_failures_total", .counter, "TLS handshakes of clients that failed.")
        write(values.handshakeFailures, label: "reason")
    }

    private mutating func writeUpstream(_ values: MetricValues) {
        begin("qwen_gateway_upstream_errors_total", .counter, "Calls of Qwen that failed, by the kind of error.")
        write(values.upstreamErrors, label: "error")
        begin("qwen_gateway_upstream_retries_total", .counter, "Requests that were sent to Qwen again.")
        for reason in UpstreamRetry.allCases { sample(["reason": reason.text], values.retries[reason.rawValue]) }
        begin("qwen_gateway_queue_wait_seconds", .histogram, "Time that requests waited for a credential.")
        sample(values.queueWaits)
    }

    private mutating func write(_ table: CountTable<String>, label: StaticString) {
        for (value, count) in table.entries { sample([label: value], count) }
    }

    private static func labels(_ labels: MetricValues.ModelLabels) -> KeyValuePairs<StaticString, String> {
        ["gen_ai_operation_name": labels.operation, "gen_ai_request_model": labels.model]
    }

    /// A client that left before its answer has no status.
    private static func text(status: Int) -> String { status == 0 ? "none" : "\(status)" }
}
