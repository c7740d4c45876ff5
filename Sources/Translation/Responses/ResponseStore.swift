import JSON
package import NIOCore

/// The responses that clients asked to keep, in memory and within limits: a value without I/O, for all owners.
///
/// A response belongs to the client that made it. Nobody else can read it, continue from it, delete it, or learn that
/// it exists. When the store is full, the owner that fills most of it loses what it has not used for the longest time:
/// who keeps little is never pushed out by one who keeps much. Continuing a conversation uses all of its responses.
/// What was not used for `lifetime` is gone.
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
        /// Its place in its owner's order of use.
        var place: Int
    }

    /// What one client keeps.
    private struct Share {
        /// The slots of its responses in the order of their use.
        var order = RecencyList<Int>()
        var bytes = 0
    }

    private let limits: Limits
    private var entries = RecencyList<Entry>()
    private var slots: [Key: Int] = [:]
    private var shares: [String: Share] = [:]
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
    /// - Parameter owner: the name of the client's key; its address where it needs none.
    /// - Returns: whether it is kept: one that is larger than the whole store is not.
    @discardableResult
    package mutating func put(_ response: StoredResponse, owner: String, now: NIODeadline) -> Bool {
        let key = Key(owner: owner, id: response.id)
        if let slot = slots[key] { remove(slot) }
        expire(now)
        let size = response.size + owner.utf8.count
        guard size <= limits.bytes, limits.count > 0 else { return false }
        while entries.count >= limits.count || bytes + size > limits.bytes {
            guard let slot = slotToGiveUp(for: owner, size) else { break }
            remove(slot)
        }
        let slot = entries.append(
            Entry(key: key, response: response, size: size, expiry: now + limits.lifetime, place: 0))
        let place = shares[owner, default: Share()].order.append(slot)
        shares[owner, default: Share()].bytes += size
        entries.update(slot) { $0.place = place }
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

    /// The response that goes for a new one: the oldest of whoever would keep most with it, the newcomer's where they
    /// are equal.
    private func slotToGiveUp(for newcomer: String, _ size: Int) -> Int? {
        var most: (load: Double, slot: Int)?
        if let share = shares[newcomer], let oldest = share.order.oldest, let slot = share.order[oldest] {
            most = (load(share.order.count + 1, share.bytes + size), slot)
        }
        for (owner, share) in shares where owner != newcomer {
            guard let oldest = share.order.oldest, let slot = share.order[oldest] else { continue }
            let load = load(share.order.count, share.bytes)
            if load > most?.load ?? 0 { most = (load, slot) }
        }
        return most?.slot
    }

    /// How much of the store that fills, of what it has least.
    private func load(_ count: Int, _ bytes: Int) -> Double {
        max(Double(count) / Double(limits.count), Double(bytes) / Double(limits.bytes))
    }

    /// The response with this id, if it is the owner's. It counts as used.
    package mutating func get(_ id: String, owner: String, now: NIODeadline) -> StoredResponse? {
        expire(now)
        guard let slot = slots[Key(owner: owner, id: id)] else { return nil }
        use(slot, now)
        return entries[slot]?.response
    }

    /// The items that a response was made of, the oldest first: those of its conversation, as far as that is kept, and
    /// its own. nil if there is no such response of the owner's. All of them count as used.
    package mutating func inputItems(of id: String, owner: String, now: NIODeadline) -> [StoredItem]? {
        expire(now)
        let (chain, _) = conversation(endingWith: id, owner: owner, now: now)
        guard let response = chain.first else { return nil }
        return chain.dropFirst().reversed().flatMap { $0.input + $0.output } + response.input
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
        let (chain, isWhole) = conversation(endingWith: last, owner: owner, now: now)
        guard isWhole else { throw ResponsesReferences.responseNotFound(last) }
        return chain.reversed().flatMap { $0.input + $0.output }
    }

    /// The responses of a conversation up to one, the newest first, as far back as they are kept. All count as used.
    private mutating func conversation(
        endingWith last: String, owner: String, now: NIODeadline
    ) -> (newestFirst: [StoredResponse], isWhole: Bool) {
        var chain: [StoredResponse] = []
        var next: String? = last
        while let id = next {
            // A conversation can't have more responses than there are.
            guard let slot = slots[Key(owner: owner, id: id)], let response = entries[slot]?.response,
                chain.count < entries.count
            else { return (chain, false) }
            use(slot, now)
            chain.append(response)
            next = response.previousID
        }
        return (chain, true)
    }

    private mutating func use(_ slot: Int, _ now: NIODeadline) {
        entries.update(slot) { $0.expiry = now + limits.lifetime }
        entries.touch(slot)
        if let entry = entries[slot] { shares[entry.key.owner]?.order.touch(entry.place) }
    }

    /// Forgets what is too old. The order of use is that of expiry.
    private mutating func expire(_ now: NIODeadline) {
        while let oldest = entries.oldest, let entry = entries[oldest], entry.expiry <= now { remove(oldest) }
    }

    private mutating func remove(_ slot: Int) {
        guard let entry = entries.remove(slot) else { return }
        slots[entry.key] = nil
        bytes -= entry.size
        shares[entry.key.owner]?.order.remove(entry.place)
        shares[entry.key.owner]?.bytes -= entry.size
        if shares[entry.key.owner]?.order.count == 0 { shares[entry.key.owner] = nil }
        for item in entry.response.output + entry.response.input {
            guard let id = item.id else { continue }
            let key = Key(owner: entry.key.owner, id: id)
            if items[key] == slot { items[key] = nil }
        }
    }
}
