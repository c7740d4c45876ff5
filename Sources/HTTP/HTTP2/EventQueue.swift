internal import Glibc

/// A first-in first-out queue in small blocks of memory: an event is moved in and out, without a count of references
/// to what it holds, and blocks come from where the heap is quickest.
@safe
struct EventQueue<Event>: ~Copyable {
    /// A block begins with the address of the next one; its events follow.
    @unsafe private struct Block {
        var next: UnsafeMutablePointer<Block>?
    }

    /// Bytes of a block: for one of 1 KiB or more, which the heap takes for a large one, it may merge all free small ones.
    private static var blockSize: Int { 960 }
    /// Where the events begin, past the link and in step with their alignment.
    private static var header: Int { max(16, MemoryLayout<Event>.alignment) }
    private static var eventsPerBlock: Int { max(1, (blockSize - header) / MemoryLayout<Event>.stride) }

    /// The blocks from which events are taken, and to which they are added.
    private var front: UnsafeMutablePointer<Block>?
    private var back: UnsafeMutablePointer<Block>?
    /// The place in `front` of the next event to be taken, and in `back` of the next one to come.
    private var first = 0
    private var end = 0

    init() {
        unsafe front = nil
        unsafe back = nil
    }

    deinit {
        var next = unsafe front
        var start = first
        while let block = unsafe next {
            unsafe next = block.pointee.next
            let stop = unsafe next == nil ? end : Self.eventsPerBlock
            unsafe Self.event(start, of: block).deinitialize(count: stop - start)
            unsafe free(block)
            start = 0
        }
    }

    mutating func append(_ event: consuming Event) {
        if unsafe back == nil || end == Self.eventsPerBlock { addBlock() }
        guard let back = unsafe back else { return }
        unsafe Self.event(end, of: back).initialize(to: event)
        end += 1
    }

    /// - Parameter isIdle: whether no more is to be expected soon: the last block is then given back with its last event.
    mutating func popFirst(isIdle: Bool = false) -> Event? {
        guard var block = unsafe front else { return nil }
        if first == Self.eventsPerBlock, let next = unsafe block.pointee.next {
            unsafe removeBlock(block)
            unsafe block = next
        }
        if unsafe block == back, first == end {
            (first, end) = (0, 0)
            if isIdle { unsafe removeBlock(block) }
            return nil
        }
        first += 1
        return unsafe Self.event(first - 1, of: block).move()
    }

    @inline(__always)
    private static func event(_ index: Int, of block: UnsafeMutablePointer<Block>) -> UnsafeMutablePointer<Event> {
        unsafe (UnsafeMutableRawPointer(block) + header).assumingMemoryBound(to: Event.self) + index
    }

    private mutating func addBlock() {
        let size = max(Self.blockSize, Self.header + MemoryLayout<Event>.stride)
        let block = unsafe heapBlock(size).bindMemory(to: Block.self, capacity: 1)
        unsafe block.initialize(to: Block(next: nil))
        if let back = unsafe back { unsafe back.pointee.next = block } else { unsafe front = block }
        unsafe back = block
        end = 0
    }

    /// Gives the first block back, whose events have been taken.
    private mutating func removeBlock(_ block: UnsafeMutablePointer<Block>) {
        unsafe front = block.pointee.next
        if unsafe front == nil {
            unsafe back = nil
            end = 0
        }
        first = 0
        unsafe free(block)
    }
}
