import HTTP
import Testing

@testable import Admission

/// What stands in the fields of a request, and whose key that is.
struct PresentedKeyTests {
    struct Case: Sendable {
        var fields: [(String, String)]
        /// The client's name, or the reason of the refusal.
        var outcome: String
        /// With `ALLOW_ANONYMOUS` and the same keys.
        var anonymous: String?
    }

    static let cases: [Case] = [
        Case(fields: [], outcome: "missing_key", anonymous: "anonymous"),
        Case(fields: [("authorization", "Bearer key-one-0123456789")], outcome: "one"),
        Case(fields: [("Authorization", "bearer   key-one-0123456789")], outcome: "one"),
        Case(fields: [("x-api-key", "key-two-0123456789")], outcome: "two"),
        Case(fields: [("authorization", "Bearer key-one-012345678")], outcome: "unknown_key"),
        Case(fields: [("authorization", "Bearer key-one-01234567890")], outcome: "unknown_key"),
        Case(fields: [("authorization", "Bearer key-one-0123456789 ")], outcome: "unknown_key"),
        Case(fields: [("authorization", "Bearer ")], outcome: "unknown_key"),
        Case(fields: [("authorization", "Bearer      ")], outcome: "unknown_key"),
        Case(fields: [("authorization", "")], outcome: "unknown_key"),
        Case(fields: [("authorization", "Basic key-one-0123456789")], outcome: "unknown_key"),
        Case(fields: [("authorization", "key-one-0123456789")], outcome: "unknown_key"),
        Case(fields: [("x-api-key", "")], outcome: "unknown_key"),
        Case(fields: [("x-api-key", " key-two-0123456789")], outcome: "unknown_key"),
        Case(fields: [("x-api-key", String(repeating: "k", count: 2000))], outcome: "unknown_key"),
        // Authorization is the one that counts.
        Case(
            fields: [("authorization", "Bearer wrong"), ("x-api-key", "key-one-0123456789")], outcome: "unknown_key"),
        Case(fields: [("x-api-key", "wrong"), ("authorization", "Bearer key-one-0123456789")], outcome: "one"),
        // Two of a kind are refused, right as each may be.
        Case(
            fields: [("authorization", "Bearer key-one-0123456789"), ("Authorization", "Bearer key-one-0123456789")],
            outcome: "unknown_key"),
        Case(
            fields: [("x-api-key", "key-one-0123456789"), ("x-api-key", "key-two-0123456789")], outcome: "unknown_key"),
    ]

    @Test(arguments: [false, true]) func credentialsAreJudged(_ isOpen: Bool) throws {
        let clients = try [("one", "key-one-0123456789"), ("two", "key-two-0123456789")].map { name, key in
            let record = try ClientRecord(name: name, key: key)
            return (record: record, client: Client(id: name, name: name, limits: .none, state: ClientState()))
        }
        let anonymous = isOpen ? Client(id: "anonymous", name: nil, limits: .none, state: ClientState()) : nil
        let gate = try AdmissionGate(
            ClientDirectory(clients, anonymous: anonymous), addresses: AddressTable(setCount: 1), addressLimit: nil)
        for row in Self.cases {
            var fields = HeaderFields()
            for (name, value) in row.fields { fields.append(name: name, value: value) }
            let outcome =
                switch gate.admit(fields, from: nil, at: AdmissionTime(uptime: 1, wall: 1)) {
                case .admitted(let admission): admission.client.name ?? "anonymous"
                case .refused(let refusal): refusal.reason.rawValue
                }
            #expect(outcome == (isOpen ? row.anonymous ?? row.outcome : row.outcome), "\(row.fields)")
        }
    }
}
