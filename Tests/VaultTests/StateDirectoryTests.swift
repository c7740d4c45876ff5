import Glibc
import TestSupport
import Testing

@testable import Vault

@Suite struct StateDirectoryTests {
    private let temporary: TemporaryDirectory
    private var path: String { temporary.path + "/state" }

    init() throws { temporary = try TemporaryDirectory() }

    @Test func missingAndSharedDirectoriesAreUsedAsTheyAre() throws {
        try StateDirectory.check(path)
        #expect(FileStatus(path) == nil)
        #expect(unsafe mkdir(path, 0o700) == 0)
        for mode in [0o700, 0o755, 0o2775] as [mode_t] {
            #expect(unsafe chmod(path, mode) == 0)
            try StateDirectory.check(path)
            #expect(modeOf(path) == String(mode, radix: 8))
        }
        let link = temporary.path + "/link"
        #expect(unsafe symlink(path, link) == 0)
        try StateDirectory.check(link)
    }

    @Test func whatOthersCanExchangeIsRefused() {
        #expect(unsafe mkdir(path, 0o700) == 0)
        #expect(unsafe chmod(path, 0o1777) == 0)
        #expect(code { try StateDirectory.check(path) } == .unusableDirectory)
        let link = temporary.path + "/link"
        #expect(unsafe symlink(path, link) == 0)
        #expect(code { try StateDirectory.check(link) } == .unusableDirectory)
        let dangling = temporary.path + "/dangling"
        #expect(unsafe symlink(temporary.path + "/none", dangling) == 0)
        #expect(code { try StateDirectory.check(dangling) } == .unusableDirectory)
        let file = temporary.path + "/file"
        writeFile(file, [1])
        #expect(code { try StateDirectory.check(file) } == .unusableDirectory)
    }

    @Test(.enabled(if: geteuid() == 0)) func directoryOfAnotherUserIsRefused() {
        #expect(unsafe mkdir(path, 0o700) == 0)
        #expect(unsafe chown(path, 4711, 4711) == 0)
        #expect(code { try StateDirectory.check(path) } == .unusableDirectory)
        let link = temporary.path + "/link"
        #expect(unsafe symlink(temporary.path, link) == 0)
        #expect(unsafe lchown(link, 4711, 4711) == 0)
        #expect(code { try StateDirectory.check(link) } == .unusableDirectory)
    }

    /// The vault's own directory is narrowed, but not through a link.
    @Test func directoryBehindALinkIsNotNarrowed() throws {
        #expect(unsafe mkdir(path, 0o755) == 0)
        let link = temporary.path + "/vault"
        #expect(unsafe symlink(path, link) == 0)
        let vault = try makeVault(link)
        #expect(code { try vault.write("a", [1]) } == .unusableDirectory)
        #expect(modeOf(path) == "755")
        #expect(unsafe chmod(path, 0o700) == 0)
        try vault.write("a", [1])
        #expect(try vault.read("a") == [1])
    }

    /// Each process that adds a record takes the salt that is there: one key opens them all.
    @Test func filesOfSeveralProcessesShareASalt() throws {
        var salts: Set<[UInt8]> = []
        for name in ["a", "b", "c"] {
            try makeVault(path).write(name, [1])
            salts.insert(try SealedFile(parsing: try #require(readFile("\(path)/\(name).sealed"))).salt)
        }
        #expect(salts.count == 1)
        #expect(try makeVault(path).read("c") == [1])
    }
}
