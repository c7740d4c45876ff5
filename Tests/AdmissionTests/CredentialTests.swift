import HTTP
import Testing

@testable import Admission

struct CredentialTests {
    /// Fields of a request, and what they are worth.
    struct Case: Sendable {
        var fields: [(String, String)]
        var decision: ClientKeys.Decision
        /// With `ALLOW_ANONYMOUS` and the same keys.
        var anonymous: ClientKeys.Decision?
    }

    static let cases: [Case] = [
        Case(fields: [], decision: .missing, anonymous: .accepted(name: nil, isAdmin: false)),
        Case(
            fields: [("authorization", "Bearer key-one-0123456789")],
            decision: .accepted(name: "one", isAdmin: false)),
        Case(
            fields: [("Authorization", "bearer   key-one-0123456789")],
            decision: .accepted(name: "one", isAdmin: false)),
        Case(fields: [("x-api-key", "key-two-0123456789")], decision: .accepted(name: "two", isAdmin: false)),
        Case(fields: [("authorization", "Bearer key-one-012345678")], decision: .unknown),
        Case(fields: [("authorization", "Bearer key-one-01234567890")], decision: .unknown),
        Case(fields: [("authorization", "Bearer ")], decision: .unknown),
        Case(fields: [("authorization", "")], decision: .unknown),
        Case(fields: [("authorization", "Basic key-one-0123456789")], decision: .unknown),
        Case(fields: [("authorization", "key-one-0123456789")], decision: .unknown),
        Case(fields: [("x-api-key", "")], decision: .unknown),
        // Authorization is the one that counts.
        Case(
            fields: [("authorization", "Bearer wrong"), ("x-api-key", "key-one-0123456789")], decision: .unknown),
        Case(
            fields: [("x-api-key", "wrong"), ("authorization", "Bearer key-one-0123456789")],
            decision: .accepted(name: "one", isAdmin: false)),
        // Two of a kind are refused, right as each may be.
        Case(
            fields: [("authorization", "Bearer key-one-0123456789"), ("Authorization", "Bearer key-one-0123456789")],
            decision: .unknown),
        Case(
            fields: [("x-api-key", "key-one-0123456789"), ("x-api-key", "key-two-0123456789")], decision: .unknown),
    ]

    private func fields(_ pairs: [(String, String)]) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in pairs { fields.append(name: name, value: value) }
        return fields
    }

    @Test func credentialsAreJudged() throws {
        let entries = [
            try ClientKeys.Entry(name: "one", key: "key-one-0123456789"),
            try ClientKeys.Entry(name: "two", key: "key-two-0123456789"),
        ]
        let keys = try ClientKeys(entries, allowsAnonymous: false)
        let open = try ClientKeys(entries, allowsAnonymous: true)
        for row in Self.cases {
            #expect(keys.check(fields(row.fields)) == row.decision, "\(row.fields)")
            #expect(open.check(fields(row.fields)) == row.anonymous ?? row.decision, "\(row.fields)")
        }
    }

    @Test func withoutKeysAnyKeyIsAnonymous() throws {
        let open = try ClientKeys([], allowsAnonymous: true)
        #expect(open.check(fields([("authorization", "Bearer whatever")])) == .accepted(name: nil, isAdmin: false))
        let closed = try ClientKeys([], allowsAnonymous: false)
        #expect(closed.check(fields([("authorization", "Bearer whatever")])) == .unknown)
    }
}
