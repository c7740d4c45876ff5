internal import JSON
internal import NIOCore
internal import Vault

/// The form that a credential has inside its sealed file: a JSON object.
///
///     {"version":1,"kind":"oauth","added":1795700000000,"label":"…","access_token":"…","refresh_token":"…",
///      "token_type":"Bearer","resource_url":"portal.qwen.ai","expiry_date":1795721600000}
///     {"version":1,"kind":"api_key","added":1795700000000,"label":"…","key":"sk-…","base_url":"https://…"}
///
/// `label`, `refresh_token` and `resource_url` may be missing. The tokens have the names that qwen-code's file has.
/// Members that are not known are kept when a record is written again.
enum CredentialDocument {
    static let version = 1

    private static let knownMembers: Set<String> = [
        "version", "kind", "added", "label", "access_token", "refresh_token", "token_type", "resource_url",
        "expiry_date", "key", "base_url",
    ]
    private static let limits = JSONLimits(depth: 64, nodes: 100_000)

    /// The record of a credential, with the unknown members of the record that it takes the place of. The caller wipes
    /// it.
    static func encode(_ stored: StoredCredential, over earlier: [UInt8]?) -> [UInt8] {
        // Room for all of it, as a rule: growth would leave copies behind.
        var writer = JSONWriter(ByteBuffer())
        writer.buffer.reserveCapacity(16 * 1024 + (earlier?.count ?? 0))
        writer.beginObject()
        writer.member("version", .integer(version))
        switch stored.credential {
        case .apiKey(let key):
            writer.member("kind", .raw("\"api_key\""))
            writer.noteMembers(stored)
            writer.member("key", .string(key.key))
            writer.member("base_url", .string(key.baseURL))
        case .oauth(let tokens):
            writer.member("kind", .raw("\"oauth\""))
            writer.noteMembers(stored)
            writer.member("access_token", .string(tokens.accessToken))
            if let refreshToken = tokens.refreshToken { writer.member("refresh_token", .string(refreshToken)) }
            writer.member("token_type", .string(tokens.tokenType))
            if let resourceURL = tokens.resourceURL { writer.member("resource_url", .string(resourceURL)) }
            writer.member("expiry_date", .integer(Int(tokens.expiry)))
        }
        if let earlier { writer.copyMembers(of: earlier, except: knownMembers, limits) }
        writer.endObject()
        defer { writer.buffer.wipe() }
        return Array(writer.buffer.readableBytesView)
    }

    /// The credential of a record.
    static func decode(_ record: [UInt8]) throws(CredentialDocumentFault) -> StoredCredential {
        var document = JSONDocument()
        var text = ByteBuffer(bytes: record)
        defer {
            document.removeAll()
            text.wipe()
        }
        do throws(JSONError) {
            try document.scan(text, limits: limits)
            try document.checkUniqueKeys(of: document.root)
        } catch {
            throw .malformed("it is not the JSON that it should be")
        }
        guard let written = document.member("version", of: document.root).flatMap({ document.integer($0) }) else {
            throw .malformed("it has no version")
        }
        guard written <= version else { throw .newerVersion(written) }
        return try StoredCredential(
            credential(in: document), added: document.requiredInteger("added"), label: document.optionalText("label"))
    }

    private static func credential(in document: borrowing JSONDocument) throws(CredentialDocumentFault) -> Credential {
        switch try document.requiredText("kind") {
        case "api_key":
            return try .apiKey(
                APIKeyCredential(key: document.requiredText("key"), baseURL: document.requiredText("base_url")))
        case "oauth":
            return try .oauth(
                OAuthCredential(
                    accessToken: document.requiredText("access_token"),
                    refreshToken: document.optionalText("refresh_token"),
                    tokenType: document.requiredText("token_type"),
                    resourceURL: document.optionalText("resource_url"),
                    expiry: document.requiredInteger("expiry_date")))
        default:
            throw .malformed("its kind is neither api_key nor oauth")
        }
    }
}

/// Why a record is not the credential that it should be. Holds nothing of the record but the names of members.
enum CredentialDocumentFault: Error, Equatable {
    case newerVersion(Int)
    case malformed(String)
}

extension JSONWriter {
    fileprivate mutating func noteMembers(_ stored: StoredCredential) {
        member("added", .integer(Int(stored.added)))
        if let label = stored.label { member("label", .string(label)) }
    }

    /// Copies the members of an object, as they are written, except those with these names.
    fileprivate mutating func copyMembers(of object: [UInt8], except known: Set<String>, _ limits: JSONLimits) {
        var document = JSONDocument()
        var text = ByteBuffer(bytes: object)
        defer {
            document.removeAll()
            text.wipe()
        }
        // It was decoded just before, so it is an object.
        guard (try? document.scan(text, limits: limits)) != nil else { return }
        for member in document.members(of: document.root) {
            guard let name = document.string(member.key), !known.contains(name) else { continue }
            self.member(name, .bytes(document.text(of: member.value)))
        }
    }
}

extension JSONDocument {
    fileprivate func optionalText(_ name: StaticString) throws(CredentialDocumentFault) -> String? {
        guard let node = member(name, of: root), !isNull(node) else { return nil }
        guard let text = string(node) else { throw .malformed("\(name) is not a string") }
        return text
    }

    fileprivate func requiredText(_ name: StaticString) throws(CredentialDocumentFault) -> String {
        guard let text = try optionalText(name), !text.isEmpty else { throw .malformed("\(name) is missing") }
        return text
    }

    fileprivate func requiredInteger(_ name: StaticString) throws(CredentialDocumentFault) -> Int64 {
        guard let value = member(name, of: root).flatMap({ integer($0) }) else {
            throw .malformed("\(name) is missing or not an integer")
        }
        return Int64(value)
    }
}

extension ByteBuffer {
    /// Overwrites the readable bytes with zeros and lets go of them. Effective only for the last buffer that shares
    /// the storage: another would be left with the bytes.
    mutating func wipe() {
        unsafe withUnsafeMutableReadableBytes { unsafe wipeMemory($0) }
        self = ByteBuffer()
    }
}
