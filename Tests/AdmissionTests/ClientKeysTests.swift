import HTTP
import Testing

@testable import Admission

@Suite struct ClientKeysTests {
    private func fields(_ list: [(String, String)]) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in list { fields.append(name: name, value: value) }
        return fields
    }

    private func keys(anonymous: Bool = false) throws -> ClientKeys {
        let entries = [
            try ClientKeys.Entry(name: "one", key: "key-number-one"),
            try ClientKeys.Entry(name: "two", key: "key-number-two"),
        ]
        return try ClientKeys(entries, allowsAnonymous: anonymous)
    }

    @Test(
        arguments: [
            ([("Authorization", "Bearer key-number-one")], ClientKeys.Decision.accepted(name: "one", isAdmin: false)),
            ([("authorization", "bearer   key-number-two")], .accepted(name: "two", isAdmin: false)),
            ([("x-api-key", "key-number-two")], .accepted(name: "two", isAdmin: false)), ([], .missing),
            ([("authorization", "Bearer key-number-on")], .unknown), ([("authorization", "Bearer ")], .unknown),
            ([("authorization", "Bearer key-number-one ")], .unknown), ([("authorization", "")], .unknown),
            ([("authorization", "Basic key-number-one")], .unknown), ([("authorization", "key-number-one")], .unknown),
            ([("authorization", "Bearer wrong"), ("x-api-key", "key-number-one")], .unknown),
            ([("authorization", "Bearer wrong"), ("authorization", "Bearer key-number-one")], .unknown),
        ] as [([(String, String)], ClientKeys.Decision)])
    func decisions(_ list: [(String, String)], _ expected: ClientKeys.Decision) throws {
        #expect(try keys().check(fields(list)) == expected)
    }

    @Test func wrongKeyIsRefusedEvenWhereNoneIsNeeded() throws {
        #expect(try keys(anonymous: true).check(fields([])) == .accepted(name: nil, isAdmin: false))
        #expect(try keys(anonymous: true).check(fields([("x-api-key", "wrong")])) == .unknown)
    }

    @Test func anyKeyIsAsGoodAsNoneWhereNoneIsConfigured() throws {
        let open = try ClientKeys([], allowsAnonymous: true)
        #expect(open.check(fields([("authorization", "Bearer anything")])) == .accepted(name: nil, isAdmin: false))
    }
}
