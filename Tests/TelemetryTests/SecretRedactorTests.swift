import Testing

@testable import Telemetry

@Suite struct SecretRedactorTests {
    @Test func findsASecretAtEveryPosition() {
        let redactor = SecretRedactor(["sk-abcdefgh"])
        for before in 0..<20 {
            for after in 0..<20 {
                let text = String(repeating: "s", count: before) + "sk-abcdefgh" + String(repeating: "k", count: after)
                let expected =
                    String(repeating: "s", count: before) + "[redacted]" + String(repeating: "k", count: after)
                #expect(redactor.redact(text) == expected)
            }
        }
    }

    @Test(arguments: ["", "a", "sk-abcdef", "sk-abcdefg", "sk-abcdefgH", "k-abcdefgh", "sk-abcdsk-abcdefg"])
    func leavesOtherTextAlone(text: String) {
        #expect(SecretRedactor(["sk-abcdefgh"]).redact(text) == text)
    }

    @Test func replacesAllOfSeveral() {
        let redactor = SecretRedactor(["first-secret", "second-secret", "schlüssel-ß"])
        #expect(
            redactor.redact("é first-secretsecond-secret, schlüssel-ß!") == "é [redacted][redacted], [redacted]!")
    }

    @Test func aSecretThatBeginsWithAnotherIsReplacedWhole() {
        #expect(
            SecretRedactor(["12345678", "1234567890"]).redact("x1234567890x12345678x") == "x[redacted]x[redacted]x")
        #expect(SecretRedactor(["1234567890", "12345678"]).redact("1234567890") == "[redacted]")
    }

    @Test func overlappingSecretsDoNotLeak() {
        #expect(SecretRedactor(["abcdefgh", "efghijkl"]).redact("abcdefghijkl") == "[redacted]ijkl")
    }

    @Test func shortTextIsNoSecret() {
        #expect(SecretRedactor(["", "true", "1234567"]).redact("true 1234567") == "true 1234567")
    }

    @Test func theOldestIsForgotten() {
        let redactor = SecretRedactor()
        let secrets = (0...SecretRedactor.capacity).map { "secret-number-\($0)!" }
        for secret in secrets { redactor.register([secret]) }
        #expect(redactor.redact(secrets[0]) == secrets[0])
        #expect(secrets.dropFirst().allSatisfy { redactor.redact($0) == "[redacted]" })
    }

    @Test func keysAreNeverForgotten() {
        let redactor = SecretRedactor(["a-client-key"])
        redactor.register(["an-api-key"], isLasting: true)
        for number in 0...SecretRedactor.capacity { redactor.register(["secret-number-\(number)!"]) }
        #expect(redactor.redact("a-client-key an-api-key") == "[redacted] [redacted]")
    }

    @Test func registeringAgainKeepsASecret() {
        let redactor = SecretRedactor()
        redactor.register(["the-lasting-one"])
        for number in 0..<SecretRedactor.capacity {
            redactor.register(["secret-number-\(number)"])
            redactor.register(["the-lasting-one"])
        }
        #expect(redactor.redact("the-lasting-one") == "[redacted]")
    }
}
