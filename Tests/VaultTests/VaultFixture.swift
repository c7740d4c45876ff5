import Glibc
import TestSupport

@testable import Vault

/// A vault in a directory of its own, with a cheap key derivation.
struct VaultFixture: Sendable {
    static let cheap = ScryptParameters(logN: 4, r: 1, p: 1)

    let temporary: TemporaryDirectory
    var directory: String { temporary.path + "/state/vault" }

    init() throws { temporary = try TemporaryDirectory() }

    func vault(
        _ secret: String = "the secret of this test", previous: String? = nil,
        reached: @escaping @Sendable (VaultDirectory.WriteStep) -> Void = { _ in }
    ) throws -> Vault {
        try makeVault(directory, secret, previous: previous, reached: reached)
    }

    func path(_ name: String) -> String { "\(directory)/\(name).sealed" }

    /// The names of everything in the vault's directory but the guard.
    func files() throws -> [String] {
        try VaultDirectory(existing: directory)?.fileNames().filter { $0 != ".guard" }.sorted() ?? []
    }
}

func makeVault(
    _ directory: String, _ secret: String = "the secret of this test", previous: String? = nil,
    reached: @escaping @Sendable (VaultDirectory.WriteStep) -> Void = { _ in }
) throws -> Vault {
    try Vault(
        directory: directory, secret: VaultSecret(Array(secret.utf8)),
        previous: previous.map { try VaultSecret(Array($0.utf8)) }, parameters: VaultFixture.cheap, reached: reached)
}

/// The code that an operation of the vault throws.
func code(_ body: () throws -> Void) -> VaultError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? VaultError)?.code
    }
}

func writeFile(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) {
    let descriptor = unsafe open(path, O_CREAT | O_WRONLY | O_TRUNC, mode)
    precondition(descriptor >= 0, "cannot write \(path)")
    precondition(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
    fchmod(descriptor, mode)
    close(descriptor)
}

func readFile(_ path: String) -> [UInt8]? {
    unsafe Descriptor(open(path, O_RDONLY))?.readAll(limit: 4 << 20)
}

func modeOf(_ path: String) -> String? { FileStatus(path)?.modeText }

func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex.utf8).compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
