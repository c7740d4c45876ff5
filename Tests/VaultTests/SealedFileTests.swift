import Testing

@testable import Vault

struct SealedFileTests {
    /// Files that were made from the description of the format alone, by another implementation of scrypt and
    /// AES-GCM.
    static let vectors: [(secret: String, name: String, record: String, file: String)] = [
        (
            "correct horse battery staple", "qwen", #"{"hello":"vault"}"#,
            "51475345414c45440101010f0008000100000011000102030405060708090a0b0c0d0e0f6465666768696a6b6c6d6e6f"
                + "ca17b8139801b78a9f0ea462f455cb6bd778de579beb82f45047bdd6adcdadbe20"
        ),
        (
            "0123456789abcdef", "empty", "",
            "51475345414c4544010101040001000300000000ffffffffffffffffffffffffffffffff000000000000000000000000"
                + "66cd7a689ccb687a7a25ecf3a6c75d2b"
        ),
    ]

    @Test(arguments: vectors) func opensWhatAnotherImplementationSealed(
        secret: String, name: String, record: String, file: String
    ) throws {
        let keys = try VaultKeys(VaultSecret(Array(secret.utf8)))
        let opened = try keys.open(SealedFile(parsing: bytes(hex: file)), name: name)
        #expect(opened == Array(record.utf8))
    }

    @Test(arguments: vectors) func sealsAsAnotherImplementationDoes(
        secret: String, name: String, record: String, file: String
    ) throws {
        let expected = try SealedFile(parsing: bytes(hex: file))
        let key = try deriveKey(from: VaultSecret(Array(secret.utf8)), salt: expected.salt, expected.parameters)
        let sealed = try SealedFile(
            sealing: Array(record.utf8), name: name, key: key, parameters: expected.parameters, salt: expected.salt,
            nonce: expected.nonce)
        #expect(sealed.bytes == bytes(hex: file))
    }

    @Test func standardCostIsThatOfTheFormat() {
        let standard = ScryptParameters.standard
        #expect((standard.n, UInt64(standard.r), UInt64(standard.p)) == (32768, 8, 1))
        #expect(standard.arePossible && standard.areAffordable)
    }

    @Test(arguments: [
        (20, 8, 1), (15, 8, 5), (15, 65535, 1), (1, 65535, 65535), (63, 8, 1), (255, 65535, 65535), (21, 2, 1),
    ]) func refusesCostsThatWouldHoldItUp(logN: UInt8, r: UInt16, p: UInt16) {
        var file = SealedFile(
            parameters: ScryptParameters(logN: logN, r: r, p: p), salt: [UInt8](repeating: 1, count: 16),
            nonce: [UInt8](repeating: 2, count: 12), sealed: [UInt8](repeating: 3, count: 16))
        #expect(throws: SealedFault.excessiveCost, "\(logN) \(r) \(p)") {
            file = try SealedFile(parsing: file.bytes)
        }
    }

    @Test(arguments: [(0, 8, 1), (15, 0, 1), (15, 8, 0), (16, 1, 1)])
    func refusesImpossibleParameters(logN: UInt8, r: UInt16, p: UInt16) {
        let file = SealedFile(
            parameters: ScryptParameters(logN: logN, r: r, p: p), salt: [UInt8](repeating: 1, count: 16),
            nonce: [UInt8](repeating: 2, count: 12), sealed: [UInt8](repeating: 3, count: 16))
        #expect(throws: SealedFault.damaged("impossible parameters for scrypt")) {
            _ = try SealedFile(parsing: file.bytes)
        }
    }

    @Test func everyAffordableCostIsWithinOpenSSLsLimit() throws {
        // The largest memory that is allowed, and the largest r and p.
        for (logN, r, p) in [(17, 8, 1), (15, 8, 4), (4, 1, 65535), (1, 8, 65535), (4, 65535, 1)]
            as [(UInt8, UInt16, UInt16)]
        {
            let parameters = ScryptParameters(logN: logN, r: r, p: p)
            #expect(parameters.areAffordable && parameters.arePossible, "\(parameters)")
            let secret = try VaultSecret([UInt8](repeating: 9, count: 16))
            #expect(throws: Never.self, "\(parameters)") {
                _ = try deriveKey(from: secret, salt: [1, 2, 3], parameters)
            }
        }
    }

    @Test func keysAreDerivedOncePerSalt() throws {
        let keys = try VaultKeys(VaultSecret(Array("0123456789abcdef".utf8)))
        let files = try (0..<3).map { try keys.seal([$0], name: "a", VaultFixture.cheap) }
        #expect(Set(files.map(\.salt)).count == 1)
        #expect(Set(files.map(\.nonce)).count == 3)
        for (index, file) in files.enumerated() {
            #expect(try keys.open(file, name: "a") == [UInt8(index)])
        }
    }
}
