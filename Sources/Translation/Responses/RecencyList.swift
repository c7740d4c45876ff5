/// Values in the order in which they were used last, each at a slot that stays its own while it is in the list.
///
/// A doubly linked list in an array: nothing is searched, moved or shared.
struct RecencyList<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var value: Value?
        /// The slots used just after and just before this one; `none` at the ends.
        var newer: Int
        var older: Int
    }

    private static var none: Int { -1 }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private var newest = Self.none
    private(set) var count = 0
    /// The slot of the value that was not used for the longest time.
    private var last = Self.none

    var oldest: Int? { last == Self.none ? nil : last }

    /// The value at a slot, nil if there is none.
    subscript(slot: Int) -> Value? {
        slots.indices.contains(slot) ? slots[slot].value : nil
    }

    /// Changes the value at a slot, if there is one.
    mutating func update(_ slot: Int, _ change: (inout Value) -> Void) {
        guard slots.indices.contains(slot), var value = slots[slot].value else { return }
        slots[slot].value = nil
        change(&value)
        slots[slot].value = value
    }

    /// Adds a value as the one that was used last; gives back its slot.
    mutating func append(_ value: Value) -> Int {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = slots.count
            slots.append(Slot(value: nil, newer: Self.none, older: Self.none))
        }
        slots[slot].value = value
        count += 1
        link(slot)
        return slot
    }

    /// Makes a value the one that was used last.
    mutating func touch(_ slot: Int) {
        guard slots.indices.contains(slot), slots[slot].value != nil, slot != newest else { return }
        unlink(slot)
        link(slot)
    }

    @discardableResult
    mutating func remove(_ slot: Int) -> Value? {
        guard slots.indices.contains(slot), let value = slots[slot].value else { return nil }
        unlink(slot)
        slots[slot].value = nil
        free.append(slot)
        count -= 1
        return value
    }

    private mutating func link(_ slot: Int) {
        slots[slot].older = newest
        slots[slot].newer = Self.none
        if newest != Self.none { slots[newest].newer = slot }
        newest = slot
        if last == Self.none { last = slot }
    }

    private mutating func unlink(_ slot: Int) {
        let (newer, older) = (slots[slot].newer, slots[slot].older)
        if newer == Self.none { newest = older } else { slots[newer].older = older }
        if older == Self.none { last = newer } else { slots[older].newer = newer }
    }
}
