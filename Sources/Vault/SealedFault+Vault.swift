extension VaultError {
    /// A fault of a file's content, with the name of the file and what to do.
    init(_ fault: SealedFault, path: String) {
        let advice = "Restore it from a backup, or remove it and add the credential again"
        switch fault {
        case .notSealed:
            self.init(.notSealed, "\(path) is not a sealed file. If it is a plain one, import it under another name")
        case .newerVersion(let version):
            self.init(
                .newerVersion,
                "\(path) was sealed in version \(version) of the format, and this program knows version"
                    + " \(SealedFile.version). Run the newer program that wrote it")
        case .truncated(let found, let expected):
            let size = expected.map { "\(found) of \($0) bytes are left" } ?? "\(found) bytes are left"
            self.init(.truncated, "\(path) is cut short: \(size). \(advice)")
        case .damaged(let what):
            self.init(.damaged, "\(path) is damaged: \(what). \(advice)")
        case .excessiveCost:
            self.init(
                .excessiveCost,
                "\(path) asks for more memory or time to open it than any file that this program seals: it is damaged"
                    + " or forged. \(advice)")
        case .unopenable:
            self.init(
                .unopenable,
                "\(path) cannot be opened: either QWEN_CREDENTIALS_SECRET is not the secret that sealed it, or the file"
                    + " is damaged; the two cannot be told apart. If the secret was changed, set"
                    + " QWEN_CREDENTIALS_SECRET_PREVIOUS to the older one. If not: \(advice.lowercasedFirst)")
        case .failed(let what):
            self.init(.internalFailure, "\(path): OpenSSL failed at \(what)")
        }
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
