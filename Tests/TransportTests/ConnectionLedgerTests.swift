import HTTP
import Testing

@testable import Transport

/// How many connections may be open, in all, from one address and in their handshake.
@Suite struct ConnectionLedgerTests {
    private static func ledger(total: Int = 100, perAddress: Int = .max, handshakes: Int = .max) -> ConnectionLedger {
        var limits = ConnectionLimits()
        limits.total = total
        limits.perAddress = perAddress
        limits.handshakes = handshakes
        return ConnectionLedger(limits)
    }

    @Test func pastTheTotalAFewAreToldAndTheRestRefused() {
        let ledger = Self.ledger(total: 10)
        #expect(ledger.limits.reserve == 4)
        let entries = (0..<16).map { _ in ledger.enter { false } }
        #expect(entries[..<10].allSatisfy { $0 == .served })
        #expect(entries[10..<14].allSatisfy { $0 == .declined })
        #expect(entries[14...].allSatisfy { $0 == .refused(.connectionLimit) })
        #expect(ledger.openConnections == 14)
        for _ in 0..<5 { ledger.leave() }
        #expect(ledger.enter { false } == .served)
    }

    @Test func roomThatIsMadeIsUsed() {
        let ledger = Self.ledger(total: 1)
        #expect(
            ledger.enter {
                Issue.record("there is room"); return false
            } == .served)
        let entry = ledger.enter {
            ledger.leave()
            return true
        }
        #expect(entry == .served)
        #expect(ledger.openConnections == 1)
    }

    @Test func handshakesAreBoundedOnTheirOwn() {
        let ledger = Self.ledger(handshakes: 2)
        #expect(ledger.enter { false } == .served)
        #expect(ledger.enter { false } == .served)
        #expect(ledger.enter { false } == .refused(.handshakeLimit))
        #expect(ledger.openConnections == 2)
        ledger.handshakeEnded()
        #expect(ledger.enter { false } == .served)
    }

    @Test func addressesAreCountedBySubscriber() throws {
        let ledger = Self.ledger(perAddress: 2)
        let one = try #require(NetworkAddress("2001:db8::1"))
        let neighbour = try #require(NetworkAddress("2001:db8::2"))
        let other = try #require(NetworkAddress("2001:db8:0:1::1"))
        #expect(ledger.enter(from: one) && ledger.enter(from: neighbour))
        #expect(!ledger.enter(from: one))
        #expect(ledger.enter(from: other))
        #expect(ledger.countedAddresses == 2)
        ledger.leave(from: one)
        #expect(ledger.enter(from: neighbour))
        for address in [one, neighbour, other] { ledger.leave(from: address) }
        #expect(ledger.countedAddresses == 0)
    }

    @Test func placeLeavesOnce() throws {
        let ledger = Self.ledger(perAddress: 1)
        #expect(ledger.enter { false } == .served)
        var place = ConnectionPlace(ledger, isDeclined: false)
        let address = try #require(NetworkAddress("192.0.2.7"))
        let isCounted = place.count(address)
        #expect(isCounted)
        #expect(ledger.handshakesInProgress == 1)
        place.handshakeEnded()
        place.handshakeEnded()
        #expect(ledger.handshakesInProgress == 0)
        place.leave()
        place.leave()
        #expect(ledger.openConnections == 0 && ledger.countedAddresses == 0 && ledger.handshakesInProgress == 0)
    }
}
