import HTTP
import JSON
import NIOCore
import Qwen
import TLS
import Telemetry

/// Puts together what `GET /console/state` answers: everything that the page shows. It holds no secret, and what
/// clients have written into it is searched for secrets once more.
struct ConsoleReport {
    private var writer = JSONWriter()
    private let redactor: SecretRedactor

    static func answer(_ shared: GatewayShared, _ keeper: CredentialKeeper) async -> ControlAnswer {
        let now = WallTime.now()
        let loops = await shared.console.look()
        let control = await keeper.consoleView()
        let keys = await ConsoleKeys(shared.console.clients)
        var report = ConsoleReport(redactor: shared.redactor)
        report.writer.beginObject()
        report.writeHead(shared, control, now)
        report.writeLogin(control.login, shared.console, now)
        report.write(control.credentials, unreadable: control.unreadable)
        report.write(control.upstream, loops)
        report.write(loops.requests)
        keys.write(into: &report.writer, now: now)
        report.writeCertificates(shared)
        report.write(loops.failures)
        report.write(shared.console.history)
        report.writer.endObject()
        var fields = HeaderFields()
        fields.append("cache-control", "no-store")
        return ControlAnswer(body: report.writer.buffer, fields: fields)
    }

    private init(redactor: SecretRedactor) {
        self.redactor = redactor
    }

    private mutating func writeHead(_ shared: GatewayShared, _ control: CredentialKeeper.ConsoleView, _ now: WallTime) {
        writer.member("version", .string(GatewayVersion.current))
        writer.member("openssl", .string(GatewayVersion.openSSL))
        writer.member("nghttp2", .string(GatewayVersion.nghttp2))
        writer.member("time_ms", .integer(Int(now.milliseconds)))
        writer.member("uptime_seconds", .integer(Int((NIODeadline.now() - shared.started).nanoseconds / 1_000_000_000)))
        writer.member("status", .string(control.isServing ? "ok" : "unavailable"))
    }

    private mutating func writeLogin(_ login: LoginReport, _ console: ConsoleWatch, _ now: WallTime) {
        writer.key("login")
        login.write(into: &writer, now: now.milliseconds)
        guard case .waiting(let prompt)? = login.state, let rows = console.code(of: prompt.verificationURIComplete)
        else { return }
        writer.key("login_qr")
        writer.beginArray()
        for row in rows { writer.value(.string(row)) }
        writer.endArray()
    }

    private mutating func write(_ credentials: [CredentialSnapshot], unreadable: [(name: String, reason: String)]) {
        writer.key("credentials")
        CredentialKeeper.write(credentials, unreadable: unreadable, into: &writer)
    }

    private mutating func write(_ upstream: UpstreamGauges, _ loops: ConsoleWatch.LoopView) {
        writer.key("gauges")
        writer.beginObject()
        writer.member("client_connections", .integer(loops.connections))
        writer.member("requests", .integer(loops.requests.count))
        writer.member("upstream_connections", .integer(upstream.connections))
        writer.member("upstream_calls", .integer(upstream.calls))
        writer.member("waiting_requests", .integer(upstream.waiting))
        writer.endObject()
    }

    private mutating func write(_ live: LiveRequests) {
        writer.key("requests")
        writer.beginArray()
        for request in live.requests {
            writer.beginObject()
            member("request_id", request.requestID)
            member("client", request.client)
            member("key", request.key)
            member("method", request.method)
            member("route", request.route)
            member("model", request.model)
            member("protocol", request.httpVersion)
            member("credential", request.credential)
            if let attempts = request.attempts { writer.member("attempts", .integer(attempts)) }
            if let isStreaming = request.isStreaming { writer.member("stream", .bool(isStreaming)) }
            writer.member("age_ms", .integer(Int(request.age.nanoseconds / 1_000_000)))
            writer.member("bytes_in", .integer(request.bytesIn))
            writer.member("bytes_out", .integer(request.bytesOut))
            writer.member("state", .string(request.state.rawValue))
            writer.endObject()
        }
        writer.endArray()
    }

    /// The certificates that clients are shown.
    private mutating func writeCertificates(_ shared: GatewayShared) {
        writer.key("certificates")
        writer.beginArray()
        for certificate in shared.console.certificates {
            writer.beginObject()
            writer.key("names")
            writer.beginArray()
            for name in certificate.names { writer.value(.string(name)) }
            writer.endArray()
            writer.member("issuer", .string(certificate.issuer))
            writer.member("not_before_ms", .integer(Int(certificate.notBefore * 1000)))
            writer.member("not_after_ms", .integer(Int(certificate.notAfter * 1000)))
            writer.endObject()
        }
        writer.endArray()
    }

    private mutating func write(_ failures: [FailedExchange]) {
        writer.key("errors")
        writer.beginArray()
        for failure in failures {
            writer.beginObject()
            writer.member("time_ms", .integer(Int(failure.time.milliseconds)))
            member("request_id", failure.requestID)
            member("client", failure.client)
            member("key", failure.key)
            member("method", failure.method)
            member("route", failure.path)
            member("model", failure.model)
            if let status = failure.status { writer.member("status", .integer(status)) }
            member("code", failure.errorCode)
            member("reason", failure.reason)
            writer.member("outcome", .string(failure.outcome.rawValue))
            writer.member("duration_ms", .integer(Int(failure.duration.nanoseconds / 1_000_000)))
            writer.endObject()
        }
        writer.endArray()
    }

    private mutating func write(_ history: [TrafficHistory.Point]) {
        writer.key("history")
        writer.beginObject()
        writer.member("step_seconds", .integer(Int(TrafficHistory.step.nanoseconds / 1_000_000_000)))
        writer.member("steps", .integer(TrafficHistory.capacity))
        write("requests", history.map(\.requests))
        write("errors", history.map(\.failures))
        write("tokens_in", history.map(\.tokensIn))
        write("tokens_out", history.map(\.tokensOut))
        write("first_byte_p50_ms", history.map(\.firstByteMedian))
        write("first_byte_p95_ms", history.map(\.firstByteP95))
        writer.endObject()
    }

    private mutating func write(_ name: String, _ values: [Double?]) {
        writer.key(name)
        writer.beginArray()
        for value in values { writer.value(value.map { .double($0) } ?? .null) }
        writer.endArray()
    }

    /// A text that a client may have had a hand in; left out where there is none.
    private mutating func member(_ name: String, _ text: String?) {
        guard let text else { return }
        writer.member(name, .string(redactor.redact(text).prefixText(RecentFailures.textLength + 8)))
    }
}

extension CredentialKeeper {
    /// What the control plane tells the console.
    struct ConsoleView: Sendable {
        var isServing: Bool
        var credentials: [CredentialSnapshot]
        var unreadable: [(name: String, reason: String)]
        var login: LoginReport
        var upstream: UpstreamGauges
    }

    func consoleView() async -> ConsoleView {
        let upstream = await upstreamGauges()
        let credentials = snapshots()
        return ConsoleView(
            isServing: Self.canServe(credentials), credentials: credentials, unreadable: unreadable,
            login: LoginReport(state: loginState, isLoggedIn: isLoggedIn), upstream: upstream)
    }
}
