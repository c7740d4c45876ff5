import Testing

@testable import Vault

struct VaultSecretTests {
    @Test func asksForSixteenBytes() {
        #expect(VaultSecret.leastBytes == 16)
    }
}
