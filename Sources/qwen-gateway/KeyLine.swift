import Admission
import HTTP
import JSON
import NIOCore
import Telemetry

/// What `keys list` says of one: nothing secret.
struct KeyLine {
    let record: ClientRecord
    let usage: ClientUsage?
    private let now: Int64

    init(_ record: ClientRecord, _ usage: ClientUsage?, now: Int64) {
        self.record = record
        self.usage = usage
        self.now = now
    }

    private var isExpired: Bool { record.isExpired(at: now) }
    private var tokensToday: Int { usage?.tokens(on: DailyTokens.day(of: now)) ?? 0 }

    // MARK: Table

    private var cells: [String] {
        [
            record.name, record.id, isExpired ? "expired" : record.isAdmin ? "admin" : "active",
            Self.date(record.created), usage?.lastUsed.map(Self.date) ?? "never",
            record.expires.map(Self.date) ?? "never", details,
        ]
    }

    private var details: String {
        let limits = record.limits
        var parts: [String] = []
        if let rate = limits.requestRate { parts.append("\(rate) requests/s") }
        if let burst = limits.burst { parts.append("burst \(burst)") }
        if let tokens = limits.tokensPerMinute { parts.append("\(tokens) tokens/min") }
        if let tokens = limits.tokensPerDay { parts.append("\(tokensToday) of \(tokens) tokens today") }
        if let streams = limits.streams { parts.append("\(streams) at once") }
        if !record.models.isEmpty { parts.append("models " + record.models.joined(separator: ",")) }
        if !record.networks.isEmpty {
            parts.append("from " + record.networks.map(\.description).joined(separator: ","))
        }
        if let previous = record.previous, previous.until > now {
            parts.append("old key until \(Self.date(previous.until))")
        }
        return parts.joined(separator: ", ")
    }

    static func table(_ lines: [KeyLine]) -> String {
        if lines.isEmpty { return "No keys are kept. `qwen-gateway keys add NAME` makes one." }
        let rows = [["NAME", "ID", "STATE", "CREATED", "LAST USED", "EXPIRES", "LIMITS"]] + lines.map(\.cells)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").trimmingSpaces)
        }.joined(separator: "\n")
    }

    // MARK: JSON

    func writeMembers(into writer: inout JSONWriter) {
        writer.member("name", .string(record.name))
        writer.member("id", .string(record.id))
        writer.member("state", .string(isExpired ? "expired" : "active"))
        writer.member("admin", .bool(record.isAdmin))
        writer.member("created", .string(Self.date(record.created)))
        writer.member("last_used", usage?.lastUsed.map { .string(Self.date($0)) } ?? .null)
        writer.member("expires", record.expires.map { .string(Self.date($0)) } ?? .null)
        Self.write("models", record.models, into: &writer)
        Self.write("networks", record.networks.map(\.description), into: &writer)
        writer.key("limits")
        writer.beginObject()
        let limits = record.limits
        writer.member(
            "requests_per_second", limits.requestRate.map { .double(Double($0.thousandths) / 1000) } ?? .null)
        for (name, value) in [
            ("burst", limits.burst), ("tokens_per_minute", limits.tokensPerMinute),
            ("tokens_per_day", limits.tokensPerDay), ("streams", limits.streams),
        ] {
            writer.member(name, value.map { .integer($0) } ?? .null)
        }
        writer.endObject()
        writer.member("tokens_today", .integer(tokensToday))
    }

    private static func write(_ name: String, _ texts: [String], into writer: inout JSONWriter) {
        writer.key(name)
        writer.beginArray()
        for text in texts { writer.value(.string(text)) }
        writer.endArray()
    }

    static func json(_ lines: [KeyLine]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for line in lines {
            writer.beginObject()
            line.writeMembers(into: &writer)
            writer.endObject()
        }
        writer.endArray()
        return String(buffer: writer.buffer)
    }

    /// RFC 3339, to the second.
    private static func date(_ milliseconds: Int64) -> String {
        // Of what lies beyond the year 2262 nobody needs to know the day.
        WallTime(nanoseconds: min(milliseconds, Int64.max / 1_000_000) * 1_000_000).text
    }
}

extension String {
    fileprivate var trimmingSpaces: Substring {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return text
    }
}
