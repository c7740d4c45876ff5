internal import HTTP
internal import JSON
internal import NIOCore
internal import TLS

/// The form of the file that client keys are kept in: a JSON object.
///
///     {"version":1,"keys":[{"id":"k7Qz2MbX","name":"team-a","digest":"<64 hexadecimal digits>",
///      "created":1795700000000,"expires":1803476000000,"admin":false,"models":["qwen3-*"],"networks":["10.0.0.0/8"],
///      "requests_per_second":"2.5","burst":5,"tokens_per_minute":60000,"tokens_per_day":1000000,"streams":4,
///      "previous_digest":"…","previous_until":1795786400000}]}
///
/// Only id, name, digest and created must be there. Members that are not known are refused: they may be limits that a
/// newer version knows, and a key must not open more because this one does not.
enum ClientKeyDocument {
    static let version = 1
    /// The most keys.
    static let mostKeys = 10_000

    static func encode(_ records: [ClientRecord]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(version))
        writer.key("keys")
        writer.beginArray()
        for record in records {
            writer.beginObject()
            encode(record, into: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return Array(writer.buffer.readableBytesView) + [UInt8(ascii: "\n")]
    }

    private static func encode(_ record: ClientRecord, into writer: inout JSONWriter) {
        writer.member("id", .string(record.id))
        writer.member("name", .string(record.name))
        writer.member("digest", .string(record.digest.hexadecimal))
        writer.member("created", .integer(Int(record.created)))
        if let expires = record.expires { writer.member("expires", .integer(Int(expires))) }
        if record.isAdmin { writer.member("admin", .bool(true)) }
        encode("models", record.models, into: &writer)
        encode("networks", record.networks.map(\.description), into: &writer)
        let limits = record.limits
        if let rate = limits.requestRate { writer.member("requests_per_second", .string(rate.description)) }
        for (name, value) in [
            ("burst", limits.burst), ("tokens_per_minute", limits.tokensPerMinute),
            ("tokens_per_day", limits.tokensPerDay), ("streams", limits.streams),
        ] {
            if let value { writer.member(name, .integer(value)) }
        }
        if let previous = record.previous {
            writer.member("previous_digest", .string(previous.digest.hexadecimal))
            writer.member("previous_until", .integer(Int(previous.until)))
        }
    }

    private static func encode(_ name: String, _ texts: [String], into writer: inout JSONWriter) {
        if texts.isEmpty { return }
        writer.key(name)
        writer.beginArray()
        for text in texts { writer.value(.string(text)) }
        writer.endArray()
    }

    static func decode(_ content: [UInt8]) throws(StateDocumentFault) -> [ClientRecord] {
        var document = JSONDocument()
        try document.scanState(content, version: version)
        guard let list = document.member("keys", of: document.root), document.kind(of: list) == .array else {
            throw .malformed("it has no list of keys")
        }
        var records: [ClientRecord] = []
        var names: Set<String> = []
        for node in document.elements(of: list) {
            let record: ClientRecord
            do throws(StateDocumentFault) {
                record = try ClientKeyFields(node, document).record()
            } catch {
                throw error.prefixed("key \(records.count + 1)")
            }
            // A name may be the id of no other either: commands take both.
            guard names.insert(record.id).inserted, names.insert(record.name).inserted else {
                throw .malformed("key \(records.count + 1) has the name or the id of another")
            }
            records.append(record)
            guard records.count <= mostKeys else { throw .malformed("it has more than \(mostKeys) keys") }
        }
        return records
    }
}

/// The members of one key's object.
private struct ClientKeyFields {
    private var id, name, digest, previousDigest: String?
    private var created, expires, previousUntil: Int64?
    private var isAdmin = false
    private var models: [String] = []
    private var networks: [String] = []
    private var limits = ClientLimits.none

    init(_ node: JSONNode, _ document: borrowing JSONDocument) throws(StateDocumentFault) {
        guard document.kind(of: node) == .object, (try? document.checkUniqueKeys(of: node)) != nil else {
            throw .malformed("is not the object that it should be")
        }
        for member in document.members(of: node) {
            let name = document.string(member.key) ?? ""
            guard try read(name, member.value, document) else {
                throw .malformed("has a member that is not known: \"\(name.prefix(64))\"")
            }
        }
    }

    private mutating func read(
        _ name: String, _ node: JSONNode, _ document: borrowing JSONDocument
    ) throws(StateDocumentFault) -> Bool {
        switch name {
        case "id": id = try document.text(node, name)
        case "name": self.name = try document.text(node, name)
        case "digest": digest = try document.text(node, name)
        case "created": created = try document.whole(node, name)
        case "expires": expires = try document.whole(node, name)
        case "admin":
            guard let flag = document.bool(node) else { throw .malformed("admin is neither true nor false") }
            isAdmin = flag
        case "models": models = try document.texts(node, name)
        case "networks": networks = try document.texts(node, name)
        case "requests_per_second":
            guard let rate = RequestRate(try document.text(node, name)) else {
                throw .malformed("requests_per_second is no rate")
            }
            limits.requestRate = rate
        case "burst": limits.burst = try document.count(node, name, most: ClientLimits.mostRequests)
        case "tokens_per_minute": limits.tokensPerMinute = try document.count(node, name, most: ClientLimits.mostTokens)
        case "tokens_per_day": limits.tokensPerDay = try document.count(node, name, most: ClientLimits.mostTokens)
        case "streams": limits.streams = try document.count(node, name, most: ClientLimits.mostRequests)
        case "previous_digest": previousDigest = try document.text(node, name)
        case "previous_until": previousUntil = try document.whole(node, name)
        default: return false
        }
        return true
    }

    func record() throws(StateDocumentFault) -> ClientRecord {
        guard let id, let name, let created, !id.isEmpty, !name.isEmpty else {
            throw .malformed("has no id, no name or no time of its making")
        }
        guard let digest = digest.flatMap({ SHA256Digest(hexadecimal: $0) }) else {
            throw .malformed("has no digest of 64 hexadecimal digits")
        }
        var blocks: [NetworkPrefix] = []
        for text in networks {
            do throws(NetworkPrefix.Fault) {
                blocks.append(try NetworkPrefix(text))
            } catch {
                throw .malformed("has a network that \(error.phrase)")
            }
        }
        guard models.allSatisfy(ModelPatterns.isPattern) else { throw .malformed("has a model that is no pattern") }
        var record = ClientRecord(
            id: id, name: name, digest: digest, created: created, expires: expires, isAdmin: isAdmin, models: models,
            networks: blocks, limits: limits)
        if let previousDigest, let previousUntil {
            guard let digest = SHA256Digest(hexadecimal: previousDigest) else {
                throw .malformed("has a previous digest that is none")
            }
            record.previous = ClientRecord.Previous(digest: digest, until: previousUntil)
        }
        return record
    }
}

extension SHA256Digest {
    /// 64 digits.
    var hexadecimal: String { bytes.map(\.hexadecimal).joined() }

    init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * Self.size else { return nil }
        var bytes: [UInt8] = []
        for index in 0..<Self.size {
            guard let high = digits[2 * index].hexadecimalValue, let low = digits[2 * index + 1].hexadecimalValue else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        self.init(bytes)
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self &- 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self &- 0x57
        default: nil
        }
    }
}
