import Admission
import JSON
import Telemetry

/// The clients' keys as the console shows them: names, states and what was used of them today. No secret is known here.
struct ConsoleKeys: Sendable {
    private var entries: [(record: ClientRecord, state: ClientState?)] = []
    private var defaults = ClientLimits.none
    private var allowsAnonymous = false

    /// - Parameter keeper: nil where there is none yet.
    init(_ keeper: ClientKeeper?) async {
        guard let keeper else { return }
        entries = await keeper.clients
        defaults = keeper.defaultLimits
        allowsAnonymous = keeper.allowsAnonymous
    }

    /// Writes the members `keys` and `allows_anonymous` of an object.
    func write(into writer: inout JSONWriter, now: WallTime) {
        writer.key("keys")
        writer.beginArray()
        for (record, state) in entries { Self.write(record, state, defaults, into: &writer, now: now.milliseconds) }
        writer.endArray()
        writer.member("allows_anonymous", .bool(allowsAnonymous))
    }

    private static func write(
        _ record: ClientRecord, _ state: ClientState?, _ defaults: ClientLimits, into writer: inout JSONWriter,
        now: Int64
    ) {
        let limits = record.limits.filled(from: defaults)
        writer.beginObject()
        writer.member("name", .string(record.name))
        writer.member("state", .string(record.isExpired(at: now) ? "expired" : "active"))
        writer.member("admin", .bool(record.isAdmin))
        if let expires = record.expires { writer.member("expires_ms", .integer(Int(expires))) }
        if let lastUsed = state?.lastUsed { writer.member("last_used_ms", .integer(Int(lastUsed))) }
        let used = state?.today.used(on: DailyTokens.day(of: now)) ?? 0
        writer.member("tokens_today", .integer(used))
        if let most = limits.tokensPerDay, most > 0 { writer.member("tokens_per_day", .integer(most)) }
        writer.endObject()
    }
}
