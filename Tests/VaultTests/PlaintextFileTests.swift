import Glibc
import TestSupport
import Testing

@testable import Vault

struct PlaintextFileTests {
    private let temporary: TemporaryDirectory
    private let path: String

    init() throws {
        temporary = try TemporaryDirectory()
        path = temporary.path + "/plain"
        writeFile(path, Array("canary".utf8))
    }

    @Test func isOverwrittenAndRemoved() throws {
        // What the open file still shows after its last name is gone is what is on the disk.
        guard let observer = unsafe Descriptor(open(path, O_RDONLY)) else {
            Issue.record("the file cannot be opened")
            return
        }
        let file = try PlaintextFile(path: path)
        #expect(try file.read() == Array("canary".utf8))
        #expect(try file.destroy(ifStill: Array("canary".utf8)))
        #expect(FileStatus(path) == nil)
        #expect(observer.readAll(limit: 100) == [0, 0, 0, 0, 0, 0])
    }

    @Test func anotherNameKeepsItsContent() throws {
        let other = temporary.path + "/backup"
        #expect(unsafe link(path, other) == 0)
        #expect(try PlaintextFile(path: path).destroy(ifStill: Array("canary".utf8)))
        #expect(FileStatus(path) == nil)
        #expect(readFile(other) == Array("canary".utf8))
    }

    @Test func whatWasChangedOrReplacedIsLeft() throws {
        let file = try PlaintextFile(path: path)
        #expect(try !file.destroy(ifStill: Array("Canary".utf8)))
        #expect(readFile(path) == Array("canary".utf8))

        let replaced = try PlaintextFile(path: path)
        writeFile(path + ".new", Array("canary".utf8))
        #expect(unsafe rename(path + ".new", path) == 0)
        #expect(try !replaced.destroy(ifStill: Array("canary".utf8)))
        #expect(readFile(path) == Array("canary".utf8))
    }

    @Test func readOnlyAndLinkedFilesCanBeImported() throws {
        let linked = temporary.path + "/link"
        #expect(unsafe symlink(path, linked) == 0)
        #expect(unsafe chmod(path, 0o400) == 0)
        #expect(try PlaintextFile.content(of: path) == Array("canary".utf8))
        #expect(try PlaintextFile.content(of: linked) == Array("canary".utf8))
        let fault = #expect(throws: VaultError.self) { try PlaintextFile.content(of: temporary.path) }
        #expect(fault?.reason.contains("cannot be imported: it is not a regular file") == true)
        #expect(code { _ = try PlaintextFile.content(of: temporary.path + "/missing") } == .unreadable)
    }

    @Test func linksAndOtherThingsAreRefused() throws {
        let (linked, fifo) = (temporary.path + "/link", temporary.path + "/fifo")
        #expect(unsafe symlink(path, linked) == 0)
        #expect(unsafe mkfifo(fifo, 0o600) == 0)
        for path in [linked, fifo, temporary.path, temporary.path + "/missing"] {
            #expect(code { _ = try PlaintextFile(path: path).read() } == .unreadable, "\(path)")
        }
    }
}
