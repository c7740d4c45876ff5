import Glibc
import TestSupport
import Testing
import Vault

@testable import Qwen

struct CredentialPlaintextTests {
    private let temporary: TemporaryDirectory
    private let store: CredentialStore
    private var directory: String { temporary.path }

    init() throws {
        temporary = try TemporaryDirectory()
        store = CredentialStore(
            directory: temporary.path, secret: try VaultSecret(Array("the secret of this test".utf8)))
    }

    private func put(_ file: String, _ text: String) {
        let descriptor = unsafe open("\(directory)/\(file)", O_CREAT | O_WRONLY | O_TRUNC, 0o644)
        precondition(unsafe write(descriptor, text, text.utf8.count) == text.utf8.count)
        close(descriptor)
    }

    private func plaintext(_ accessToken: String, expiry: Int64) -> String {
        #"{"access_token":"\#(accessToken)","refresh_token":"r","token_type":"Bearer","expiry_date":\#(expiry)}"#
    }

    private func credential(_ accessToken: String, expiry: Int64) -> OAuthCredential {
        OAuthCredential(accessToken: accessToken, refreshToken: "r", resourceURL: nil, expiry: expiry)
    }

    private func plainFiles() -> [String] {
        PlaintextFile.names(in: directory).filter { $0.hasSuffix(".json") }
    }

    @Test func plainFilesAreSealedAndRemoved() throws {
        put("oauth_creds.json", plaintext("one", expiry: 1_795_700_000_000))
        put("oauth_creds_work.json", plaintext("two", expiry: 1_795_700_000_001))
        put("settings.json", "{}")
        let results = store.sealPlaintextFiles(now: 7)
        #expect(
            results == [
                SealedPlaintext(path: directory + "/oauth_creds.json", outcome: .sealed(name: "qwen")),
                SealedPlaintext(path: directory + "/oauth_creds_work.json", outcome: .sealed(name: "work")),
            ])
        #expect(plainFiles() == ["settings.json"])
        let first = credential("one", expiry: 1_795_700_000_000)
        #expect(try store.load("qwen") == StoredCredential(.oauth(first), added: 7))
        #expect(try store.load("work")?.credential == .oauth(credential("two", expiry: 1_795_700_000_001)))
        #expect(store.sealPlaintextFiles(now: 8) == [])
    }

    @Test(arguments: [-1, 0, 1] as [Int64]) func theOneThatLastsLongerStays(difference: Int64) throws {
        let stored = credential("stored", expiry: 1_795_700_000_000)
        try store.save("qwen", StoredCredential(.oauth(stored), added: 3, label: "me"))
        put("oauth_creds.json", plaintext("plain", expiry: 1_795_700_000_000 + difference))
        let isNewer = difference > 0
        #expect(
            store.sealPlaintextFiles(now: 7).map(\.outcome) == [
                isNewer ? .sealed(name: "qwen") : .superseded(name: "qwen")
            ])
        #expect(plainFiles() == [])
        let expected = isNewer ? credential("plain", expiry: 1_795_700_000_001) : stored
        #expect(try store.load("qwen") == StoredCredential(.oauth(expected), added: isNewer ? 7 : 3, label: "me"))
    }

    @Test func whatCannotBeSealedIsLeftAndStopsNothing() throws {
        let key = Credential.apiKey(APIKeyCredential(key: "k", baseURL: "https://x"))
        try store.save("taken", StoredCredential(key, added: 1))
        put("oauth_creds_broken.json", #"{"access_token":"canary"}"#)
        put("oauth_creds_good.json", plaintext("good", expiry: 1_795_700_000_000))
        put("oauth_creds_taken.json", plaintext("canary", expiry: 1_795_700_000_000))
        #expect(unsafe symlink("\(directory)/elsewhere", "\(directory)/oauth_creds_linked.json") == 0)
        let results = store.sealPlaintextFiles(now: 7)
        let codes = results.map { result -> CredentialStoreError.Code? in
            guard case .failed(let error) = result.outcome else { return nil }
            #expect(error.reason.contains(result.path) && !error.reason.contains("canary"))
            return error.code
        }
        #expect(codes == [.unusableImport, nil, .vault(.unreadable), .nameTaken])
        #expect(
            plainFiles() == ["oauth_creds_broken.json", "oauth_creds_linked.json", "oauth_creds_taken.json"])
        #expect(try store.load("taken")?.credential == key)
        #expect(try store.names() == ["good", "taken"])
    }

    @Test func withoutTheRightSecretNothingIsRemoved() throws {
        try store.save("qwen", StoredCredential(.oauth(credential("stored", expiry: 1)), added: 1))
        let text = plaintext("plain", expiry: 1_795_700_000_000)
        put("oauth_creds.json", text)
        let other = CredentialStore(directory: directory, secret: try VaultSecret(Array("quite another secret".utf8)))
        guard case .failed(let error)? = other.sealPlaintextFiles(now: 7).first?.outcome else {
            Issue.record("it was sealed")
            return
        }
        #expect(error.code == .vault(.unopenable))
        #expect(contentOf(directory + "/oauth_creds.json") == Array(text.utf8))
        #expect(try store.load("qwen")?.credential == .oauth(credential("stored", expiry: 1)))
    }

    @Test func manyProcessesSealAFileOnce() async throws {
        // Threads with stores of their own exclude each other as processes do: by the vault's guard.
        put("oauth_creds.json", plaintext("one", expiry: 1_795_700_000_000))
        let outcomes = await withTaskGroup(of: [SealedPlaintext.Outcome].self) { group in
            for _ in 0..<4 { group.addTask { store.sealPlaintextFiles(now: 7).map(\.outcome) } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(outcomes.filter { $0 == .sealed(name: "qwen") }.count == 1)
        #expect(plainFiles() == [])
        #expect(try store.load("qwen")?.credential == .oauth(credential("one", expiry: 1_795_700_000_000)))
    }
}
