internal import Synchronization

/// How many bytes may be held for clients in all: request bodies that are arriving or being answered, documents that
/// are being put together, output that waits for slow clients.
///
/// It bounds what strangers can make the process hold, not the process: buffers of the system, TLS sessions and code
/// come on top.
package final class MemoryBudget: Sendable {
    package let limit: Int
    private let taken = Atomic<Int>(0)

    package init(limit: Int) {
        self.limit = limit
    }

    /// Bytes that event loops have taken for themselves: up to a block for each more than they use.
    package var used: Int { taken.load(ordering: .relaxed) }

    fileprivate func take(_ bytes: Int) -> Bool {
        var current = taken.load(ordering: .relaxed)
        while true {
            guard bytes <= limit - current else { return false }
            let (exchanged, original) = taken.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return true }
            current = original
        }
    }

    fileprivate func force(_ bytes: Int) { taken.wrappingAdd(bytes, ordering: .relaxed) }
    fileprivate func giveBack(_ bytes: Int) { taken.wrappingSubtract(bytes, ordering: .relaxed) }
}

/// One event loop's part of the budget, taken from it in blocks: what an exchange holds is counted with plain numbers,
/// and loops meet only when a block is full or empty. Confined to its loop.
package final class LoopMemory {
    private let budget: MemoryBudget
    /// Bytes that this loop may use, and those that it does.
    private var granted = 0
    private(set) var used = 0

    /// Small against any budget, and large against most requests.
    static let block = 256 * 1024

    package init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    deinit { budget.giveBack(granted) }

    /// Whether so many bytes more could be held at this moment.
    func hasRoom(for bytes: Int) -> Bool {
        bytes <= granted - used || bytes - (granted - used) <= budget.limit - budget.used
    }

    /// Changes what is held by `change` bytes. False, and nothing changes, where the budget has no room for it, unless
    /// it is forced.
    func change(_ change: Int, isForced: Bool) -> Bool {
        let next = used + change
        if next > granted {
            let missing = next - granted
            let blocks = (missing + Self.block - 1) / Self.block * Self.block
            if budget.take(blocks) {
                granted += blocks
            } else if budget.take(missing) {
                granted += missing
            } else if isForced {
                budget.force(missing)
                granted += missing
            } else {
                return false
            }
        } else if granted - next >= 2 * Self.block {
            let spare = (granted - next) / Self.block * Self.block - Self.block
            budget.giveBack(spare)
            granted -= spare
        }
        used = next
        return true
    }
}

/// What one exchange, or one connection, holds of the budget. To be set to zero before it is let go.
struct MemoryHold {
    private(set) var bytes = 0

    /// Holds `bytes` in place of what it held before; false, and nothing changes, where the budget is full.
    @inline(__always)
    mutating func set(_ bytes: Int, in memory: LoopMemory, isForced: Bool = false) -> Bool {
        guard bytes != self.bytes else { return true }
        guard memory.change(bytes - self.bytes, isForced: isForced) else { return false }
        self.bytes = bytes
        return true
    }
}
