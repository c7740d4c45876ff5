import JSON
import NIOCore
import Qwen
import Telemetry

/// The control plane's answers to the operator. None of them holds a secret.
extension CredentialKeeper {
    /// `GET /auth`: begins a login where there is none that works, and tells how far it is. Waits for the code for a
    /// moment at most.
    ///
    /// - Parameter beginsLogin: false only tells.
    func answerAuth(beginsLogin: Bool) async -> ControlAnswer {
        if beginsLogin, !isLoggedIn { await startLogin(patience: .milliseconds(500)) }
        var writer = JSONWriter()
        LoginReport(state: loginState, isLoggedIn: isLoggedIn).write(into: &writer, now: WallTime.now().milliseconds)
        return ControlAnswer(body: writer.buffer)
    }

    /// `GET /health/detailed`.
    func answerHealth(uptime: TimeAmount) async -> ControlAnswer {
        let waiting = await upstreamGauges().waiting
        let credentials = snapshots()
        let isServing = Self.canServe(credentials)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("status", .string(isServing ? "ok" : "unavailable"))
        writer.member("version", .string(GatewayVersion.current))
        writer.member("uptime_seconds", .integer(Int(uptime.nanoseconds / 1_000_000_000)))
        writer.member("waiting_requests", .integer(waiting))
        writer.key("credentials")
        Self.write(credentials, unreadable: unreadable, into: &writer)
        writer.key("login")
        LoginReport(state: loginState, isLoggedIn: isLoggedIn).write(into: &writer, now: WallTime.now().milliseconds)
        writer.endObject()
        return ControlAnswer(status: isServing ? 200 : 503, body: writer.buffer)
    }

    /// Whether a credential can serve a request, now or in a moment.
    static func canServe(_ credentials: [CredentialSnapshot]) -> Bool {
        credentials.contains { $0.state != .dead && $0.state != .resting }
    }

    /// Writes an array of the credentials in use and those that can not be used.
    static func write(
        _ credentials: [CredentialSnapshot], unreadable: [(name: String, reason: String)],
        into writer: inout JSONWriter
    ) {
        writer.beginArray()
        for credential in credentials { write(credential, into: &writer) }
        for (name, reason) in unreadable {
            writer.beginObject()
            writer.member("name", .string(name))
            writer.member("state", .string("unreadable"))
            writer.member("reason", .string(reason))
            writer.endObject()
        }
        writer.endArray()
    }

    private static func write(_ credential: CredentialSnapshot, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", .string(credential.name))
        writer.member("kind", .string(credential.access.rawValue))
        writer.member("state", .string(credential.state.rawValue))
        if let reason = credential.reason { writer.member("reason", .string(reason)) }
        if let opensIn = credential.opensIn {
            writer.member("rests_for_seconds", .double(Double(opensIn.nanoseconds / 1_000_000) / 1000))
        }
        writer.member("in_flight", .integer(credential.inFlight))
        writer.member("succeeded", .integer(credential.succeeded))
        writer.member("failed", .integer(credential.failed))
        writer.endObject()
    }
}
