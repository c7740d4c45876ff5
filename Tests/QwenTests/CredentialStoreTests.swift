import Glibc
import TestSupport
import Testing
import Vault

@testable import Qwen

struct CredentialStoreTests {
    private let temporary: TemporaryDirectory
    private let directory: String
    private let secret: VaultSecret
    private let store: CredentialStore

    private let tokens = OAuthCredential(
        accessToken: "canary-access", refreshToken: "canary-refresh \"\\\u{1}é", resourceURL: "portal.qwen.ai",
        expiry: 1_795_721_600_000)
    private let key = APIKeyCredential(
        key: "sk-canary", baseURL: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1")

    init() throws {
        temporary = try TemporaryDirectory()
        directory = temporary.path + "/qwen"
        secret = try VaultSecret(Array("the secret of this test".utf8))
        store = CredentialStore(directory: directory, secret: secret)
    }

    private func vault() -> Vault { Vault(directory: directory + "/credentials", secret: secret) }

    @Test func givesBackWhatWasSaved() throws {
        let bare = OAuthCredential(accessToken: "a", refreshToken: nil, resourceURL: nil, expiry: 0)
        let all: [(String, StoredCredential)] = [
            ("bare", StoredCredential(.oauth(bare), added: 0)),
            ("key", StoredCredential(.apiKey(key), added: 1, label: "a key")),
            ("login", StoredCredential(.oauth(tokens), added: 1_795_700_000_000, label: "me@example.com")),
        ]
        for (name, stored) in all { try store.save(name, stored) }
        let other = CredentialStore(directory: directory, secret: secret)
        for (name, stored) in all { #expect(try other.load(name) == stored) }
        #expect(try other.names() == ["bare", "key", "login"])
        #expect(try other.list().map { try $0.content.get() } == all.map(\.1))
        #expect(try other.load("none") == nil)
    }

    @Test func nothingIsLegibleOnTheDisk() throws {
        try store.save("login", StoredCredential(.oauth(tokens), added: 1, label: "canary-label"))
        let content = contentOf(directory + "/credentials/login.sealed") ?? []
        #expect(content.starts(with: "QGSEALED".utf8))
        #expect(!String(decoding: content, as: UTF8.self).contains("canary"))
        #expect(PlaintextFile.names(in: directory + "/credentials") == [".guard", "login.sealed"])
    }

    @Test func membersOfANewerHandSurviveARewrite() throws {
        try vault().write(
            "login",
            Array(
                """
                {"version":1,"note":{"a":[1,2.50,"x\\u00e9"]},"kind":"oauth","added":5,"access_token":"old",
                 "token_type":"Bearer","expiry_date":1, "\\u0078":true}
                """.utf8))
        var stored = try #require(try store.load("login"))
        #expect(stored.added == 5)
        stored.credential = .oauth(tokens)
        try store.save("login", stored)
        let text = String(decoding: try vault().read("login") ?? [], as: UTF8.self)
        #expect(text.hasSuffix(#","note":{"a":[1,2.50,"x\u00e9"]},"x":true}"#))
        #expect(!text.contains("old"))
        #expect(try store.load("login") == stored)
    }

    @Test func aKindChangesWithoutLeavingTheOtherKindsSecrets() throws {
        try store.save("x", StoredCredential(.oauth(tokens), added: 1))
        try store.save("x", StoredCredential(.apiKey(key), added: 1))
        let text = String(decoding: try vault().read("x") ?? [], as: UTF8.self)
        #expect(!text.contains("token"))
        #expect(try store.load("x")?.credential == .apiKey(key))
    }

    @Test(arguments: [
        ("", CredentialStoreError.Code.malformedRecord), ("[]", .malformedRecord), ("canary", .malformedRecord),
        (#"{"kind":"oauth"}"#, .malformedRecord), (#"{"version":2,"canary":1}"#, .newerRecord),
        (#"{"version":1,"kind":"canary","added":1}"#, .malformedRecord),
        (#"{"version":1,"kind":"api_key","added":1,"key":"canary"}"#, .malformedRecord),
        (#"{"version":1,"kind":"api_key","added":1,"key":"canary","base_url":7}"#, .malformedRecord),
        (#"{"version":1,"kind":"api_key","key":"canary","base_url":"https://x"}"#, .malformedRecord),
        (
            #"{"version":1,"version":1,"kind":"api_key","added":1,"key":"canary","base_url":"https://x"}"#,
            .malformedRecord
        ),
        (#"{"version":1,"kind":"oauth","added":1,"access_token":"canary","token_type":"Bearer"}"#, .malformedRecord),
    ]) func whatIsNoCredentialIsNamedAndNotReplaced(record: String, code: CredentialStoreError.Code) throws {
        try vault().write("a", Array(record.utf8))
        try store.save("b", StoredCredential(.apiKey(key), added: 1))
        for attempt in [{ _ = try store.load("a") }, { try store.save("a", StoredCredential(.apiKey(key), added: 1)) }]
        {
            let error = #expect(throws: CredentialStoreError.self, performing: attempt)
            #expect(error?.code == code)
            #expect(error?.reason.contains(directory + "/credentials/a.sealed") == true)
            #expect(error?.reason.contains("canary") == false)
        }
        #expect(try vault().read("a") == Array(record.utf8))
        let entries = try store.list()
        #expect(entries.map(\.name) == ["a", "b"])
        #expect(throws: CredentialStoreError.self) { _ = try entries[0].content.get() }
        #expect(throws: Never.self) { _ = try entries[1].content.get() }
    }

    @Test func anotherSecretReplacesNothing() throws {
        try store.save("a", StoredCredential(.apiKey(key), added: 1))
        let other = CredentialStore(directory: directory, secret: try VaultSecret(Array("quite another secret".utf8)))
        let error = #expect(throws: CredentialStoreError.self) {
            try other.save("a", StoredCredential(.oauth(tokens), added: 1))
        }
        #expect(error?.code == .vault(.unopenable))
        #expect(try store.load("a")?.credential == .apiKey(key))
    }

    @Test func aSecretIsChangedWithoutLosingAnything() throws {
        try store.save("a", StoredCredential(.apiKey(key), added: 1))
        try store.save("b", StoredCredential(.oauth(tokens), added: 1))
        let newer = try VaultSecret(Array("quite another secret".utf8))
        let during = CredentialStore(directory: directory, secret: newer, previous: secret)
        #expect(try during.list().count == 2)
        let after = CredentialStore(directory: directory, secret: newer)
        #expect(try after.load("a")?.credential == .apiKey(key))
        #expect(try after.load("b")?.credential == .oauth(tokens))
    }

    @Test func signaturesTellOfAnotherProcesssWrites() throws {
        try store.save("a", StoredCredential(.apiKey(key), added: 1))
        let before = try store.signature(of: "a")
        #expect(try store.signature(of: "a") == before)
        try CredentialStore(directory: directory, secret: secret).save("a", StoredCredential(.apiKey(key), added: 1))
        #expect(try store.signature(of: "a") != before)
        #expect(try store.signatures().keys.sorted() == ["a"])
        #expect(try store.remove("a"))
        #expect(try store.signature(of: "a") == nil)
    }

    @Test func locksAreThoseThatQwenCodeTakes() throws {
        try store.save("qwen", StoredCredential(.oauth(tokens), added: 1))
        #expect(store.refreshLock(for: "qwen").path == directory + "/oauth_creds.lock")
        #expect(store.refreshLock(for: "work").path == directory + "/oauth_creds_work.lock")
        let held = try #require(try store.refreshLock(for: "qwen").tryAcquire(now: 1_795_700_000_000))
        #expect(contentOf(directory + "/oauth_creds.lock") == Array(held.token.utf8))
    }

    @Test func doesNotPrintSecrets() throws {
        let stored = StoredCredential(.oauth(tokens), added: 1, label: "canary")
        var dumped = ""
        dump(CredentialStoreEntry(name: "a", content: .success(stored)), to: &dumped)
        for text in ["\(stored)", String(reflecting: stored), dumped] {
            #expect(!text.contains("canary"), "\(text)")
        }
    }
}

/// The content of a file, nil if there is none.
func contentOf(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return count < 0 ? nil : Array(bytes.prefix(count))
}
