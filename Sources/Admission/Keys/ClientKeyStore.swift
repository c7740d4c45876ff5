package import Vault

/// The client keys that are kept in QWEN_DIR: `keys/keys.json`, with digests in place of the keys themselves, and
/// beside it `keys/usage.json`, what each has used.
///
/// Commands write the one and the gateway the other, so that neither waits for the other or undoes what it wrote. Any
/// number of processes may share the directory. Every call blocks on the disk.
package struct ClientKeyStore: Sendable {
    /// QWEN_DIR.
    package let directory: String
    private let keys: StateFile
    private let usage: StateFile

    /// Touches no file.
    package init(directory: String) {
        self.directory = directory
        keys = StateFile(directory: "\(directory)/keys", name: "keys.json")
        usage = StateFile(directory: "\(directory)/keys", name: "usage.json")
    }

    // MARK: Keys

    /// All keys, in the order in which they were made; none where there is no file.
    package func load() throws(ClientKeyStoreError) -> [ClientRecord] {
        guard let content = try read(keys) else { return [] }
        return try decode(content)
    }

    /// What changes whenever a key is added, changed or removed, by any process; nil without a file. Costs a few system
    /// calls.
    package func signature() throws(ClientKeyStoreError) -> VaultSignature? {
        try filed { () throws(VaultError) in try keys.signature() }
    }

    /// Whether there is a file of keys, whatever is in it.
    package var exists: Bool { (try? signature()) != nil }

    /// Keeps a new record.
    package func add(_ record: ClientRecord) throws(ClientKeyStoreError) {
        try update { (records) throws(ClientKeyStoreError) in
            guard Self.find(record.name, in: records) == nil, Self.find(record.id, in: records) == nil else {
                throw ClientKeyStoreError(
                    .nameTaken,
                    "there is a key \"\(record.name)\" already: `qwen-gateway keys rotate \(record.name)` gives it a"
                        + " new secret, `qwen-gateway keys revoke \(record.name)` ends it")
            }
            guard records.count < ClientKeyDocument.mostKeys else {
                throw ClientKeyStoreError(.tooMany, "there are \(records.count) keys, and no more are kept")
            }
            records.append(record)
        }
    }

    /// Removes a key, by its name or id; it opens nothing from then on.
    ///
    /// - Returns: what it was.
    package func revoke(_ nameOrID: String) throws(ClientKeyStoreError) -> ClientRecord {
        var removed: ClientRecord?
        try update { (records) throws(ClientKeyStoreError) in
            removed = records.remove(at: try Self.index(of: nameOrID, in: records))
        }
        guard let removed else { throw Self.unknown(nameOrID) }
        return removed
    }

    /// Puts a new key in place of the one of this name or id, with the same settings. The old one opens until `until`,
    /// in milliseconds since 1970; one that was replaced before it no more.
    ///
    /// - Returns: the new key, and its record.
    package func rotate(
        _ nameOrID: String, oldKeyUntil until: Int64?
    ) throws(ClientKeyStoreError) -> (key: ClientKeyText, record: ClientRecord) {
        var rotated: (ClientKeyText, ClientRecord)?
        try update { (records) throws(ClientKeyStoreError) in
            let index = try Self.index(of: nameOrID, in: records)
            let key = try ClientKeyText(id: records[index].id)
            records[index].previous = until.map { .init(digest: records[index].digest, until: $0) }
            records[index].digest = try ClientKeyText.digest(of: key.secret)
            rotated = (key, records[index])
        }
        guard let rotated else { throw Self.unknown(nameOrID) }
        return rotated
    }

    private static func find(_ nameOrID: String, in records: [ClientRecord]) -> Int? {
        records.firstIndex { $0.name == nameOrID } ?? records.firstIndex { $0.id == nameOrID }
    }

    private static func index(
        of nameOrID: String, in records: [ClientRecord]
    ) throws(ClientKeyStoreError) -> Int {
        guard let index = find(nameOrID, in: records) else { throw unknown(nameOrID) }
        return index
    }

    private static func unknown(_ nameOrID: String) -> ClientKeyStoreError {
        ClientKeyStoreError(.unknownKey, "there is no key \"\(nameOrID)\": see `qwen-gateway keys list`")
    }

    private func update(
        _ change: (inout [ClientRecord]) throws(ClientKeyStoreError) -> Void
    ) throws(ClientKeyStoreError) {
        try update(keys) { (content) throws(ClientKeyStoreError) in
            var records = try content.map { (content) throws(ClientKeyStoreError) in try decode(content) } ?? []
            try change(&records)
            return ClientKeyDocument.encode(records)
        }
    }

    private func decode(_ content: [UInt8]) throws(ClientKeyStoreError) -> [ClientRecord] {
        do throws(StateDocumentFault) {
            return try ClientKeyDocument.decode(content)
        } catch {
            throw error.error(
                keys.path,
                remedy: "Put a backup of it back, or remove it and make the keys anew (`qwen-gateway keys add`)"
            )
        }
    }

    // MARK: Usage

    /// What each client has used, by its id.
    package func loadUsage() throws(ClientKeyStoreError) -> [String: ClientUsage] {
        guard let content = try read(usage) else { return [:] }
        do throws(StateDocumentFault) {
            return try ClientUsageDocument.decode(content)
        } catch {
            throw error.error(usage.path, remedy: "It is written anew, and today's tokens are counted from now on")
        }
    }

    /// Changes what clients have used, with other writers kept out. A file that can not be read is written anew.
    package func updateUsage(_ change: (inout [String: ClientUsage]) -> Void) throws(ClientKeyStoreError) {
        try update(usage) { content in
            var clients = content.flatMap { try? ClientUsageDocument.decode($0) } ?? [:]
            change(&clients)
            return ClientUsageDocument.encode(clients)
        }
    }

    // MARK: Files

    private func read(_ file: StateFile) throws(ClientKeyStoreError) -> [UInt8]? {
        try filed { () throws(VaultError) in try file.read() }
    }

    private func update(
        _ file: StateFile, _ change: ([UInt8]?) throws(ClientKeyStoreError) -> [UInt8]
    ) throws(ClientKeyStoreError) {
        var failure: ClientKeyStoreError?
        try filed { () throws(VaultError) in
            try file.update { content in
                do throws(ClientKeyStoreError) {
                    return try change(content)
                } catch {
                    failure = error
                    return nil
                }
            }
        }
        if let failure { throw failure }
    }

    private func filed<Result>(_ body: () throws(VaultError) -> Result) throws(ClientKeyStoreError) -> Result {
        do throws(VaultError) {
            try StateDirectory.check(directory)
            return try body()
        } catch {
            throw ClientKeyStoreError(error)
        }
    }
}
