import Testing

@testable import TLS

@Suite struct RecordMemoryTests {
    init() {
        _ = RecordMemory.isInstalled
    }

    /// The address of a block; 0 for none.
    private func take(_ size: Int) -> UInt {
        unsafe UInt(bitPattern: RecordMemory.allocate(size))
    }

    private func giveBack(_ block: UInt) {
        unsafe RecordMemory.free(UnsafeMutableRawPointer(bitPattern: block))
    }

    @Test func aRecordsBlockIsUsedAgainOnItsThread() {
        let first = take(16_800)
        giveBack(first)
        let second = take(17_200)
        #expect(first != 0 && first == second)
        giveBack(second)
    }

    @Test func manyBlocksOfAllSizesAreApart() {
        let sizes = Array(repeating: 16_704, count: 40) + [1, 64, 16_383, 18_433, 100_000]
        for _ in 0..<3 {
            let blocks = sizes.map { take($0) }
            #expect(Set(blocks).count == blocks.count && !blocks.contains(0))
            for (block, size) in zip(blocks, sizes) {
                let memory = unsafe UnsafeMutableRawPointer(bitPattern: block)
                unsafe memory?.initializeMemory(as: UInt8.self, repeating: 0x5A, count: size)
            }
            for block in blocks { giveBack(block) }
        }
        #expect(take(0) == 0)
        giveBack(0)
    }

    @Test func aBlockGrowsWithItsContent() {
        let block = unsafe RecordMemory.allocate(16_800)
        unsafe block?.initializeMemory(as: UInt8.self, repeating: 7, count: 16_800)
        let grown = unsafe RecordMemory.reallocate(block, 60_000)
        let isWhole = unsafe UnsafeRawBufferPointer(start: grown, count: 16_800).allSatisfy { $0 == 7 }
        #expect(isWhole)
        #expect(unsafe UInt(bitPattern: RecordMemory.reallocate(grown, 0)) == 0)
    }
}
