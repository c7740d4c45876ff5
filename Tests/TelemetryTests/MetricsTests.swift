import NIOCore
import Testing

@testable import Telemetry

struct MetricsTests {
    private func record(
        key: String? = "n8n", status: Int? = 200, model: String? = "qwen3-max", outcome: Outcome = .completed,
        errorCode: String? = nil
    ) -> AccessRecord {
        var record = AccessRecord(
            time: WallTime(nanoseconds: 0), requestID: "r", client: "127.0.0.1", key: key, method: "POST", path: "/",
            status: status, httpVersion: "HTTP/2", model: model, stream: true, upstreamStatus: status,
            firstByteTime: .milliseconds(30), duration: .milliseconds(700), outcome: outcome, errorCode: errorCode)
        record.promptTokens = 7
        record.completionTokens = 11
        return record
    }

    private func text(_ values: MetricValues) -> [Substring] {
        var text = MetricsText()
        text.write(values)
        return String(buffer: text.buffer).split(separator: "\n")
    }

    @Test func anExchangeIsCountedByRouteProtocolStatusAndKey() {
        let loop = LoopMetrics()
        for _ in 0..<3 { loop.ended(record(), route: "/v1/messages", operation: .chat) }
        loop.ended(record(status: nil, outcome: .clientCancelled), route: "/v1/messages", operation: .chat)
        let lines = text(loop.values)
        let labels = #"route="/v1/messages",protocol="HTTP/2""#
        #expect(lines.contains("qwen_gateway_requests_total{\(labels),status=\"200\",key=\"n8n\"} 3"))
        #expect(lines.contains("qwen_gateway_requests_total{\(labels),status=\"none\",key=\"n8n\"} 1"))
        #expect(lines.contains(#"qwen_gateway_request_outcomes_total{outcome="client_cancelled"} 1"#))
        #expect(
            lines.contains(
                #"qwen_gateway_tokens_total{gen_ai_token_type="output",gen_ai_request_model="qwen3-max",key="n8n"} 33"#)
        )
    }

    @Test func bucketsHoldWhatIsBelowThem() {
        let loop = LoopMetrics()
        for milliseconds in [0, 1, 2, 21, 70_000] as [Int64] { loop.chunkGap(.milliseconds(milliseconds)) }
        let lines = text(loop.values).filter { $0.hasPrefix("qwen_gateway_chunk_gap_seconds") }
        #expect(lines.contains(#"qwen_gateway_chunk_gap_seconds_bucket{le="0.001"} 2"#))
        #expect(lines.contains(#"qwen_gateway_chunk_gap_seconds_bucket{le="0.002"} 3"#))
        #expect(lines.contains(#"qwen_gateway_chunk_gap_seconds_bucket{le="60"} 4"#))
        #expect(lines.contains(#"qwen_gateway_chunk_gap_seconds_bucket{le="+Inf"} 5"#))
        #expect(lines.contains("qwen_gateway_chunk_gap_seconds_count 5"))
        #expect(lines.contains("qwen_gateway_chunk_gap_seconds_sum 70.024"))
    }

    @Test func loopsAreAdded() {
        let (first, second) = (LoopMetrics(), LoopMetrics())
        first.ended(record(), route: "/v1/messages", operation: .chat)
        second.ended(record(), route: "/v1/messages", operation: .chat)
        second.ended(record(), route: "/v1/responses", operation: .chat)
        second.retried(.renewedToken)
        var sum = MetricValues()
        sum.add(first.values)
        sum.add(second.values)
        #expect(sum.durations.values.map(\.count) == [2, 1])
        #expect(sum.requests.values == [2, 1])
        #expect(text(sum).contains(#"qwen_gateway_upstream_retries_total{reason="renewed_token"} 1"#))
    }

    @Test func namesThatClientsThinkOfDoNotGrowMemory() {
        let loop = LoopMetrics()
        for number in 0..<5000 {
            loop.ended(record(model: "model-\(number)"), route: "/v1/messages", operation: .chat)
        }
        #expect(loop.values.modelDurations.labels.count == 65)
        #expect(loop.values.tokens.labels.count == 1025)
        #expect(loop.values.modelDurations.values.reduce(0) { $0 + $1.count } == 5000)
        // A model that Qwen has refused is no model.
        loop.ended(record(status: 404, model: "none"), route: "/v1/messages", operation: .chat)
        #expect(!loop.values.modelDurations.labels.contains { $0.model == "none" })
    }

    @Test func labelsAreEscaped() {
        var text = MetricsText()
        text.begin("odd", .gauge, "Odd.")
        text.sample(["key": "a\"b\\c\nd"], 1)
        #expect(String(buffer: text.buffer).hasSuffix("odd{key=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func aRefusalIsCountedByItsReason() {
        let loop = LoopMetrics()
        loop.ended(record(outcome: .rejected, errorCode: "missing_api_key"), route: "none", operation: nil)
        loop.refused("rapid_reset")
        let lines = text(loop.values)
        #expect(lines.contains(#"qwen_gateway_rejected_total{reason="missing_api_key"} 1"#))
        #expect(lines.contains(#"qwen_gateway_rejected_total{reason="rapid_reset"} 1"#))
    }

    @Test func theProcessKnowsItself() throws {
        let process = try #require(ProcessStatistics.read())
        #expect(process.residentBytes > 1 << 20)
        #expect(process.openDescriptors >= 3 && process.openDescriptors <= process.mostDescriptors)
        #expect(process.startTimeSeconds > 1_700_000_000)
        #expect(process.startTimeSeconds <= Double(WallTime.now().seconds) + 1)
        #expect(process.cpuSeconds >= 0 && process.threads >= 1)
    }
}
