/// Keys and logins share the names of the store, and never take each other's place by accident.
extension CredentialStore {
    /// Stores a key, in place of a key of the same name.
    ///
    /// - Parameter now: milliseconds since 1970-01-01T00:00:00Z.
    /// - Throws: `nameTaken` if the name belongs to a login: its tokens cannot be had again.
    package func addKey(_ key: APIKeyCredential, as name: String, now: Int64) throws(CredentialStoreError) {
        var isTaken = false
        _ = try update(name) { stored in
            if case .oauth? = stored?.credential {
                isTaken = true
                return nil
            }
            return StoredCredential(.apiKey(key), added: now, label: stored?.label)
        }
        if isTaken {
            throw CredentialStoreError(
                .nameTaken,
                "\"\(name)\" is a login. Take another name, or remove it first: `qwen-gateway credentials remove \(name)`"
            )
        }
    }

    /// Makes sure that a login can be stored under a name, before anybody is asked to log in.
    ///
    /// - Throws: if no record can have the name, or it belongs to a key, or what stands there cannot be opened.
    package func checkLogin(_ name: String) throws(CredentialStoreError) {
        if case .apiKey? = try load(name)?.credential { throw isKey(name) }
        try makeDirectory()
    }

    /// Stores the tokens of a new login, in place of a login of the same name.
    ///
    /// - Parameter now: milliseconds since 1970-01-01T00:00:00Z.
    package func addLogin(_ login: OAuthCredential, as name: String, now: Int64) throws(CredentialStoreError) {
        var isTaken = false
        _ = try update(name) { stored in
            if case .apiKey? = stored?.credential {
                isTaken = true
                return nil
            }
            // Later than the one before, even if the clock was set back: that tells them apart.
            let added = max(now, (stored?.added ?? 0) + 1)
            return StoredCredential(.oauth(login), added: added, label: stored?.label)
        }
        if isTaken { throw isKey(name) }
    }

    /// Stores the tokens that a refresh has given, if those that were refreshed still stand there.
    ///
    /// - Parameter predecessors: what may be replaced.
    /// - Returns: the login as it is now; nil if it was removed, or is a key by now.
    package func replaceLogin(
        _ name: String, with tokens: OAuthCredential, replacing predecessors: [OAuthCredential]
    ) throws(CredentialStoreError) -> OAuthCredential? {
        let kept = try update(name) { stored in
            guard var stored, case .oauth(let login) = stored.credential,
                predecessors.contains(where: { $0.accessToken == login.accessToken })
            else { return nil }
            stored.credential = .oauth(tokens)
            return stored
        }
        guard case .oauth(let login)? = kept?.credential else { return nil }
        return login
    }

    private func isKey(_ name: String) -> CredentialStoreError {
        CredentialStoreError(
            .nameTaken,
            "\"\(name)\" is an API key. Log in under another name, or remove it first:"
                + " `qwen-gateway credentials remove \(name)`")
    }
}
