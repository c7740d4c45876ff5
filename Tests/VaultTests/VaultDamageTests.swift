import Testing

@testable import Vault

struct VaultDamageTests {
    private let fixture: VaultFixture
    private let vault: Vault
    private let whole: [UInt8]

    init() throws {
        fixture = try VaultFixture()
        vault = try fixture.vault()
        try vault.write("a", Array("a canary of forty bytes or so, in a file".utf8))
        whole = try #require(readFile(fixture.path("a")))
    }

    /// Reads a damaged file; checks that the error names it, holds nothing of it, and that it is as it was.
    private func fault(of damaged: [UInt8]) -> VaultError.Code? {
        writeFile(fixture.path("a"), damaged)
        var found: VaultError.Code?
        do throws(VaultError) {
            _ = try vault.read("a")
        } catch {
            found = error.code
            #expect(error.reason.hasPrefix(fixture.path("a")))
            #expect(!error.reason.contains("canary"))
            _ = code { _ = try vault.update("a") { _ in [1] } }
        }
        #expect(readFile(fixture.path("a")) == damaged)
        return found
    }

    @Test func everyFlippedBitIsNoticed() {
        for offset in whole.indices {
            for bit in 0..<8 {
                var damaged = whole
                damaged[offset] ^= 1 << bit
                let allowed: Set<VaultError.Code> =
                    switch offset {
                    case 0..<8: [.notSealed]
                    case 8: [.newerVersion, .damaged]
                    case 9, 10: [.damaged]
                    case 11..<16: [.damaged, .excessiveCost, .unopenable]
                    case 16..<20: [.truncated, .damaged]
                    default: [.unopenable]
                    }
                let fault = fault(of: damaged)
                #expect(
                    fault.map(allowed.contains) == true, "bit \(bit) of byte \(offset): \(String(describing: fault))")
            }
        }
    }

    @Test func everyTruncationIsNoticed() {
        for size in whole.indices {
            #expect(fault(of: Array(whole.prefix(size))) == .truncated, "\(size) bytes")
        }
    }

    @Test func bytesBehindTheEndAreNoticed() {
        #expect(fault(of: whole + [0]) == .damaged)
        #expect(fault(of: whole + whole) == .damaged)
    }

    @Test func aNewerVersionIsNamed() {
        var newer = whole
        newer[8] = 2
        #expect(fault(of: newer) == .newerVersion)
        // What follows the version is the newer version's own affair.
        #expect(fault(of: Array(newer.prefix(9))) == .newerVersion)
    }

    @Test(arguments: ["{\"access_token\":\"canary\"}", "-----BEGIN", "QGSEALEX canary", "\0"])
    func otherFilesAreNoSealedFiles(content: String) {
        #expect(fault(of: Array(content.utf8)) == .notSealed)
    }

    @Test func aFileThatIsTooLargeIsNotRead() {
        #expect(fault(of: whole + [UInt8](repeating: 0, count: Vault.largestRecord + 1)) == .tooLarge)
    }
}
