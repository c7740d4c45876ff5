import Glibc
import TestSupport
import Testing

@testable import Vault

struct VaultTests {
    private let fixture: VaultFixture

    init() throws { fixture = try VaultFixture() }

    @Test(arguments: [0, 1, 15, 16, 17, 4096, Vault.largestRecord]) func givesBackWhatWasWritten(size: Int) throws {
        let record = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try fixture.vault().write("a", record)
        #expect(try fixture.vault().read("a") == record)
    }

    @Test func refusesRecordsThatAreTooLarge() throws {
        let vault = try fixture.vault()
        let record = [UInt8](repeating: 0, count: Vault.largestRecord + 1)
        #expect(code { try vault.write("a", record) } == .tooLarge)
        #expect(try vault.read("a") == nil)
    }

    @Test func aMissingDirectoryIsAnEmptyVault() throws {
        let vault = try fixture.vault()
        #expect(try vault.names() == [])
        #expect(try vault.read("a") == nil)
        #expect(try vault.signature(of: "a") == nil)
        #expect(try vault.remove("a") == false)
        #expect(FileStatus(fixture.directory) == nil)
    }

    @Test func filesAndDirectoriesAreTheOwnersAlone() throws {
        let old = umask(0)
        defer { umask(old) }
        try fixture.vault().write("a", [1])
        #expect(modeOf(fixture.path("a")) == "600")
        #expect(modeOf(fixture.directory) == "700")
        #expect(modeOf(fixture.temporary.path + "/state") == "700")
    }

    @Test func aDirectoryWithWiderModesIsNarrowed() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        for mode in [0o755, 0o777, 0o710] as [mode_t] {
            #expect(unsafe chmod(fixture.directory, mode) == 0)
            #expect(try vault.read("a") == [1])
            #expect(modeOf(fixture.directory) == "700")
        }
    }

    @Test func aDirectoryOfAnotherUserIsRefused() throws {
        guard geteuid() == 0 else { return }
        let vault = try fixture.vault()
        try vault.write("a", [1])
        #expect(unsafe chown(fixture.directory, 12345, 12345) == 0)
        #expect(code { _ = try vault.read("a") } == .unusableDirectory)
        #expect(code { try vault.write("a", [2]) } == .unusableDirectory)
    }

    @Test func aFileThatIsOpenToOthersIsRefused() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        for mode in [0o640, 0o604, 0o620, 0o666] as [mode_t] {
            #expect(unsafe chmod(fixture.path("a"), mode) == 0)
            #expect(code { _ = try vault.read("a") } == .exposed)
        }
        let error = #expect(throws: VaultError.self) { _ = try vault.read("a") }
        #expect(error?.reason.contains("chmod 600 \(fixture.path("a"))") == true)
    }

    @Test func symbolicLinksAreNotFollowed() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        #expect(unsafe symlink(fixture.path("a"), fixture.path("b")) == 0)
        #expect(code { _ = try vault.read("b") } == .unreadable)
        // A write takes the link's place, and leaves what it points at alone.
        let before = readFile(fixture.path("a"))
        try vault.write("b", [2])
        #expect(readFile(fixture.path("a")) == before)
        #expect(try vault.read("b") == [2])
    }

    @Test func whatIsNoRegularFileIsRefusedWithoutWaiting() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        #expect(unsafe mkfifo(fixture.path("b"), 0o600) == 0)
        #expect(unsafe mkdir(fixture.path("c"), 0o700) == 0)
        #expect(code { _ = try vault.read("b") } == .unreadable)
        #expect(code { _ = try vault.read("c") } == .unreadable)
        #expect(code { try vault.write("c", [1]) } == .unwritable)
        #expect(try fixture.files() == ["a.sealed", "b.sealed", "c.sealed"])
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "-x", "_x", "a/b", "../a", "A", "ä", "a b", "a\0b", String(repeating: "a", count: 65),
    ]) func namesThatCouldLeadAstrayAreRefused(name: String) throws {
        let vault = try fixture.vault()
        #expect(!Vault.isName(name))
        #expect(code { try vault.write(name, [1]) } == .invalidName)
        #expect(code { _ = try vault.read(name) } == .invalidName)
        #expect(code { try vault.remove(name) } == .invalidName)
        #expect(code { _ = try vault.update(name) { _ in [1] } } == .invalidName)
        #expect(FileStatus(fixture.directory) == nil)
    }

    @Test func namesAreListedSorted() throws {
        let vault = try fixture.vault()
        let names = ["0", "a", "a..b", "a.b_c-d", String(repeating: "z", count: 64)]
        for name in names.reversed() { try vault.write(name, Array(name.utf8)) }
        writeFile(fixture.directory + "/notes.txt", [1])
        writeFile(fixture.directory + "/Odd.sealed", [1])
        #expect(try vault.names() == names)
        for name in names { #expect(try vault.read(name) == Array(name.utf8)) }
    }

    @Test func removalRemovesEvenWhatCannotBeOpened() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        writeFile(fixture.path("a"), [1, 2, 3])
        #expect(try vault.remove("a"))
        #expect(try vault.read("a") == nil)
        #expect(try !vault.remove("a"))
    }

    @Test func leftoversOfDeadWritersAreRemoved() throws {
        let vault = try fixture.vault()
        try vault.write("a", [1])
        writeFile(fixture.directory + "/.a.sealed.0123.tmp", [1, 2, 3])
        #expect(try vault.read("a") == [1])
        try vault.write("b", [2])
        #expect(try fixture.files() == ["a.sealed", "b.sealed"])
    }

    @Test func aSignatureChangesWithEachWriteAndOnlyThen() throws {
        let vault = try fixture.vault()
        try vault.write("b", [9])
        var seen: Set<VaultSignature> = []
        for value in 0..<20 as Range<UInt8> {
            try vault.write("a", [value])
            let signature = try #require(try vault.signature(of: "a"))
            #expect(seen.insert(signature).inserted)
            _ = try vault.read("a")
            #expect(try vault.signature(of: "a") == signature)
            #expect(try vault.signatures()["a"] == signature)
        }
        #expect(try vault.signatures().keys.sorted() == ["a", "b"])
        try vault.remove("a")
        #expect(try vault.signatures().keys.sorted() == ["b"])
    }

    @Test func anUpdateSeesWhatIsThere() throws {
        let vault = try fixture.vault()
        #expect(try vault.update("a") { $0 == nil ? [1] : nil } == [1])
        #expect(try vault.update("a") { $0 == [1] ? [2] : nil } == [2])
        let before = readFile(fixture.path("a"))
        #expect(try vault.update("a") { _ in nil } == [2])
        #expect(readFile(fixture.path("a")) == before)
    }
}
