import NIOCore
import Testing

@testable import Transport

/// What is held for clients is counted, bounded and given back.
@Suite struct MemoryBudgetTests {
    private static let block = LoopMemory.block

    @Test func holdsUpToTheLimitAndNoFurther() {
        let budget = MemoryBudget(limit: 10 * Self.block + 5)
        let memory = LoopMemory(budget)
        var one = MemoryHold()
        var other = MemoryHold()
        let answer1 = one.set(10 * Self.block, in: memory)
        #expect(answer1)
        let answer2 = other.set(6, in: memory)
        #expect(!answer2)
        #expect(other.bytes == 0)
        let answer3 = other.set(5, in: memory)
        #expect(answer3)
        #expect(!memory.hasRoom(for: 1))
        let answer4 = one.set(1, in: memory)
        #expect(answer4)
        #expect(memory.hasRoom(for: 9 * Self.block))
        let answer5 = other.set(9 * Self.block, in: memory)
        #expect(answer5)
        #expect(memory.used == 9 * Self.block + 1)
    }

    @Test func whatIsForcedGoesPastIt() {
        let budget = MemoryBudget(limit: Self.block)
        let memory = LoopMemory(budget)
        var answer = MemoryHold()
        let answer6 = answer.set(3 * Self.block, in: memory, isForced: true)
        #expect(answer6)
        var request = MemoryHold()
        let answer7 = request.set(1, in: memory)
        #expect(!answer7)
        #expect(!memory.hasRoom(for: 1))
        let answer8 = answer.set(0, in: memory)
        #expect(answer8)
        let answer9 = request.set(1, in: memory)
        #expect(answer9)
        #expect(budget.used <= 2 * Self.block)
    }

    /// A loop that has no use for its blocks leaves them to the others.
    @Test func loopsShareOneBudget() {
        let budget = MemoryBudget(limit: 20 * Self.block)
        let one = LoopMemory(budget)
        let other = LoopMemory(budget)
        var hold = MemoryHold()
        let answer10 = hold.set(20 * Self.block, in: one)
        #expect(answer10)
        var second = MemoryHold()
        let answer11 = second.set(1, in: other)
        #expect(!answer11)
        let answer12 = hold.set(0, in: one)
        #expect(answer12)
        let answer13 = second.set(18 * Self.block, in: other)
        #expect(answer13)
        #expect(budget.used <= 20 * Self.block)
    }

    @Test func everythingComesBack() {
        let budget = MemoryBudget(limit: 100 * Self.block)
        do {
            let memory = LoopMemory(budget)
            var holds = Array(repeating: MemoryHold(), count: 50)
            var random = SystemRandomNumberGenerator()
            for _ in 0..<5000 {
                let index = Int.random(in: 0..<50, using: &random)
                _ = holds[index].set(.random(in: 0...4 * Self.block, using: &random), in: memory)
                #expect(memory.used == holds.reduce(0) { $0 + $1.bytes })
                #expect(budget.used >= memory.used && budget.used <= budget.limit)
                #expect(budget.used - memory.used < 2 * Self.block)
            }
            for index in holds.indices { _ = holds[index].set(0, in: memory) }
            #expect(memory.used == 0)
        }
        #expect(budget.used == 0)
    }
}
