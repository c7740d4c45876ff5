internal import JSON
internal import NIOCore

/// What a client has used, as far as it is kept across restarts.
package struct ClientUsage: Sendable, Equatable {
    /// When its key was last used, in milliseconds since 1970; nil for never.
    package var lastUsed: Int64?
    /// A day, in days since 1970-01-01 (UTC), and the tokens used on it.
    package var day: Int
    package var tokens: Int

    package init(lastUsed: Int64? = nil, day: Int = 0, tokens: Int = 0) {
        self.lastUsed = lastUsed
        self.day = day
        self.tokens = tokens
    }

    /// The tokens used on a day, in days since 1970-01-01; what was used on another does not count.
    package func tokens(on day: Int) -> Int { self.day == day ? tokens : 0 }
}

/// The form of the file that usage is kept in.
///
///     {"version":1,"clients":{"k7Qz2MbX":{"last_used":1795700000000,"day":20783,"tokens":12345}}}
enum ClientUsageDocument {
    static let version = 1

    static func encode(_ clients: [String: ClientUsage]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(version))
        writer.key("clients")
        writer.beginObject()
        for (id, usage) in clients.sorted(by: { $0.key < $1.key }) {
            writer.key(id)
            writer.beginObject()
            if let lastUsed = usage.lastUsed { writer.member("last_used", .integer(Int(lastUsed))) }
            if usage.tokens > 0 {
                writer.member("day", .integer(usage.day))
                writer.member("tokens", .integer(usage.tokens))
            }
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return Array(writer.buffer.readableBytesView) + [UInt8(ascii: "\n")]
    }

    static func decode(_ content: [UInt8]) throws(StateDocumentFault) -> [String: ClientUsage] {
        var document = JSONDocument()
        try document.scanState(content, version: version)
        guard let list = document.member("clients", of: document.root), document.kind(of: list) == .object else {
            throw .malformed("it has no clients")
        }
        var clients: [String: ClientUsage] = [:]
        for member in document.members(of: list) {
            guard let id = document.string(member.key), document.kind(of: member.value) == .object else {
                throw .malformed("one of its clients is none")
            }
            var usage = ClientUsage()
            for field in document.members(of: member.value) {
                switch document.string(field.key) {
                case "last_used": usage.lastUsed = try document.whole(field.value, "last_used")
                case "day": usage.day = Int(try document.whole(field.value, "day"))
                case "tokens": usage.tokens = Int(try document.whole(field.value, "tokens"))
                default: break
                }
            }
            clients[id] = usage
        }
        return clients
    }
}
