package import Vault

/// The credentials that are kept in QWEN_DIR, each in a sealed file of its own: `credentials/NAME.sealed`.
///
/// Any number of processes may use one directory. Every call blocks on the disk, and the first that opens or seals
/// something for the tenth of a second that deriving the key takes. The buffers that a credential passes through are
/// wiped; the strings that it ends up in cannot be.
package struct CredentialStore: Sendable {
    /// QWEN_DIR.
    package let directory: String
    let vault: Vault

    /// - Parameters:
    ///   - directory: QWEN_DIR; made when the first credential is saved.
    ///   - secret: from QWEN_CREDENTIALS_SECRET.
    ///   - previous: from QWEN_CREDENTIALS_SECRET_PREVIOUS. What it sealed is sealed anew when it is loaded.
    package init(directory: String, secret: VaultSecret, previous: VaultSecret? = nil) {
        self.init(
            directory: directory,
            vault: Vault(directory: "\(directory)/credentials", secret: secret, previous: previous))
    }

    init(directory: String, vault: Vault) {
        self.directory = directory
        self.vault = vault
    }

    /// The names of all credentials, sorted.
    package func names() throws(CredentialStoreError) -> [String] {
        try vaulted { () throws(VaultError) in try vault.names() }
    }

    /// All credentials by name. One that cannot be loaded hides none of the others.
    package func list() throws(CredentialStoreError) -> [CredentialStoreEntry] {
        var entries: [CredentialStoreEntry] = []
        for name in try names() {
            do throws(CredentialStoreError) {
                // One that was removed since the names were read is no entry.
                guard let stored = try load(name) else { continue }
                entries.append(CredentialStoreEntry(name: name, content: .success(stored)))
            } catch {
                entries.append(CredentialStoreEntry(name: name, content: .failure(error)))
            }
        }
        return entries
    }

    /// A credential, nil if there is none of this name.
    package func load(_ name: String) throws(CredentialStoreError) -> StoredCredential? {
        guard var record = try vaulted({ () throws(VaultError) in try vault.read(name) }) else { return nil }
        defer { record.wipe() }
        return try decode(record, name)
    }

    /// Writes a credential in place of the one of this name, if there is one. What the stored record says beyond the
    /// known members, as a newer version may have written it, stays. When this returns it is on the disk.
    ///
    /// A record that cannot be opened is not replaced: the secret may be the wrong one, and the record another's only
    /// login. `remove` it first.
    package func save(_ name: String, _ stored: StoredCredential) throws(CredentialStoreError) {
        _ = try update(name) { _ in stored }
    }

    /// Removes a credential, even one that cannot be opened; false if there was none.
    @discardableResult
    package func remove(_ name: String) throws(CredentialStoreError) -> Bool {
        try vaulted { () throws(VaultError) in try vault.remove(name) }
    }

    /// What changes whenever the credential is saved or removed, by any process; nil if there is none. Costs a few
    /// system calls: ask before each refresh, and load again if it is not what it was.
    package func signature(of name: String) throws(CredentialStoreError) -> VaultSignature? {
        try vaulted { () throws(VaultError) in try vault.signature(of: name) }
    }

    /// The signatures of all credentials by name: what was added, removed or changed, at a glance.
    package func signatures() throws(CredentialStoreError) -> [String: VaultSignature] {
        try vaulted { () throws(VaultError) in try vault.signatures() }
    }

    /// Makes QWEN_DIR if it is missing: locks are taken in it before the first credential is saved.
    package func makeDirectory() throws(CredentialStoreError) {
        try vaulted { () throws(VaultError) in try Vault.makeDirectory(directory) }
    }

    /// The lock that a process takes to refresh a credential's tokens. That of the credential that `oauth_creds.json`
    /// is imported as is `oauth_creds.lock`, which qwen-code takes; others have theirs beside it.
    package func refreshLock(for name: String) -> FileLock {
        let file = name == CredentialImport.defaultName ? "oauth_creds" : "oauth_creds_\(name)"
        return FileLock(path: "\(directory)/\(file).lock")
    }

    /// Reads a credential and writes what `change` makes of it, with other writers kept out; nil leaves it as it is.
    ///
    /// - Returns: The credential as it is now.
    package func update(
        _ name: String, _ change: (StoredCredential?) -> StoredCredential?
    ) throws(CredentialStoreError) -> StoredCredential? {
        var failure: CredentialStoreError?
        let record = try vaulted { () throws(VaultError) in
            try vault.update(name) { record in
                do throws(CredentialStoreError) {
                    let existing = try record.map { (record) throws(CredentialStoreError) in try decode(record, name) }
                    return change(existing).map { CredentialDocument.encode($0, over: record) }
                } catch {
                    failure = error
                    return nil
                }
            }
        }
        guard var record else { return nil }
        defer { record.wipe() }
        if let failure { throw failure }
        return try decode(record, name)
    }

    private func decode(_ record: [UInt8], _ name: String) throws(CredentialStoreError) -> StoredCredential {
        do throws(CredentialDocumentFault) {
            return try CredentialDocument.decode(record)
        } catch {
            throw CredentialStoreError(error, path: vault.path(of: name))
        }
    }

    func vaulted<Result: ~Copyable>(
        _ body: () throws(VaultError) -> Result
    ) throws(CredentialStoreError) -> Result {
        do throws(VaultError) {
            try StateDirectory.check(directory)
            return try body()
        } catch {
            throw CredentialStoreError(error)
        }
    }
}

/// A credential with what is noted about it.
package struct StoredCredential: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package var credential: Credential
    /// When the key, or the login, was stored, in milliseconds since 1970-01-01T00:00:00Z. A refresh does not change it;
    /// another login of the same name does.
    package var added: Int64
    /// What its owner calls it, such as the account's address; for people only.
    package var label: String?

    package init(_ credential: Credential, added: Int64, label: String? = nil) {
        self.credential = credential
        self.added = added
        self.label = label
    }

    package var description: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A name in the store, with its credential or why that cannot be loaded.
package struct CredentialStoreEntry: Sendable {
    package let name: String
    package let content: Result<StoredCredential, CredentialStoreError>
}
