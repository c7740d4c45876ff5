import JSON
package import NIOCore

/// The responses that clients asked to keep, in memory and within limits: a value without I/O, for one owner.
///
/// A response belongs to the client that made it. Nobody else can read it, continue from it, delete it, or learn that
/// it exists. When the store is full, what was not used for the longest time goes; continuing a conversation uses all
/// of its responses. What was not used for `lifetime` is gone.
package struct ResponseStore: Sendable {
    package struct Limits: Sendable {
        /// The most bytes: texts, and an allowance for what is around them.
        package let bytes: Int
        /// The most responses. Zero keeps nothing.
        package let count: Int
        /// How long a response is kept after its last use.
        package let lifetime: TimeAmount

        package init(bytes: Int = 64 * 1024 * 1024, count: Int = 10_000, lifetime: TimeAmount = .hours(24)) {
            self.bytes = bytes
            self.count = count
            self.lifetime = lifetime
        }
    }

    private struct Key: Hashable {
        let owner: String
        let id: String
    }

    private struct Entry {
        let key: Key
        let response: StoredResponse
        let size: Int
        var expiry: NIODeadline
    }

    private let limits: Limits
    private var entries = RecencyList<Entry>()
    private var slots: [Key: Int] = [:]
    /// The slots of responses by the ids of their items.
    private var items: [Key: Int] = [:]
    /// What is held now, counted as `Limits.bytes` counts.
    package private(set) var bytes = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    package var count: Int { entries.count }

    /// Keeps a response in place of one with the same id. Others may go for it.
    ///
    /// - Parameter owner: the name of the client's key; empty for clients without one.
    /// - Returns: whether it is kept: one that is larger than the whole store is not.
    @discardableResult
    package mutating func put(_ response: StoredResponse, owner: String, now: NIODeadline) -> Bool {
        let key = Key(owner: owner, id: response.id)
        if let slot = slots[key] { remove(slot) }
        expire(now)
        let size = response.size + owner.utf8.count
        guard size <= limits.bytes, limits.count > 0 else { return false }
        while entries.count >= limits.count || bytes + size > limits.bytes, let oldest = entries.oldest {
            remove(oldest)
        }
        let slot = entries.append(Entry(key: key, response: response, size: size, expiry: now + limits.lifetime))
        slots[key] = slot
        bytes += size
        for item in response.output {
            if let id = item.id { items[Key(owner: owner, id: id)] = slot }
        }
        for item in response.input {
            // An item that came back is found where it was made.
            guard let id = item.id, items[Key(owner: owner, id: id)] == nil else { continue }
            items[Key(owner: owner, id: id)] = slot
        }
        return true
    }

    /// The response with this id, if it is the owner's. It counts as used.
    package mutating func get(_ id: String, owner: String, now: NIODeadline) -> StoredResponse? {
        expire(now)
        guard let slot = slots[Key(owner: owner, id: id)] else { return nil }
        use(slot, now)
        return entries[slot]?.response
    }

    /// Forgets a response; false if there is none. What continued from it can't be continued any more.
    package mutating func delete(_ id: String, owner: String, now: NIODeadline) -> Bool {
        expire(now)
        guard let slot = slots[Key(owner: owner, id: id)] else { return false }
        remove(slot)
        return true
    }

    /// Looks up what a request refers to. Throws what the client is to be told if something of it is not here.
    package mutating func resolve(
        _ references: ResponsesReferences, owner: String, now: NIODeadline
    ) throws(InvalidRequest) -> ResolvedReferences {
        expire(now)
        var resolved = ResolvedReferences()
        if let id = references.previousResponseID {
            resolved.history = try history(endingWith: id, owner: owner, now: now)
        }
        for id in references.itemIDs {
            guard let slot = items[Key(owner: owner, id: id)], let response = entries[slot]?.response else { continue }
            use(slot, now)
            let item = response.output.first { $0.id == id } ?? response.input.first { $0.id == id }
            resolved.items[id] = item?.text
        }
        return resolved
    }

    /// All items of a conversation up to a response, the oldest first.
    private mutating func history(
        endingWith last: String, owner: String, now: NIODeadline
    ) throws(InvalidRequest) -> [StoredItem] {
        var chain: [StoredResponse] = []
        var next: String? = last
        while let id = next {
            // A conversation can't have more responses than there are.
            guard let slot = slots[Key(owner: owner, id: id)], let response = entries[slot]?.response,
                chain.count < entries.count
            else { throw ResponsesReferences.responseNotFound(last) }
            use(slot, now)
            chain.append(response)
            next = response.previousID
        }
        return chain.reversed().flatMap { $0.input + $0.output }
    }

    private mutating func use(_ slot: Int, _ now: NIODeadline) {
        entries.update(slot) { $0.expiry = now + limits.lifetime }
        entries.touch(slot)
    }

    /// Forgets what is too old. The order of use is that of expiry.
    private mutating func expire(_ now: NIODeadline) {
        while let oldest = entries.oldest, let entry = entries[oldest], entry.expiry <= now { remove(oldest) }
    }

    private mutating func remove(_ slot: Int) {
        guard let entry = entries.remove(slot) else { return }
        slots[entry.key] = nil
        bytes -= entry.size
        for item in entry.response.output + entry.response.input {
            guard let id = item.id else { continue }
            let key = Key(owner: entry.key.owner, id: id)
            if items[key] == slot { items[key] = nil }
        }
    }
}

/// The answers about stored responses that are no responses.
package enum StoredResponseAnswer {
    /// The body that tells of a deletion (`DELETE /v1/responses/{id}`).
    package static func writeDeleted(_ id: String, into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"object\":\"response\",\"deleted\":true}")
    }

    /// What a client is told, with status 404, of a response that it does not have.
    package static func notFound(_ id: String) -> InvalidRequest {
        let shown = String(decoding: id.utf8.prefix(64), as: UTF8.self)
        return InvalidRequest("Response with id '\(shown)' not found.", param: "response_id")
    }
}
