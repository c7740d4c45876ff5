internal import TLS
internal import Testing

@Suite struct SecretsTests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func sha256(text: String, expected: String) throws {
        let hasher = try SHA256Hasher()
        for _ in 0..<2 {
            let digest = try hasher.hash(Array(text.utf8).span)
            let hexadecimal = digest.bytes.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
            #expect(hexadecimal == expected)
            #expect(SHA256Digest(digest.bytes) == digest)
        }
    }

    @Test func digests() throws {
        let hasher = try SHA256Hasher()
        let (one, two) = try (hasher.hash([1].span), hasher.hash([2].span))
        #expect(one != two)
        #expect(Set([one, two, one]).count == 2)
        #expect(SHA256Digest([1, 2, 3]) == nil)
    }

    @Test(
        arguments: [
            ([], [], true), ([1, 2, 3], [1, 2, 3], true), ([1, 2, 3], [1, 2, 4], false), ([1, 2, 3], [1, 2], false),
        ] as [([UInt8], [UInt8], Bool)])
    func comparison(left: [UInt8], right: [UInt8], expected: Bool) {
        let isEqual = constantTimeEquals(left.span, right.span)
        #expect(isEqual == expected)
    }

    @Test func randomness() throws {
        let (one, two) = try (secureRandomBytes(32), secureRandomBytes(32))
        #expect(one.count == 32)
        #expect(one != two)
        #expect(try secureRandomBytes(0).isEmpty)
    }
}
