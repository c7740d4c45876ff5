internal import TLS

/// The clients that are admitted at present, by the digests of their keys. Immutable: a change is another directory,
/// which takes this one's place on every event loop.
///
/// A presented key is hashed and looked up by its digest. How long that takes depends on the digest, of which nobody
/// can choose a bit: who sees that a digest begins like one that is known has learnt nothing that helps to find a key
/// with it, short of trying 2^256 of them. The table hashes digests with a random seed of the process's own, and two
/// digests are compared without a branch.
package final class ClientDirectory: Sendable {
    struct Grant: Sendable {
        let client: Client
        /// Milliseconds since 1970; `Int64.max` for never.
        let expires: Int64
    }

    private let grants: [SHA256Digest: Grant]
    /// Those without a key; nil where a key is needed.
    package let anonymous: Client?
    package let clients: [Client]
    package var isEmpty: Bool { grants.isEmpty }

    package static let empty = ClientDirectory([], anonymous: nil)

    /// - Parameters:
    ///   - clients: with the records that they were made of. Where two have one key the first counts.
    ///   - anonymous: what clients without a key share.
    package init(_ clients: [(record: ClientRecord, client: Client)], anonymous: Client?) {
        var grants: [SHA256Digest: Grant] = [:]
        for (record, client) in clients {
            let expires = record.expires ?? .max
            grants[record.digest] = grants[record.digest] ?? Grant(client: client, expires: expires)
            if let previous = record.previous {
                grants[previous.digest] =
                    grants[previous.digest] ?? Grant(client: client, expires: min(expires, previous.until))
            }
        }
        self.grants = grants
        self.clients = clients.map(\.client)
        self.anonymous = anonymous
    }

    func grant(_ digest: SHA256Digest) -> Grant? { grants[digest] }
}
