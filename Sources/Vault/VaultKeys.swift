internal import Synchronization

/// The keys that were derived from one secret, so that scrypt runs once for each salt and not for each file and write.
/// Wiped, as the secret is, when the last vault that uses them is dropped.
final class VaultKeys: Sendable {
    /// How many keys are kept, of 32 bytes each; the one that was used least recently goes first. Files of one vault
    /// share a salt as a rule, so there is one key as a rule.
    private static let mostKept = 64

    private struct Key {
        let salt: [UInt8]
        let parameters: ScryptParameters
        let bytes: SecretBytes
    }

    private let secret: VaultSecret
    // The one used last is last.
    private let kept = Mutex<[Key]>([])

    init(_ secret: VaultSecret) { self.secret = secret }

    /// Opens a file. Its key is kept only if it opens it: files that nobody sealed push no key out.
    func open(_ file: SealedFile, name: String) throws(SealedFault) -> [UInt8] {
        let key = try key(file.salt, file.parameters)
        let plaintext = try file.open(name: name, key: key.bytes)
        keep(key)
        return plaintext
    }

    /// Seals a record with the key for these parameters that was used last, or else with the salt of another file, or
    /// else with a new salt, and in any case with a new nonce. With random nonces one key may seal 2^32 records
    /// (NIST SP 800-38D §8.3).
    ///
    /// - Parameter neighbour: gives the salt of a file that was sealed with these parameters, so that a process that
    ///   adds one makes others no work. Nothing vouches for it, and nothing needs to: a salt is no secret.
    func seal(
        _ plaintext: [UInt8], name: String, _ parameters: ScryptParameters, neighbour: () -> [UInt8]? = { nil }
    ) throws(SealedFault) -> SealedFile {
        var salt = latestSalt(parameters) ?? neighbour() ?? []
        if salt.isEmpty { salt = try randomBytes(SealedFile.saltSize) }
        let key = try key(salt, parameters)
        keep(key)
        return try SealedFile(
            sealing: plaintext, name: name, key: key.bytes, parameters: parameters, salt: key.salt,
            nonce: randomBytes(SealedFile.nonceSize))
    }

    private func latestSalt(_ parameters: ScryptParameters) -> [UInt8]? {
        kept.withLock { $0.last { $0.parameters == parameters } }?.salt
    }

    private func key(_ salt: [UInt8], _ parameters: ScryptParameters) throws(SealedFault) -> Key {
        if let known = kept.withLock({ $0.first { $0.salt == salt && $0.parameters == parameters } }) { return known }
        return try Key(salt: salt, parameters: parameters, bytes: deriveKey(from: secret, salt: salt, parameters))
    }

    private func keep(_ key: Key) {
        kept.withLock { keys in
            keys.removeAll { $0.salt == key.salt && $0.parameters == key.parameters }
            keys.append(key)
            if keys.count > Self.mostKept { keys.removeFirst() }
        }
    }
}
