import Testing

@testable import Vault

struct VaultSecretChangeTests {
    private let fixture: VaultFixture
    private let old = "the older secret"
    private let new = "the newer secret"

    init() throws { fixture = try VaultFixture() }

    @Test func anotherSecretOpensNothingAndChangesNothing() throws {
        try fixture.vault(old).write("a", [1, 2, 3])
        let before = readFile(fixture.path("a"))
        let vault = try fixture.vault(new)
        let error = #expect(throws: VaultError.self) { _ = try vault.read("a") }
        #expect(error?.code == .unopenable)
        for part in [fixture.path("a"), "QWEN_CREDENTIALS_SECRET ", "QWEN_CREDENTIALS_SECRET_PREVIOUS", "damaged"] {
            #expect(error?.reason.contains(part) == true, "\(part)")
        }
        #expect(code { _ = try vault.update("a") { _ in [9] } } == .unopenable)
        #expect(readFile(fixture.path("a")) == before)
        #expect(try fixture.vault(old).read("a") == [1, 2, 3])
    }

    @Test func whatThePreviousSecretSealedIsSealedAnewAtOnce() throws {
        try fixture.vault(old).write("a", [1, 2, 3])
        #expect(try fixture.vault(new, previous: old).read("a") == [1, 2, 3])
        #expect(try fixture.vault(new).read("a") == [1, 2, 3])
        #expect(code { _ = try fixture.vault(old).read("a") } == .unopenable)
        #expect(try fixture.files() == ["a.sealed"])
    }

    @Test func whatTheCurrentSecretSealedIsLeftAlone() throws {
        let vault = try fixture.vault(new, previous: old)
        try vault.write("a", [1])
        let before = readFile(fixture.path("a"))
        #expect(try vault.read("a") == [1])
        #expect(readFile(fixture.path("a")) == before)
    }

    @Test func aDamagedFileIsNotSealedAnew() throws {
        try fixture.vault(old).write("a", [1, 2, 3])
        var damaged = try #require(readFile(fixture.path("a")))
        damaged[damaged.count - 1] ^= 1
        writeFile(fixture.path("a"), damaged)
        #expect(code { _ = try fixture.vault(new, previous: old).read("a") } == .unopenable)
        #expect(readFile(fixture.path("a")) == damaged)
    }

    @Test func twoFilesCannotBeExchanged() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        try vault.write("b", [2])
        let (a, b) = try (#require(readFile(fixture.path("a"))), #require(readFile(fixture.path("b"))))
        writeFile(fixture.path("a"), b)
        writeFile(fixture.path("b"), a)
        #expect(code { _ = try vault.read("a") } == .unopenable)
        #expect(code { _ = try vault.read("b") } == .unopenable)
    }
}
