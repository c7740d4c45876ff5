package import NIOCore

/// Requests that wait for a credential, served in turn: one of each client key, and of one key in the order of their
/// coming.
///
/// Bounded in all and for each key, so that nobody can fill it alone. Adding, taking and cancelling take constant time,
/// expiry the logarithm of the length.
package struct FairQueue<Key: Hashable, Element> {
    /// A place in the queue; good for `cancel` as long as the request waits.
    package struct Ticket: Hashable, Sendable {
        fileprivate let slot: Int
        fileprivate let serial: UInt64
    }

    /// Why a request cannot wait.
    package enum Full: Error, Sendable, Equatable {
        case queue
        /// The key has as many waiting as it may.
        case key
    }

    private struct Slot {
        var element: Element?
        var key: Key?
        var serial: UInt64 = 0
        var previous: Int?
        var next: Int?
    }

    /// The requests of a key, and its neighbours in the ring of keys.
    private struct Lane {
        var first: Int
        var last: Int
        var count: Int
        var previous: Key
        var next: Key
    }

    package let capacity: Int
    package let capacityPerKey: Int
    package private(set) var count = 0
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var lanes: [Key: Lane] = [:]
    /// Whose turn it is.
    private var turn: Key?
    private var serial: UInt64 = 0
    private var deadlines = DeadlineHeap()
    private var pace = Pace()

    /// - Parameters:
    ///   - capacity: the most requests that wait.
    ///   - capacityPerKey: the most of one key.
    package init(capacity: Int, capacityPerKey: Int) {
        self.capacity = max(capacity, 0)
        self.capacityPerKey = max(capacityPerKey, 0)
    }

    package var isEmpty: Bool { count == 0 }
    package func count(of key: Key) -> Int { lanes[key]?.count ?? 0 }

    /// The next instant at which a request's patience may end.
    package var nextDeadline: NIODeadline? { deadlines.first?.deadline }

    // MARK: Coming

    /// - Parameters:
    ///   - deadline: when its patience ends (`expire`).
    ///   - isReturning: it has waited before, and was refused when its turn came: it goes before the others of its key,
    ///     and if there are none, before the other keys.
    package mutating func enqueue(
        _ element: Element, key: Key, deadline: NIODeadline, isReturning: Bool = false, now: NIODeadline
    ) throws(Full) -> Ticket {
        guard count < capacity else { throw .queue }
        guard count(of: key) < capacityPerKey else { throw .key }
        if count == 0 { pace.begin(now) }
        serial += 1
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = slots.count
            slots.append(Slot())
        }
        slots[slot] = Slot(element: element, key: key, serial: serial)
        insert(slot, into: key, atFront: isReturning)
        count += 1
        let ticket = Ticket(slot: slot, serial: serial)
        deadlines.insert(DeadlineHeap.Item(deadline: deadline, slot: slot, serial: serial))
        return ticket
    }

    private mutating func insert(_ slot: Int, into key: Key, atFront: Bool) {
        if var lane = lanes[key] {
            if atFront {
                slots[slot].next = lane.first
                slots[lane.first].previous = slot
                lane.first = slot
            } else {
                slots[slot].previous = lane.last
                slots[lane.last].next = slot
                lane.last = slot
            }
            lane.count += 1
            lanes[key] = lane
        } else if let turn, let previous = lanes[turn]?.previous {
            // Behind all others, which in a ring is in front of the one whose turn it is.
            lanes[key] = Lane(first: slot, last: slot, count: 1, previous: previous, next: turn)
            lanes[previous]?.next = key
            lanes[turn]?.previous = key
            if atFront { self.turn = key }
        } else {
            lanes[key] = Lane(first: slot, last: slot, count: 1, previous: key, next: key)
            turn = key
        }
    }

    // MARK: Going

    /// The request whose turn it is, which stays.
    package var first: Element? {
        turn.flatMap { lanes[$0] }.flatMap { slots[$0.first].element }
    }

    /// Takes the request whose turn it is.
    package mutating func dequeue(now: NIODeadline) -> Element? {
        guard let key = turn, let lane = lanes[key] else { return nil }
        turn = lane.next
        pace.served(now)
        return remove(lane.first)
    }

    /// Takes a request that waits no longer; nil if it had gone before.
    @discardableResult
    package mutating func cancel(_ ticket: Ticket) -> Element? {
        guard slots.indices.contains(ticket.slot), slots[ticket.slot].serial == ticket.serial else { return nil }
        return remove(ticket.slot)
    }

    /// Takes the requests whose deadline has come, the earliest first.
    package mutating func expire(now: NIODeadline) -> [Element] {
        var expired: [Element] = []
        while let item = deadlines.first, item.deadline <= now {
            // Takes the item out of the heap as well.
            guard let element = remove(item.slot) else { break }
            expired.append(element)
        }
        return expired
    }

    private mutating func remove(_ slot: Int) -> Element? {
        let leaving = slots[slot]
        guard let key = leaving.key, var lane = lanes[key] else { return nil }
        slots[slot] = Slot()
        free.append(slot)
        count -= 1
        dropGoneDeadlines()
        if let previous = leaving.previous {
            slots[previous].next = leaving.next
        } else if let next = leaving.next {
            lane.first = next
        }
        if let next = leaving.next {
            slots[next].previous = leaving.previous
        } else if let previous = leaving.previous {
            lane.last = previous
        }
        lane.count -= 1
        if lane.count > 0 {
            lanes[key] = lane
        } else {
            lanes[lane.previous]?.next = lane.next
            lanes[lane.next]?.previous = lane.previous
            lanes[key] = nil
            if turn == key { turn = lanes.isEmpty ? nil : lane.next }
        }
        return leaving.element
    }

    /// What has left by itself stays in the heap until it comes up, or until it makes up more than half of it.
    private mutating func dropGoneDeadlines() {
        while let item = deadlines.first, slots[item.slot].serial != item.serial { deadlines.removeFirst() }
        guard deadlines.count > 2 * count + 64 else { return }
        deadlines.keep { slots[$0.slot].serial == $0.serial }
    }

    // MARK: Waiting times

    /// About how long a further request of `key` would wait, by the pace of the last ones; nil before anything was
    /// served. Ahead of it are those of its key, and as many of each other.
    package func estimatedWait(for key: Key) -> TimeAmount? {
        let rounds = count(of: key) + 1
        let (turns, overflow) = rounds.multipliedReportingOverflow(by: max(lanes.count, 1))
        return pace.interval.map { .nanoseconds($0 * Int64(overflow ? count + 1 : min(turns, count + 1))) }
    }
}

/// How fast a queue moves: the mean time between two requests that leave it, the last ones counting most.
private struct Pace {
    private var last: NIODeadline?
    /// In nanoseconds.
    private(set) var interval: Int64?

    /// The queue was empty, and is no more.
    mutating func begin(_ now: NIODeadline) { last = now }

    mutating func served(_ now: NIODeadline) {
        defer { last = now }
        guard let last, now >= last else { return }
        let gap = min((now - last).nanoseconds, 600_000_000_000)
        interval = interval.map { $0 + (gap - $0) / 8 } ?? gap
    }
}
