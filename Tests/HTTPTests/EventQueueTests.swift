import Testing

@testable import HTTP

@Suite struct EventQueueTests {
    /// Counts its instances that are alive.
    private final class Counted {
        final class Count { var alive = 0 }
        let number: Int
        private let count: Count
        init(_ number: Int, _ count: Count) {
            self.number = number
            self.count = count
            count.alive += 1
        }
        deinit { count.alive -= 1 }
    }

    /// As large as events are, so that a block holds about a dozen.
    private struct Event {
        let counted: Counted
        var padding: (Int, Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    @Test(arguments: [1, 2, 11, 12, 13, 24, 25, 100], [false, true])
    func eventsComeOutInTheOrderInWhichTheyWentIn(pieces: Int, isIdle: Bool) {
        let count = Counted.Count()
        var queue = EventQueue<Event>()
        var (added, taken) = (0, 0)
        for _ in 0..<5 {
            for _ in 0..<pieces {
                queue.append(Event(counted: Counted(added, count)))
                added += 1
            }
            // Some stay behind in the first rounds: the next ones follow them.
            while taken < added - pieces / 3, let event = queue.popFirst(isIdle: isIdle) {
                #expect(event.counted.number == taken)
                taken += 1
            }
            #expect(count.alive == added - taken)
        }
        while let event = queue.popFirst(isIdle: isIdle) {
            #expect(event.counted.number == taken)
            taken += 1
        }
        #expect(taken == added && count.alive == 0)
        let isEmpty = queue.popFirst() == nil
        #expect(isEmpty)
    }

    @Test(arguments: [0, 1, 11, 12, 13, 40], [0, 1, 11, 12])
    func whatIsLeftIsLetGoWithTheQueue(added: Int, taken: Int) {
        let count = Counted.Count()
        do {
            var queue = EventQueue<Event>()
            for number in 0..<added { queue.append(Event(counted: Counted(number, count))) }
            for _ in 0..<taken { _ = queue.popFirst() }
            #expect(count.alive == max(0, added - taken))
        }
        #expect(count.alive == 0)
    }
}
