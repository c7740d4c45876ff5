import NIOCore
import Testing

@testable import Qwen

@Suite struct FairQueueTests {
    typealias Queue = FairQueue<String, Int>

    private func queue(_ capacity: Int = 100, perKey: Int = 100) -> Queue {
        Queue(capacity: capacity, capacityPerKey: perKey)
    }

    @discardableResult
    private func add(_ queue: inout Queue, _ element: Int, _ key: String, _ deadline: Double = 100) -> Queue.Ticket? {
        try? queue.enqueue(element, key: key, deadline: at(deadline), now: at(0))
    }

    private func drain(_ queue: inout Queue) -> [Int] {
        var elements: [Int] = []
        while let element = queue.dequeue(now: at(0)) { elements.append(element) }
        return elements
    }

    @Test func keysTakeTurnsAndEachIsInOrder() {
        var queue = queue()
        for number in 0..<4 { add(&queue, number, "a") }
        for number in 10..<12 { add(&queue, number, "b") }
        add(&queue, 20, "c")
        #expect(queue.first == 0)
        #expect(queue.count(of: "a") == 4)
        #expect(drain(&queue) == [0, 10, 20, 1, 11, 2, 3])
        #expect(queue.isEmpty && queue.first == nil && queue.nextDeadline == nil)
    }

    @Test func aNewKeyComesBehindTheOthersTurn() {
        var queue = queue()
        for number in 0..<2 { add(&queue, number, "a") }
        for number in 10..<12 { add(&queue, number, "b") }
        #expect(queue.dequeue(now: at(0)) == 0)
        add(&queue, 20, "c")
        #expect(drain(&queue) == [10, 1, 20, 11])
    }

    @Test func whoReturnsGoesFirst() throws {
        var queue = queue()
        for number in 0..<2 { add(&queue, number, "a") }
        add(&queue, 10, "b")
        _ = try queue.enqueue(20, key: "c", deadline: at(9), isReturning: true, now: at(0))
        _ = try queue.enqueue(11, key: "b", deadline: at(9), isReturning: true, now: at(0))
        #expect(drain(&queue) == [20, 0, 11, 1, 10])
    }

    @Test func capacityIsOfAllAndOfEach() {
        var queue = queue(3, perKey: 2)
        add(&queue, 1, "a")
        add(&queue, 2, "a")
        #expect(throws: Queue.Full.key) { try queue.enqueue(3, key: "a", deadline: at(1), now: at(0)) }
        add(&queue, 4, "b")
        #expect(throws: Queue.Full.queue) { try queue.enqueue(5, key: "c", deadline: at(1), now: at(0)) }
        #expect(drain(&queue) == [1, 4, 2])
        var none = self.queue(0)
        #expect(throws: Queue.Full.queue) { try none.enqueue(5, key: "c", deadline: at(1), now: at(0)) }
    }

    @Test func cancelledRequestsAreGone() {
        var queue = queue()
        let tickets = (0..<5).map { add(&queue, $0, "a") }
        let other = add(&queue, 10, "b")
        for index in [0, 2, 4] { #expect(tickets[index].flatMap { queue.cancel($0) } == index) }
        #expect(other.flatMap { queue.cancel($0) } == 10)
        #expect(other.flatMap { queue.cancel($0) } == nil)
        #expect(queue.count == 2)
        // The place is used again; the old ticket is not good for it.
        add(&queue, 11, "b")
        #expect(other.flatMap { queue.cancel($0) } == nil)
        #expect(drain(&queue) == [1, 11, 3])
    }

    @Test func patienceEnds() {
        var queue = queue()
        add(&queue, 1, "a", 5)
        add(&queue, 2, "a", 3)
        add(&queue, 3, "b", 4)
        let gone = add(&queue, 4, "b", 1)
        #expect(queue.nextDeadline == at(1))
        _ = gone.flatMap { queue.cancel($0) }
        #expect(queue.nextDeadline == at(3))
        #expect(queue.expire(now: at(2)) == [])
        #expect(queue.expire(now: at(4)) == [2, 3])
        #expect(queue.nextDeadline == at(5))
        #expect(drain(&queue) == [1])
    }

    @Test func waitIsEstimatedByThePace() {
        var queue = queue()
        #expect(queue.estimatedWait(for: "a") == nil)
        for number in 0..<4 { add(&queue, number, "a") }
        for number in 0..<2 { add(&queue, number, "b") }
        #expect(queue.dequeue(now: at(2)) == 0)
        // Every two seconds one goes: three of a, two of b. Another of a is served last, a new key's after one each.
        #expect(queue.estimatedWait(for: "a") == .seconds(12))
        #expect(queue.estimatedWait(for: "b") == .seconds(12))
        #expect(queue.estimatedWait(for: "c") == .seconds(4))
    }

    /// Against a model that is as slow as it is simple: nothing is lost, nobody starves, no bound is broken.
    @Test(arguments: 1...20) func likeTheModel(_ seed: UInt64) {
        struct Waiting: Equatable {
            let element: Int
            let key: String
            let deadline: NIODeadline
        }
        var random = SeededGenerator(seed: seed)
        var queue = queue(60, perKey: 12)
        var ring: [String] = []
        var waiting: [Waiting] = []
        var tickets: [Int: Queue.Ticket] = [:]
        var now = 0.0
        func forget(_ element: Int) {
            guard let index = waiting.firstIndex(where: { $0.element == element }) else { return }
            let key = waiting.remove(at: index).key
            if !waiting.contains(where: { $0.key == key }) { ring.removeAll { $0 == key } }
        }
        for element in 0..<4000 {
            now += 0.01
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let key = "\(Int.random(in: 0..<8, using: &random))"
                let deadline = at(now + Double.random(in: 0...2, using: &random))
                let isFull = waiting.count == 60 || waiting.count { $0.key == key } == 12
                if let ticket = try? queue.enqueue(element, key: key, deadline: deadline, now: at(now)) {
                    #expect(!isFull)
                    tickets[element] = ticket
                    waiting.append(Waiting(element: element, key: key, deadline: deadline))
                    if !ring.contains(key) { ring.append(key) }
                } else {
                    #expect(isFull)
                }
            case 6..<8:
                let expected = ring.first.flatMap { key in waiting.first { $0.key == key }?.element }
                #expect(queue.first == expected)
                #expect(queue.dequeue(now: at(now)) == expected)
                guard let expected, let key = ring.first else { continue }
                ring.append(ring.removeFirst())
                forget(expected)
                if !waiting.contains(where: { $0.key == key }) { #expect(!ring.contains(key)) }
            case 8:
                let element = Int.random(in: max(0, element - 100)...element, using: &random)
                guard let ticket = tickets[element] else { continue }
                let isWaiting = waiting.contains { $0.element == element }
                #expect((queue.cancel(ticket) == element) == isWaiting)
                forget(element)
                tickets[element] = nil
            default:
                let expected = waiting.filter { $0.deadline <= at(now) }.map(\.element)
                #expect(Set(queue.expire(now: at(now))) == Set(expected))
                for element in expected { forget(element) }
            }
            #expect(queue.count == waiting.count)
            #expect(queue.nextDeadline == waiting.map(\.deadline).min())
        }
        #expect(Set(drain(&queue)) == Set(waiting.map(\.element)))
    }
}
