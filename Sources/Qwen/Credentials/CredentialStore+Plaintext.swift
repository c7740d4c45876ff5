internal import Vault

/// A plain file that was found in QWEN_DIR, and what became of it.
package struct SealedPlaintext: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// Its tokens are stored under this name now, and the file is gone.
        case sealed(name: String)
        /// A credential of this name that lasts at least as long is stored already, and the file is gone.
        case superseded(name: String)
        /// The file is still there.
        case failed(CredentialStoreError)
    }

    /// The file's path.
    package let path: String
    package let outcome: Outcome
}

extension CredentialStore {
    /// Seals what other programs have left in QWEN_DIR in plain text, `oauth_creds.json` and
    /// `oauth_creds_<account>.json`, and removes it: for the start and for each reload.
    ///
    /// Where a login of the same name is stored, the one whose access token expires later stays: refresh tokens are
    /// replaced with each refresh, so the earlier one is most likely spent. A plain file is overwritten and removed
    /// only after its tokens are on the disk, sealed, and were read back as they were; one that cannot be sealed is
    /// left alone and reported. In no case does it stop the others.
    ///
    /// - Parameter now: milliseconds since 1970-01-01T00:00:00Z.
    package func sealPlaintextFiles(now: Int64) -> [SealedPlaintext] {
        PlaintextFile.names(in: directory).filter(CredentialImport.isPlaintextName).map { file in
            let path = "\(directory)/\(file)"
            do throws(CredentialStoreError) {
                return try SealedPlaintext(path: path, outcome: sealPlaintext(path, now: now))
            } catch {
                return SealedPlaintext(path: path, outcome: .failed(error))
            }
        }
    }

    /// Stores the login in a file of another program's. The file stays as it is.
    ///
    /// - Parameters:
    ///   - name: What to store it under; nil for a name made from the file's.
    ///   - now: Milliseconds since 1970-01-01T00:00:00Z.
    /// - Returns: `sealed`, or `superseded` where a login of that name lasts as long.
    package func importFile(
        _ path: String, as name: String?, now: Int64
    ) throws(CredentialStoreError) -> SealedPlaintext.Outcome {
        var content = try vaulted { () throws(VaultError) in try PlaintextFile.content(of: path) }
        defer { content.wipe() }
        return try store(CredentialImport.parse(content, fileName: path), as: name, path: path, now: now)
    }

    private func sealPlaintext(_ path: String, now: Int64) throws(CredentialStoreError) -> SealedPlaintext.Outcome {
        let file = try vaulted { () throws(VaultError) in try PlaintextFile(path: path) }
        var content = try vaulted { () throws(VaultError) in try file.read() }
        defer { content.wipe() }
        let found = try CredentialImport.parse(content, fileName: path)
        let outcome = try store(found, path: path, now: now)
        let isDestroyed = try vaulted { () throws(VaultError) in try file.destroy(ifStill: content) }
        // Another process may have sealed it too, and removed it first.
        guard isDestroyed || !PlaintextFile.names(in: directory).contains(where: { path.hasSuffix("/\($0)") }) else {
            throw CredentialStoreError(
                .changedMeanwhile, "\(path) was changed while it was sealed, and is left for the next time")
        }
        return outcome
    }

    /// Stores what was found unless what is stored lasts as long, and makes sure of it.
    private func store(
        _ found: CredentialImport.Parsed, as chosen: String? = nil, path: String, now: Int64
    ) throws(CredentialStoreError) -> SealedPlaintext.Outcome {
        let name = chosen ?? found.suggestedName
        var expected = StoredCredential(.oauth(found.credential), added: now, label: found.label)
        var isSuperseded = false
        var isTaken = false
        _ = try update(name) { stored in
            guard let stored else { return expected }
            guard case .oauth(let tokens) = stored.credential else {
                isTaken = true
                return nil
            }
            isSuperseded = tokens.expiry >= found.credential.expiry
            if !isSuperseded {
                expected.label = found.label ?? stored.label
            } else {
                expected = stored
            }
            return isSuperseded ? nil : expected
        }
        guard !isTaken else {
            throw CredentialStoreError(
                .nameTaken,
                "\(path) is not sealed: its name would be \"\(name)\", and an API key has that name."
                    + " Import the file under another name")
        }
        // From the disk, through another descriptor and another decryption.
        // One that is stored already may be refreshed by now.
        guard let kept = try load(name), isSuperseded || kept == expected else {
            throw CredentialStoreError(
                .changedMeanwhile, "\(path) is left: \"\(name)\" was not stored as it should have been")
        }
        return isSuperseded ? .superseded(name: name) : .sealed(name: name)
    }
}
