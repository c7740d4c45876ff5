import HTTP
import Testing

@testable import Admission

struct AdmissionGateTests {
    private static let second: UInt64 = 1_000_000_000
    private let client = NetworkAddress(ipv4: 0x0A00_0001)

    private func time(_ seconds: UInt64 = 100) -> AdmissionTime {
        AdmissionTime(uptime: seconds * Self.second, wall: 1_795_700_000_000 + Int64(seconds) * 1000)
    }

    private func record(_ name: String, _ key: String) throws -> ClientRecord { try ClientRecord(name: name, key: key) }

    private func gate(
        _ records: [ClientRecord], anonymous: Bool = false, addressLimit: RateLimit? = nil
    ) throws -> AdmissionGate {
        let clients = records.map { record in
            let client = Client(
                id: record.id, name: record.name, isAdmin: record.isAdmin, models: ModelPatterns(record.models),
                networks: record.networks, limits: record.limits, state: ClientState())
            return (record: record, client: client)
        }
        let shared = Client(id: "anonymous", name: nil, limits: .none, state: ClientState())
        return try AdmissionGate(
            ClientDirectory(clients, anonymous: anonymous ? shared : nil), addresses: AddressTable(setCount: 64),
            addressLimit: addressLimit)
    }

    private func fields(_ key: String) -> HeaderFields {
        var fields = HeaderFields()
        fields.append("authorization", "Bearer \(key)")
        return fields
    }

    /// The name of who is admitted, or the reason of the refusal.
    private func outcome(_ decision: AdmissionGate.Decision) -> String {
        switch decision {
        case .admitted(let admission): admission.client.name ?? "anonymous"
        case .refused(let refusal): refusal.reason.rawValue
        }
    }

    @Test func expiredAndReplacedKeysOpenNothing() throws {
        var expiring = try record("expiring", "key-one-0123456789")
        expiring.expires = time(200).wall
        var rotated = try record("rotated", "key-new-0123456789")
        rotated.previous = .init(digest: try ClientKeyText.digest(of: "key-old-0123456789"), until: time(300).wall)
        let gate = try gate([expiring, rotated])
        func ask(_ key: String, _ seconds: UInt64) -> String {
            outcome(gate.admit(fields(key), from: client, at: time(seconds)))
        }
        #expect(ask("key-one-0123456789", 199) == "expiring")
        #expect(ask("key-one-0123456789", 200) == "expired_key")
        #expect(ask("key-old-0123456789", 299) == "rotated")
        #expect(ask("key-old-0123456789", 300) == "expired_key")
        #expect(ask("key-new-0123456789", 300) == "rotated")
    }

    @Test func anotherDirectoryIsInForceAtOnce() throws {
        let gate = try gate([try record("one", "key-one-0123456789")])
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: client, at: time())) == "one")
        gate.directory = .empty
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: client, at: time())) == "unknown_key")
    }

    @Test func keysAreGoodInTheirNetworksOnly() throws {
        var inside = try record("inside", "key-one-0123456789")
        inside.networks = [try NetworkPrefix("10.0.0.0/8"), try NetworkPrefix("2001:db8::/32")]
        let gate = try gate([inside])
        for (text, expected) in [
            ("10.1.2.3", "inside"), ("::ffff:10.1.2.3", "inside"), ("2001:db8:9::1", "inside"),
            ("11.0.0.1", "network_not_allowed"), ("2001:db9::1", "network_not_allowed"),
        ] {
            let address = try #require(NetworkAddress(text))
            #expect(outcome(gate.admit(fields("key-one-0123456789"), from: address, at: time())) == expected, "\(text)")
        }
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: nil, at: time())) == "network_not_allowed")
    }

    @Test func requestsAreLimitedByTheKey() throws {
        var limited = try record("limited", "key-one-0123456789")
        limited.limits.requestRate = RequestRate("1")
        limited.limits.burst = 3
        let gate = try gate([limited, try record("free", "key-two-0123456789")])
        for left in [2, 1, 0] {
            guard case .admitted(let admission) = gate.admit(fields("key-one-0123456789"), from: client, at: time())
            else {
                Issue.record("not admitted")
                return
            }
            #expect(admission.report.requests?.limit == 3)
            #expect(admission.report.requests?.remaining == left)
            #expect(admission.report.requests?.reset == UInt64(3 - left) * Self.second)
        }
        // Whichever address it comes from.
        let other = NetworkAddress(ipv4: 0x0A00_0002)
        guard case .refused(let refusal) = gate.admit(fields("key-one-0123456789"), from: other, at: time()) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .rateLimited && refusal.wait == Self.second && refusal.client?.name == "limited")
        #expect(refusal.report.requests?.remaining == 0)
        #expect(outcome(gate.admit(fields("key-two-0123456789"), from: client, at: time())) == "free")
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: client, at: time(101))) == "limited")
    }

    @Test func wrongKeysBackOffAndRightOnesAreServedMeanwhile() throws {
        let gate = try gate([try record("one", "key-one-0123456789")])
        for _ in 0..<10 {
            #expect(outcome(gate.admit(fields("wrong-key-0123456789"), from: client, at: time())) == "unknown_key")
        }
        for number in 0..<1000 {
            guard case .refused(let refusal) = gate.admit(fields("wrong-\(number)"), from: client, at: time()) else {
                Issue.record("admitted")
                return
            }
            #expect(refusal.reason == .backingOff && refusal.wait == 6 * Self.second)
            #expect(refusal.untold == (number == 0 ? 1 : nil))
        }
        #expect(outcome(gate.admit(HeaderFields(), from: client, at: time())) == "backing_off")
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: client, at: time())) == "one")
        // Others are not concerned.
        let other = NetworkAddress(ipv4: 0x0A00_0002)
        #expect(outcome(gate.admit(fields("wrong-key-0123456789"), from: other, at: time())) == "unknown_key")
        #expect(outcome(gate.admit(fields("wrong-key-0123456789"), from: client, at: time(106))) == "unknown_key")
    }

    @Test func addressesAreLimitedWhereNoKeyIsNeeded() throws {
        let limit = RateLimit(1, each: Self.second, burst: 2)
        let gate = try gate([try record("one", "key-one-0123456789")], anonymous: true, addressLimit: limit)
        for expected in ["anonymous", "anonymous", "rate_limited"] {
            #expect(outcome(gate.admit(HeaderFields(), from: client, at: time())) == expected)
        }
        let other = NetworkAddress(ipv4: 0x0A00_0002)
        #expect(outcome(gate.admit(HeaderFields(), from: other, at: time())) == "anonymous")
        // A key has its own limits: here none.
        #expect(outcome(gate.admit(fields("key-one-0123456789"), from: client, at: time())) == "one")
        #expect(outcome(gate.admit(fields("wrong-key-0123456789"), from: client, at: time())) == "unknown_key")
    }

    @Test func anyKeyIsAsGoodAsNoneWhereNoneIsConfigured() throws {
        #expect(outcome(try gate([], anonymous: true).admit(fields("any"), from: client, at: time())) == "anonymous")
        #expect(outcome(try gate([]).admit(fields("any"), from: client, at: time())) == "unknown_key")
    }

    @Test func usesAreNotedToTheSecond() throws {
        let record = try record("one", "key-one-0123456789")
        let gate = try gate([record])
        let state = try #require(gate.directory.clients.first?.state)
        #expect(state.lastUsed == nil)
        _ = gate.admit(fields("key-one-0123456789"), from: client, at: time(100))
        #expect(state.lastUsed == time(100).wall)
        _ = gate.admit(fields("key-one-0123456789"), from: client, at: time(105))
        #expect(state.lastUsed == time(105).wall)
    }
}
