package import HTTP
package import TLS

/// A client of the gateway, as the operator has set it up: what its key is and what it opens. Holds no secret.
package struct ClientRecord: Sendable, Equatable {
    /// Unique, and the same for as long as the record is there, whatever its key: it stands in keys and lists.
    package var id: String
    /// Unique; for logs, metrics and people.
    package var name: String
    /// Of the key.
    package var digest: SHA256Digest
    /// The key before, which still opens for a while after it was rotated.
    package var previous: Previous?
    /// When the record was made, and when its key ends; nil for never. Milliseconds since 1970-01-01T00:00:00Z.
    package var created: Int64
    package var expires: Int64?
    /// Whether the key opens what is for the operator.
    package var isAdmin: Bool
    /// The models that it may ask for; empty for all. See `ModelPatterns`.
    package var models: [String]
    /// Where it may be used from; empty for everywhere.
    package var networks: [NetworkPrefix]
    package var limits: ClientLimits

    /// A key that was replaced.
    package struct Previous: Sendable, Equatable {
        package var digest: SHA256Digest
        /// Milliseconds since 1970.
        package var until: Int64

        package init(digest: SHA256Digest, until: Int64) {
            self.digest = digest
            self.until = until
        }
    }

    package init(
        id: String, name: String, digest: SHA256Digest, previous: Previous? = nil, created: Int64,
        expires: Int64? = nil, isAdmin: Bool = false, models: [String] = [], networks: [NetworkPrefix] = [],
        limits: ClientLimits = .none
    ) {
        self.id = id
        self.name = name
        self.digest = digest
        self.previous = previous
        self.created = created
        self.expires = expires
        self.isAdmin = isAdmin
        self.models = models
        self.networks = networks
        self.limits = limits
    }

    /// - Parameter now: milliseconds since 1970.
    package func isExpired(at now: Int64) -> Bool { expires.map { $0 <= now } ?? false }

    /// A record for a key that is kept elsewhere, such as in the environment. Its id is made of the key's digest, so
    /// that what it has used is found again whatever it is called.
    package init(name: String, key: String, isAdmin: Bool = false) throws(ClientKeyStoreError) {
        let digest = try ClientKeyText.digest(of: key)
        let id = digest.bytes.prefix(8).map { $0.hexadecimal }.joined()
        self.init(id: id, name: name, digest: digest, created: 0, isAdmin: isAdmin)
    }
}

extension UInt8 {
    /// Two digits.
    var hexadecimal: String { (self < 16 ? "0" : "") + String(self, radix: 16) }
}
