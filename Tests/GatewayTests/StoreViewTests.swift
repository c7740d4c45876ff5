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
        #expect(view.failed("a", signature, reason: "damaged", now: at(201)))
        view.succeeded("a", signature)
        #expect(view.look(found, now: at(1000)) == [])
        #expect(view.unreadable.isEmpty)
    }

    @Test func changeIsLookedAtOnceAndRemovalForgotten() throws {
        try store.save("a", StoredCredential(key, added: 1))
        let before = try store.signatures()
        var view = StoreView()
        _ = view.failed("a", try #require(before["a"]), reason: "damaged", now: at(0))
        #expect(view.look(before, now: at(0)) == [])
        try store.save("a", StoredCredential(key, added: 2))
        let after = try store.signatures()
        #expect(view.look(after, now: at(0)) == ["a"])
        view.succeeded("a", try #require(after["a"]))
        #expect(view.look(after, now: at(0)) == [])
        #expect(view.look([:], now: at(0)) == [])
        #expect(view.look(after, now: at(0)) == ["a"])
    }
}
