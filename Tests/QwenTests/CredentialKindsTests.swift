import TestSupport
import Testing
import Vault

@testable import Qwen

@Suite struct CredentialKindsTests {
    private let temporary: TemporaryDirectory
    private let store: CredentialStore
    private let key = APIKeyCredential(key: "sk-canary", baseURL: "https://example.com/v1")

    init() throws {
        temporary = try TemporaryDirectory()
        store = CredentialStore(
            directory: temporary.path, secret: try VaultSecret(Array("the secret of this test".utf8)))
    }

    private func login(_ number: Int) -> OAuthCredential { .sample(number, expiry: 1) }

    @Test func keyTakesNoLoginsPlace() throws {
        try store.addLogin(login(1), as: "a", now: 5)
        let error = #expect(throws: CredentialStoreError.self) { try store.addKey(key, as: "a", now: 6) }
        #expect(error?.code == .nameTaken)
        #expect(error?.reason.contains("credentials remove a") == true)
        #expect(try store.load("a") == StoredCredential(.oauth(login(1)), added: 5))
        try store.addKey(key, as: "b", now: 6)
        try store.addKey(key, as: "b", now: 7)
        #expect(try store.load("b") == StoredCredential(.apiKey(key), added: 7))
    }

    @Test func loginTakesNoKeysPlace() throws {
        try store.addKey(key, as: "a", now: 5)
        #expect(throws: CredentialStoreError.self) { try store.checkLogin("a") }
        #expect(throws: CredentialStoreError.self) { try store.addLogin(login(1), as: "a", now: 6) }
        #expect(try store.load("a") == StoredCredential(.apiKey(key), added: 5))
    }

    @Test func loginThatCannotBeStoredIsToldBeforehand() throws {
        #expect(throws: CredentialStoreError.self) { try store.checkLogin("Team A") }
        try store.checkLogin("a")
        try store.addLogin(login(1), as: "a", now: 5)
        try store.checkLogin("a")
        let other = CredentialStore(
            directory: temporary.path, secret: try VaultSecret(Array("quite another secret".utf8)))
        let error = #expect(throws: CredentialStoreError.self) { try other.checkLogin("a") }
        #expect(error?.code == .vault(.unopenable))
    }

    /// Even where the clock stands still.
    @Test func everyLoginHasATimeOfItsOwn() throws {
        try store.addLogin(login(1), as: "a", now: 5)
        try store.addLogin(login(2), as: "a", now: 5)
        #expect(try store.load("a") == StoredCredential(.oauth(login(2)), added: 6))
    }

    @Test func refreshReplacesItsPredecessorOnly() throws {
        #expect(try store.replaceLogin("a", with: login(2), replacing: [login(1)]) == nil)
        #expect(try store.names() == [])
        try store.addLogin(login(1), as: "a", now: 5)
        #expect(try store.replaceLogin("a", with: login(2), replacing: [login(0), login(1)]) == login(2))
        #expect(try store.load("a") == StoredCredential(.oauth(login(2)), added: 5))
        #expect(try store.replaceLogin("a", with: login(3), replacing: [login(1)]) == login(2))
        #expect(try store.load("a") == StoredCredential(.oauth(login(2)), added: 5))
        try store.addKey(key, as: "k", now: 1)
        #expect(try store.replaceLogin("k", with: login(3), replacing: [login(1)]) == nil)
    }
}
