internal import Vault

extension CredentialImport {
    private static let filePrefix = "oauth_creds"
    private static let fileSuffix = ".json"
    private static let longestPrefix = 64 - 17

    /// Whether a file has the name of a plain login: `oauth_creds.json` or `oauth_creds_<account>.json`.
    static func isPlaintextName(_ fileName: String) -> Bool {
        guard fileName.hasSuffix(fileSuffix), fileName.hasPrefix(filePrefix) else { return false }
        let account = fileName.dropFirst(filePrefix.count).dropLast(fileSuffix.count)
        return account.isEmpty || (account.first == "_" && account.count > 1)
    }

    /// A name for the store: `qwen` for `oauth_creds.json`, the account for `oauth_creds_<account>.json`, else the
    /// file's name without `.json`.
    ///
    /// Where that is no name, or would be `qwen` by chance, a hash of what it was made from is put behind it, so that
    /// two files never get one name: the one would replace the other's login.
    static func suggestedName(for fileName: String) -> String {
        var stem = fileName[(fileName.lastIndex(of: "/").map { fileName.index(after: $0) } ?? fileName.startIndex)...]
        if stem.hasSuffix(fileSuffix) { stem = stem.dropLast(fileSuffix.count) }
        if stem == filePrefix { return defaultName }
        if stem.hasPrefix(filePrefix + "_") { stem = stem.dropFirst(filePrefix.count + 1) }
        let original = String(stem)
        if Vault.isName(original), original != defaultName { return original }

        let readable = original.lowercased().utf8.map { byte in
            Vault.isName("a\(UnicodeScalar(byte))") ? byte : UInt8(ascii: "-")
        }
        let text = String(decoding: readable.drop { !isFirst($0) }.prefix(longestPrefix), as: UTF8.self)
        let hash = String(fnv1a(original), radix: 16)
        return text.isEmpty ? "\(defaultName)-\(hash)" : "\(text)-\(hash)"
    }

    /// Whether a name may begin with this byte.
    private static func isFirst(_ byte: UInt8) -> Bool {
        Vault.isName(String(UnicodeScalar(byte)))
    }

    /// The 64-bit FNV-1a hash: the same in every process. Nobody gains by a collision of their own files' names.
    private static func fnv1a(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
