import NIOCore
import Qwen
import TestSupport
import Testing
import Vault

@testable import Gateway

@Suite struct StoreViewTests {
    private let temporary: TemporaryDirectory
    private let store: CredentialStore
    private let key = Credential.apiKey(APIKeyCredential(key: "k", baseURL: "https://example.com"))

    init() throws {
        temporary = try TemporaryDirectory()
        store = CredentialStore(
            directory: temporary.path, secret: try VaultSecret(Array("the secret of this test".utf8)))
    }

    private func due(_ view: inout StoreView, _ found: [String: VaultSignature], _ second: Int64) -> [String] {
        view.look(found, now: at(second))
    }

    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(1000 + seconds) }

    @Test func whatFailedIsTriedAgainMoreAndMoreSeldom() throws {
        try store.save("a", StoredCredential(key, added: 1))
        let found = try store.signatures()
        let signature = try #require(found["a"])
        var view = StoreView()
        var tries: [Int64] = []
        for second in 0...200 as ClosedRange<Int64> where view.look(found, now: at(second)) == ["a"] {
            let isNews = view.failed("a", signature, reason: "busy", now: at(second))
            #expect(isNews == tries.isEmpty)
            tries.append(second)
        }
        #expect(tries == [0, 1, 3, 7, 15, 31, 63, 123, 183])
        #expect(view.unreadable.map(\.reason) == ["busy"])
        let isNews = view.failed("a", signature, reason: "damaged", now: at(201))
        #expect(isNews)
        view.succeeded("a", signature)
        #expect(due(&view, found, 1000) == [])
        #expect(view.unreadable.isEmpty)
    }

    @Test func changeIsLookedAtOnceAndRemovalForgotten() throws {
        try store.save("a", StoredCredential(key, added: 1))
        let before = try store.signatures()
        var view = StoreView()
        _ = view.failed("a", try #require(before["a"]), reason: "damaged", now: at(0))
        #expect(due(&view, before, 0) == [])
        try store.save("a", StoredCredential(key, added: 2))
        let after = try store.signatures()
        #expect(due(&view, after, 0) == ["a"])
        view.succeeded("a", try #require(after["a"]))
        #expect(due(&view, after, 0) == [])
        #expect(due(&view, [:], 0) == [])
        #expect(due(&view, after, 0) == ["a"])
    }
}
