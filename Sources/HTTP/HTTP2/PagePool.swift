internal import Glibc
import Synchronization

/// Blocks of whole pages, each of them zero and untouched when it is taken: a page that its user does not touch costs
/// no memory.
///
/// The pool reserves address space, not memory, and is never given back. Safe to use from all threads.
@safe
final class PagePool: Sendable {
    private struct State {
        /// Slots that were given back, and the first one that was never used.
        var free: [Int] = []
        var fresh = 0
    }

    private static let slotCount = 64 * 1024
    /// Bytes in a block: a multiple of the page size.
    let slotSize: Int
    /// Where the slots begin; 0 where the system has no space, and the pool is always empty.
    private let base: UInt
    private let state = Mutex(State())

    init(slotSize: Int) {
        self.slotSize = slotSize
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let region = unsafe mmap(nil, slotSize * Self.slotCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        base = unsafe region == MAP_FAILED ? 0 : UInt(bitPattern: region)
    }

    /// A block, or nil when all are taken.
    func take() -> UnsafeMutableRawPointer? {
        guard base != 0 else { return nil }
        let slot: Int? = state.withLock { state in
            if let slot = state.free.popLast() { return slot }
            guard state.fresh < Self.slotCount else { return nil }
            state.fresh += 1
            return state.fresh - 1
        }
        guard let slot else { return nil }
        return unsafe UnsafeMutableRawPointer(bitPattern: base + UInt(slot * slotSize))
    }

    /// Takes a block back; its pages return to the system, and the next user finds zeroes.
    func giveBack(_ block: UnsafeMutableRawPointer) {
        unsafe madvise(block, slotSize, MADV_DONTNEED)
        let slot = Int(UInt(bitPattern: block) - base) / slotSize
        state.withLock { $0.free.append(slot) }
    }

}
