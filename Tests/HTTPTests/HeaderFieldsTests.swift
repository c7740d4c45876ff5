import Testing

@testable import HTTP

@Suite struct HeaderFieldsTests {
    private func fields(_ pairs: [(String, String)]) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in pairs { fields.append(name: name, value: value) }
        return fields
    }

    private func pairs(_ fields: HeaderFields) -> [String] {
        (0..<fields.count).map { "\(fields.name(at: $0))=\(fields.value(at: $0))" }
    }

    @Test func anEmptyListHasNothing() {
        let empty = HeaderFields()
        #expect(empty.isEmpty && empty.count == 0 && empty.byteCount == 0 && empty.listSize == 0)
        #expect(empty["host"] == nil && empty.firstIndex(of: "host") == nil && empty.count(of: "host") == 0)
        #expect(!empty.isNamed(0, "host") && !empty.isValue("a", of: "host"))
    }

    @Test func fieldsComeBackInOrderHoweverManyThereAre() {
        let made = (0..<300).map { ("name-\($0)", String(repeating: "v", count: $0)) }
        let list = fields(made)
        #expect(pairs(list) == made.map { "\($0.0)=\($0.1)" })
        #expect(list.byteCount == made.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count })
        #expect(list.listSize == list.byteCount + 32 * 300)
    }

    @Test func aCopyKeepsWhatItHadWhenEitherChanges() {
        var one = fields([("a", "1")])
        let before = one
        one.append("b", "2")
        var other = one
        other.append("c", "3")
        one.append("d", "4")
        #expect(pairs(before) == ["a=1"])
        #expect(pairs(one) == ["a=1", "b=2", "d=4"])
        #expect(pairs(other) == ["a=1", "b=2", "c=3"])
        var emptied = one
        emptied.removeAll(keepingCapacity: true)
        #expect(emptied.isEmpty && pairs(one) == ["a=1", "b=2", "d=4"])
    }

    @Test func appendingAListToAnother() {
        var joined = HeaderFields()
        let list = fields([("a", "1"), ("b", "")])
        joined.append(contentsOf: list)
        joined.append(contentsOf: joined)
        joined.append(contentsOf: HeaderFields())
        #expect(pairs(joined) == ["a=1", "b=", "a=1", "b="])
        #expect(pairs(list) == ["a=1", "b="])
    }

    @Test func equalityIsOfFieldsAndNotOfBytes() {
        #expect(fields([("ab", "c")]) == fields([("ab", "c")]))
        #expect(fields([("ab", "c")]) != fields([("a", "bc")]))
        #expect(fields([]) == HeaderFields())
        var emptied = fields([("a", "1")])
        emptied.removeAll(keepingCapacity: true)
        #expect(emptied == HeaderFields() && HeaderFields() == emptied)
        #expect(fields([("a", "1")]) != HeaderFields())
    }

    @Test func lookUpsIgnoreTheCaseOfNames() {
        let list = fields([("X-A", "One"), ("x-a", "two"), ("Accept", "Text/Event-Stream; q=1")])
        #expect(list["x-a"] == "One" && list.count(of: "x-a") == 2 && list.firstIndex(of: "accept") == 2)
        #expect(list.isValue("one", of: "x-a") && !list.isValue("on", of: "x-a"))
        #expect(list.hasPrefix("text/event-stream", at: 2) && !list.hasPrefix("text/html", at: 2))
        #expect(list.valueBytes(at: 1) == Array("two".utf8))
    }
}

@Suite struct StreamTableTests {
    @Test func elementsAreFoundWhateverTheOrderOfAdding() {
        var table = StreamTable<String>()
        for id in [5, 1, 9, 3] as [Int32] { table.insert("\(id)", at: id) }
        #expect(table.all == ["1", "3", "5", "9"])
        table.insert("five", at: 5)
        #expect(table[5] == "five" && table[StreamID(9)] == "9" && table[7] == nil && table.count == 4)
        #expect(table.remove(1) == "1" && table.remove(1) == nil && table.remove(11) == nil)
        #expect(table.all == ["3", "five", "9"])
        table.removeAll()
        #expect(table.isEmpty)
    }
}

@Suite struct PagePoolTests {
    @Test func aBlockIsZeroEachTimeItIsTaken() {
        let pool = PagePool(slotSize: 8192)
        for _ in 0..<3 {
            guard let block = unsafe pool.take() else {
                Issue.record("no address space for a pool")
                return
            }
            let bytes = unsafe UnsafeMutableRawBufferPointer(start: block, count: 8192)
            let isZero = unsafe bytes.allSatisfy { $0 == 0 }
            #expect(isZero)
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
            unsafe pool.giveBack(block)
        }
    }

    @Test func blocksInUseAreApart() {
        let pool = PagePool(slotSize: 4096)
        guard let one = unsafe pool.take(), let other = unsafe pool.take() else {
            Issue.record("no address space for a pool")
            return
        }
        let distance = unsafe abs(one - other)
        #expect(distance >= 4096)
        unsafe pool.giveBack(one)
        let again = unsafe UInt(bitPattern: pool.take())
        #expect(again == UInt(bitPattern: one))
    }
}
