import NIOCore

/// A binary heap of deadlines: the earliest comes first, of several the one that was inserted first.
struct DeadlineHeap {
    struct Item {
        let deadline: NIODeadline
        let slot: Int
        let serial: UInt64

        fileprivate func isBefore(_ other: Item) -> Bool {
            (deadline, serial) < (other.deadline, other.serial)
        }
    }

    private var items: [Item] = []

    var first: Item? { items.first }
    var count: Int { items.count }

    mutating func insert(_ item: Item) {
        items.append(item)
        rise(items.count - 1)
    }

    mutating func removeFirst() {
        guard let last = items.popLast(), !items.isEmpty else { return }
        items[0] = last
        sink(0)
    }

    /// Drops the items that `isKept` says no to.
    mutating func keep(_ isKept: (Item) -> Bool) {
        items = items.filter(isKept)
        for index in stride(from: items.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard items[index].isBefore(items[parent]) else { return }
            items.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < items.count {
                if items[child].isBefore(items[least]) { least = child }
            }
            guard least != index else { return }
            items.swapAt(index, least)
            index = least
        }
    }
}
