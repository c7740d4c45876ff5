import Foundation
import HTTP
import TestSupport
import Testing
import Vault

@testable import Admission

struct ClientKeyStoreTests {
    private let temporary: TemporaryDirectory
    private let store: ClientKeyStore

    init() throws {
        temporary = try TemporaryDirectory()
        store = ClientKeyStore(directory: "\(temporary.path)/qwen")
    }

    private var keysFile: String { "\(store.directory)/keys/keys.json" }
    private var usageFile: String { "\(store.directory)/keys/usage.json" }

    private func record(_ name: String) throws -> ClientRecord {
        let key = try ClientKeyText()
        return ClientRecord(id: key.id, name: name, digest: try ClientKeyText.digest(of: key.secret), created: 1)
    }

    private func write(_ text: String, to path: String, mode: Int = 0o600) throws {
        try FileManager.default.createDirectory(
            atPath: "\(store.directory)/keys", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    }

    @Test func keysAreRandomAndOfOneForm() throws {
        var seen: Set<String> = []
        for _ in 0..<200 {
            let key = try ClientKeyText()
            #expect(key.secret.utf8.count == ClientKeyText.length)
            #expect(key.secret.hasPrefix("qgw_\(key.id)_"))
            #expect(
                key.secret.utf8.allSatisfy {
                    $0 == 0x5F || UnicodeScalar($0).properties.isAlphabetic || $0 &- 0x30 < 10
                })
            #expect(seen.insert(key.secret).inserted && seen.insert(key.id).inserted)
            #expect("\(key)" == "[redacted]" && String(reflecting: key).contains(key.secret) == false)
        }
    }

    @Test func recordsRoundTrip() throws {
        #expect(try store.load().isEmpty && store.signature() == nil && !store.exists)
        var full = try record("full")
        full.expires = 1_803_476_000_000
        full.isAdmin = true
        full.models = ["qwen3-*", "text-embedding-v4"]
        full.networks = [try NetworkPrefix("10.0.0.0/8"), try NetworkPrefix("2001:db8::/32"), try NetworkPrefix("::1")]
        full.limits = ClientLimits(
            requestRate: RequestRate("2.5"), burst: 5, tokensPerMinute: 60_000, tokensPerDay: 0, streams: 4)
        full.previous = .init(digest: try ClientKeyText.digest(of: "old"), until: 1_795_786_400_000)
        let plain = try record("plain")
        try store.add(full)
        try store.add(plain)
        #expect(try store.load() == [full, plain])
        #expect(store.exists)
        let attributes = try FileManager.default.attributesOfItem(atPath: keysFile)
        #expect((attributes[.posixPermissions] as? Int) == 0o600)
    }

    @Test func aNameIsTakenOnceAndCanBeTakenAgain() throws {
        let first = try record("team-a")
        try store.add(first)
        var error = #expect(throws: ClientKeyStoreError.self) { try store.add(try record("team-a")) }
        #expect(error?.code == .nameTaken && error?.reason.contains("keys rotate team-a") == true)
        error = #expect(throws: ClientKeyStoreError.self) { try store.add(try record(first.id)) }
        #expect(error?.code == .nameTaken)
        #expect(try store.revoke(first.id) == first)
        #expect(try store.load().isEmpty)
        error = #expect(throws: ClientKeyStoreError.self) { try store.revoke("team-a") }
        #expect(error?.code == .unknownKey)
        try store.add(try record("team-a"))
    }

    @Test func aRotatedKeyHasTheOldSettingsAndTheOldKeyItsTime() throws {
        var old = try record("team-a")
        old.limits.tokensPerDay = 7
        try store.add(old)
        let (key, record) = try store.rotate("team-a", oldKeyUntil: 500)
        #expect(key.id == old.id && record.id == old.id && record.limits == old.limits)
        #expect(record.digest == (try ClientKeyText.digest(of: key.secret)))
        #expect(record.previous == .init(digest: old.digest, until: 500))
        #expect(try store.load() == [record])
        let (_, again) = try store.rotate(old.id, oldKeyUntil: nil)
        #expect(again.previous == nil)
        #expect(throws: ClientKeyStoreError.self) { try store.rotate("nobody", oldKeyUntil: nil) }
    }

    @Test(
        arguments: [
            ("", "JSON"), ("{", "JSON"), ("[]", "version"), ("{}", "version"), (#"{"version":1}"#, "list of keys"),
            (#"{"version":1,"version":1,"keys":[]}"#, "JSON"), (#"{"version":1,"keys":{}}"#, "list of keys"),
            (#"{"version":2,"keys":[]}"#, "version 2"), (#"{"version":1,"keys":[1]}"#, "key 1 is not the object"),
            (#"{"version":1,"keys":[{"name":"a"}]}"#, "key 1 has no id"),
            (#"{"version":1,"keys":[{"id":"a","name":"a","created":1,"digest":"00"}]}"#, "key 1 has no digest"),
            (#"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","daily_cost":1}]}"#, "daily_cost"),
            (
                #"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","networks":["x"]}]}"#,
                "a network that"
            ),
            (#"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","models":["a*b"]}]}"#, "no pattern"),
            (
                #"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","streams":-1}]}"#,
                "streams is no number"
            ),
            (
                #"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","admin":1}]}"#,
                "neither true nor false"
            ),
            (
                #"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D","requests_per_second":"x"}]}"#,
                "no rate"
            ),
            (
                #"{"version":1,"keys":[{"id":"a","name":"b","created":1,"digest":"D"},{"id":"b","name":"c","created":1,"digest":"D"}]}"#,
                "key 2 has the name or the id of another"
            ),
        ])
    func damageIsExplainedAndNotWrittenOver(_ text: String, _ explanation: String) throws {
        let text = text.replacingOccurrences(of: #""D""#, with: "\"\(String(repeating: "0a", count: 32))\"")
        try write(text, to: keysFile)
        let error = #expect(throws: ClientKeyStoreError.self) { try store.load() }
        #expect(
            error?.reason.contains(explanation) == true && error?.reason.contains(keysFile) == true,
            "\(error?.reason ?? "")")
        let added = try record("new")
        #expect(throws: ClientKeyStoreError.self) { try store.add(added) }
        #expect(try String(contentsOfFile: keysFile, encoding: .utf8) == text)
    }

    @Test(arguments: [0o644, 0o660, 0o606, 0o640]) func aFileThatOthersCanReachIsRefused(_ mode: Int) throws {
        try write(#"{"version":1,"keys":[]}"#, to: keysFile, mode: mode)
        let error = #expect(throws: ClientKeyStoreError.self) { try store.load() }
        #expect(error?.code == .file(.exposed) && error?.reason.contains("chmod 600") == true)
    }

    @Test func changesShowInTheSignature() throws {
        try store.add(try record("one"))
        let first = try store.signature()
        #expect(first != nil)
        #expect(try store.signature() == first)
        try store.add(try record("two"))
        let second = try store.signature()
        #expect(second != first)
        // What clients use is no change of the keys.
        try store.updateUsage { $0["x"] = ClientUsage(lastUsed: 1) }
        #expect(try store.signature() == second)
    }

    @Test func writersAtTheSameTimeLoseNothing() async throws {
        let store = self.store
        let names = (0..<24).map { "key-\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                let record = try record(name)
                group.addTask { try store.add(record) }
                group.addTask { try store.updateUsage { $0[name] = ClientUsage(day: 1, tokens: 1) } }
            }
            try await group.waitForAll()
        }
        #expect(Set(try store.load().map(\.name)) == Set(names))
        #expect(Set(try store.loadUsage().keys) == Set(names))
    }

    @Test func usageRoundTripsAndDamagedUsageIsWrittenAnew() throws {
        #expect(try store.loadUsage().isEmpty)
        let usage = [
            "a": ClientUsage(lastUsed: 1_795_700_000_000, day: 20_783, tokens: 12), "b": ClientUsage(lastUsed: 5),
        ]
        try store.updateUsage { $0 = usage }
        #expect(try store.loadUsage() == usage)
        try write("{", to: usageFile)
        #expect(throws: ClientKeyStoreError.self) { try store.loadUsage() }
        try store.updateUsage { $0["c"] = ClientUsage(day: 1, tokens: 2) }
        #expect(try store.loadUsage() == ["c": ClientUsage(day: 1, tokens: 2)])
    }

    @Test func aStateDirectoryThatOthersCanWriteIsRefused() throws {
        try FileManager.default.createDirectory(atPath: store.directory, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: store.directory)
        let added = try record("a")
        let error = #expect(throws: ClientKeyStoreError.self) { try store.add(added) }
        #expect(error?.code == .file(.unusableDirectory))
    }
}
