package import HTTP
package import TLS

/// The keys that clients present, and the check of a request against them.
///
/// Only digests are kept. Confined to an event loop, because the hasher is.
package final class ClientKeys {
    /// A key's name and the SHA-256 of it: keys are long and random, so that no slower hash is called for.
    package struct Entry: Sendable {
        package let name: String
        /// Whether it opens what is for the operator.
        package let isAdmin: Bool
        let digest: SHA256Digest

        package init(name: String, key: String, isAdmin: Bool = false) throws(TLSError) {
            self.name = name
            self.isAdmin = isAdmin
            digest = try SHA256Hasher().hash(Array(key.utf8).span)
        }
    }

    /// What became of a request's credentials.
    package enum Decision: Equatable, Sendable {
        /// The key of this name; nil where anonymous requests are allowed and no key was given.
        case accepted(name: String?, isAdmin: Bool)
        case missing
        case unknown
    }

    private let entries: [Entry]
    private let allowsAnonymous: Bool
    private let hasher: SHA256Hasher

    package init(_ entries: [Entry], allowsAnonymous: Bool) throws(TLSError) {
        hasher = try SHA256Hasher()
        self.entries = entries
        self.allowsAnonymous = allowsAnonymous
    }

    /// Judges `Authorization: Bearer …`, or else `x-api-key`. The time it takes tells nothing about any key.
    package func check(_ fields: HeaderFields) -> Decision {
        guard let presented = Self.presentedKey(fields) else {
            return allowsAnonymous ? .accepted(name: nil, isAdmin: false) : .missing
        }
        guard let digest = try? hasher.hash(presented.span) else { return .unknown }
        var found: Entry?
        // Digests compare in constant time, and all of them are compared.
        for entry in entries where entry.digest == digest { found = entry }
        if let found { return .accepted(name: found.name, isAdmin: found.isAdmin) }
        // With no key configured every key is as good as none.
        return allowsAnonymous && entries.isEmpty ? .accepted(name: nil, isAdmin: false) : .unknown
    }

    private static func presentedKey(_ fields: HeaderFields) -> ArraySlice<UInt8>? {
        // Of two credentials nobody can tell which one counts elsewhere on the way.
        if fields.count(of: "authorization") > 1 || fields.count(of: "x-api-key") > 1 { return [] }
        if let index = fields.firstIndex(of: "authorization") {
            let value = fields.valueBytes(at: index)[...]
            guard fields.hasPrefix("bearer ", at: index) else { return [] }
            return value.dropFirst(7).drop { $0 == 0x20 }
        }
        return fields.firstIndex(of: "x-api-key").map { fields.valueBytes(at: $0)[...] }
    }
}
