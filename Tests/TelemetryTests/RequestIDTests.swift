import Testing

@testable import Telemetry

@Suite struct RequestIDTests {
    @Test func shape() {
        var generator = RequestIDGenerator()
        for _ in 0..<1000 {
            let id = generator.next()
            #expect(id.hasPrefix("req_"))
            #expect(id.utf8.count == 28)
            #expect(id.dropFirst(4).allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".contains($0) })
            #expect(RequestID.isAcceptable(id))
        }
    }

    @Test func idsDiffer() {
        var first = RequestIDGenerator()
        var second = RequestIDGenerator()
        var seen: Set<String> = []
        for _ in 0..<10_000 {
            seen.insert(first.next())
            seen.insert(second.next())
        }
        #expect(seen.count == 20_000)
    }

    @Test func seedDecides() {
        var first = RequestIDGenerator(seed: (1, 2))
        var same = RequestIDGenerator(seed: (1, 2))
        var zero = RequestIDGenerator(seed: (0, 0))
        #expect((0..<10).map { _ in first.next() } == (0..<10).map { _ in same.next() })
        _ = zero.next()
        #expect(zero.next() != zero.next())
    }

    @Test func everyDigitIsUsedAtEveryPlace() {
        var generator = RequestIDGenerator(seed: (3, 4))
        var seen = [Set<Character>](repeating: [], count: 24)
        for _ in 0..<2000 {
            for (index, digit) in generator.next().dropFirst(4).enumerated() { seen[index].insert(digit) }
        }
        #expect(seen.allSatisfy { $0.count == 32 })
    }

    @Test(arguments: [
        "a", "0b1d9c9e-0000-4000-8000-0123456789ab", "AZaz09._:/+=@-", String(repeating: "x", count: 128),
    ])
    func saneIDsAreTaken(id: String) {
        #expect(RequestID.isAcceptable(id))
    }

    @Test(arguments: [
        "", " ", "a b", "a\n", "a\r\nX: y", "é", "a\"b", "a\\b", "<a>", "a,b", String(repeating: "x", count: 129),
    ])
    func otherIDsAreNot(id: String) {
        #expect(!RequestID.isAcceptable(id))
    }
}
