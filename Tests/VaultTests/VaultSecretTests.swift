import Testing

@testable import Vault

struct VaultSecretTests {
    @Test func refusesFewerThanSixteenBytes() throws {
        #expect(code { _ = try VaultSecret([UInt8](repeating: 7, count: 15)) } == .weakSecret)
        #expect(code { _ = try VaultSecret([UInt8](repeating: 7, count: 16)) } == nil)
    }

    @Test(arguments: [("\n", 16), ("\r\n", 16), ("", 16), ("\n\n", 17), (" ", 17), ("\r", 17)])
    func fileContentLosesOneLineEnd(ending: String, size: Int) throws {
        let secret = try VaultSecret(fileContent: Array(("0123456789abcdef" + ending).utf8))
        #expect(unsafe secret.withUnsafeBytes { $0.count } == size)
    }

    @Test func lineEndDoesNotCountAsSecret() {
        #expect(code { _ = try VaultSecret(fileContent: Array("0123456789abcde\n".utf8)) } == .weakSecret)
    }

    @Test func doesNotPrintItself() throws {
        let secret = try VaultSecret(Array("canary-canary-canary".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] { #expect(!text.contains("canary")) }
    }

    @Test func wipeOverwritesInPlace() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 1)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xAA)
        unsafe wipeMemory(memory)
        #expect(unsafe memory.allSatisfy { $0 == 0 })
    }
}
