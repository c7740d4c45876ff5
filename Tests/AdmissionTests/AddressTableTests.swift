import HTTP
import Testing

@testable import Admission

struct AddressTableTests {
    private static let second: UInt64 = 1_000_000_000
    private let limit = RateLimit(10, each: second, burst: 20)

    private func address(_ number: Int) -> NetworkAddress { NetworkAddress(ipv4: UInt32(0x0A00_0000 + number)) }

    /// How many of `count` requests an address gets at once.
    private func granted(_ table: AddressTable, _ address: NetworkAddress, _ count: Int, now: UInt64) -> Int {
        (0..<count).count { _ in table.takeRequest(address, limit, now: now).wait == 0 }
    }

    @Test func eachAddressHasABucketOfItsOwn() {
        let table = AddressTable()
        for number in 0..<1000 {
            #expect(granted(table, address(number), 30, now: Self.second) == 20)
        }
        #expect(granted(table, address(7), 30, now: 2 * Self.second) == 10)
    }

    @Test func addressesOfOneSubscriberShareABucket() throws {
        let table = AddressTable()
        var served = 0
        for number in 1...100 {
            let address = try #require(NetworkAddress("2001:db8:1:2::\(number)"))
            served += granted(table, address, 1, now: Self.second)
        }
        #expect(served == 20)
        #expect(granted(table, try #require(NetworkAddress("2001:db8:1:3::1")), 30, now: Self.second) == 20)
        let mapped = try #require(NetworkAddress("::ffff:10.0.0.1"))
        #expect(granted(table, mapped, 15, now: Self.second) == 15)
        #expect(granted(table, address(1), 15, now: Self.second) == 5)
    }

    @Test func whoIsLimitedStaysSoHoweverManyOthersCome() {
        let table = AddressTable(setCount: 16, seed: 7)
        let attacker = address(1)
        #expect(granted(table, attacker, 30, now: Self.second) == 20)
        // A hundred times as many as there is room for.
        for number in 2..<(100 * table.capacity) {
            _ = table.takeRequest(address(number), limit, now: Self.second)
        }
        #expect(granted(table, attacker, 30, now: Self.second) == 0)
    }

    @Test func aFullTableGivesOutNoMoreThanItsPlacesGet() {
        let table = AddressTable(setCount: 4, seed: 3)
        var served = 0
        for round in 0..<50 {
            for number in 0..<1000 {
                served += granted(table, address(number), 1, now: Self.second + UInt64(round) * Self.second / 10)
            }
        }
        // Each place: its burst, and ten a second for five seconds.
        #expect(served <= table.capacity * (20 + 50))
        #expect(served >= table.capacity * 20)
    }

    @Test func newcomersTakeThePlacesOfTheIdle() {
        let table = AddressTable(setCount: 1, seed: 1)
        for number in 0..<8 { #expect(granted(table, address(number), 30, now: Self.second) == 20) }
        // All are idle again, and nobody owes anything.
        let later = 10 * Self.second
        for number in 100..<108 { #expect(granted(table, address(number), 30, now: later) == 20) }
        // Nobody is idle: the newcomer owes what the one owed whose place it takes.
        #expect(granted(table, address(200), 30, now: later + Self.second) == 10)
    }

    @Test func failuresBackOffAndAreToldOfOnceAMinute() {
        let table = AddressTable()
        let attacker = address(1)
        var now = Self.second
        for _ in 0..<10 { #expect(table.fail(attacker, now: now) == .allowed) }
        #expect(table.fail(attacker, now: now) == .refused(wait: 6 * Self.second, untold: 1))
        for _ in 0..<10_000 { #expect(table.fail(attacker, now: now) == .refused(wait: 6 * Self.second, untold: nil)) }
        #expect(table.fail(address(2), now: now) == .allowed)
        // One in six seconds.
        now += 6 * Self.second
        #expect(table.fail(attacker, now: now) == .allowed)
        #expect(table.fail(attacker, now: now) == .refused(wait: 6 * Self.second, untold: nil))
        now += 60 * Self.second
        for _ in 0..<10 { #expect(table.fail(attacker, now: now) == .allowed) }
        #expect(table.fail(attacker, now: now) == .refused(wait: 6 * Self.second, untold: 10_002))
    }

    @Test func threadsShareOneBucketForEachAddress() async {
        let table = AddressTable(setCount: 2, seed: 9)
        let limit = self.limit
        // As many addresses as there are places in one set at most: nobody is pushed out.
        let addresses = (0..<4).map { address($0) }
        let served = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var served = 0
                    for round in 0..<4000 {
                        let address = addresses[round % addresses.count]
                        if table.takeRequest(address, limit, now: Self.second).wait == 0 { served += 1 }
                    }
                    return served
                }
            }
            return await group.reduce(0, +)
        }
        // A race for an empty place may count a few requests of one address for another's place.
        #expect((80...100).contains(served), "\(served)")
    }
}
