import NIOCore
import Qwen
import Synchronization
import Telemetry
import Transport

/// Puts together what `GET /metrics` answers: what the event loops have counted, and how things stand at this moment.
enum MetricsReport {
    static func answer(_ shared: GatewayShared, _ keeper: CredentialKeeper) async -> ControlAnswer {
        var text = MetricsText()
        text.begin("qwen_gateway_build_info", .gauge, "The version that runs.")
        text.sample(["version": GatewayVersion.current], 1)
        text.write(await keeper.metricValues())
        await writeGauges(shared, keeper, into: &text)
        if let process = ProcessStatistics.read() { text.write(process) }
        return ControlAnswer(body: text.buffer, contentType: MetricsText.contentType)
    }

    private static func writeGauges(
        _ shared: GatewayShared, _ keeper: CredentialKeeper, into text: inout MetricsText
    ) async {
        let upstream = await keeper.upstreamGauges()
        text.begin("qwen_gateway_upstream_connections", .gauge, "Connections to Qwen.")
        text.sample(upstream.connections)
        text.begin("qwen_gateway_upstream_calls", .gauge, "Calls of Qwen that are under way.")
        text.sample(upstream.calls)
        text.begin("qwen_gateway_queue_depth", .gauge, "Requests that wait for a credential.")
        text.sample(upstream.waiting)
        text.begin("qwen_gateway_credentials", .gauge, "Credentials, by how they are doing.")
        let snapshots = await keeper.snapshots()
        for state in CredentialSnapshot.State.allCases {
            text.sample(["state": state.rawValue], snapshots.count { $0.state == state })
        }
    }
}

/// How the ways to Qwen stand on all event loops.
struct UpstreamGauges: Sendable {
    var connections = 0
    var calls = 0
    var waiting = 0

    static func + (left: UpstreamGauges, right: UpstreamGauges) -> UpstreamGauges {
        UpstreamGauges(
            connections: left.connections + right.connections, calls: left.calls + right.calls,
            waiting: left.waiting + right.waiting)
    }
}

extension UpstreamError.Kind {
    /// Its name in metrics.
    var label: String {
        switch self {
        case .connect: "connect"
        case .tls: "tls"
        case .connectTimeout: "connect_timeout"
        case .firstByteTimeout: "first_byte_timeout"
        case .idleTimeout: "idle_timeout"
        case .reset: "reset"
        case .protocolError: "protocol_error"
        }
    }
}
