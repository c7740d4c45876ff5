/// Named records, each in a sealed file of its own (`SealedFile` describes the format) in one directory.
///
/// Any number of vaults, in any number of processes, may share a directory: writers exclude each other with a guard
/// file, readers need none, since files are replaced and never changed. Every call blocks on the disk, and the first
/// one for a salt for the tenth of a second that scrypt takes.
///
/// What it gives back and takes is plaintext in ordinary arrays; `[UInt8].wipe` is there for who owns them.
package struct Vault: Sendable {
    /// The most bytes of a record. Credentials have a few thousand.
    package static let largestRecord = 1 << 20

    private static let suffix = ".sealed"

    /// The directory, made when the first record is written.
    package let directory: String
    private let current: VaultKeys
    private let previous: VaultKeys?
    private let parameters: ScryptParameters
    private let reached: @Sendable (VaultDirectory.WriteStep) -> Void

    /// A vault in a directory that need not exist yet. Touches no file.
    ///
    /// - Parameters:
    ///   - secret: seals, and opens.
    ///   - previous: an older secret. What it sealed is opened too, and sealed anew with `secret` at once.
    package init(directory: String, secret: VaultSecret, previous: VaultSecret? = nil) {
        self.init(directory: directory, secret: secret, previous: previous, parameters: .standard)
    }

    /// For tests: a cheaper key derivation, and a look at each step of a write.
    init(
        directory: String, secret: VaultSecret, previous: VaultSecret? = nil, parameters: ScryptParameters,
        reached: @escaping @Sendable (VaultDirectory.WriteStep) -> Void = { _ in }
    ) {
        self.directory = directory
        current = VaultKeys(secret)
        self.previous = previous.map { VaultKeys($0) }
        self.parameters = parameters
        self.reached = reached
    }

    /// Whether a record may have this name: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or a digit.
    package static func isName(_ name: String) -> Bool {
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard (1...64).contains(name.utf8.count), let first = name.utf8.first, isLetterOrDigit(first) else {
            return false
        }
        return name.utf8.allSatisfy { isLetterOrDigit($0) || [0x2E, 0x5F, 0x2D].contains($0) }
    }

    /// Makes a directory with mode 0700, and those above it, where they are missing.
    package static func makeDirectory(_ path: String) throws(VaultError) {
        try VaultDirectory.make(path)
    }

    /// Where the record of this name is kept.
    package func path(of name: String) -> String {
        "\(directory)/\(name)\(Self.suffix)"
    }

    /// A record, or nil if there is none. One that the previous secret sealed is sealed anew before it is given back.
    package func read(_ name: String) throws(VaultError) -> [UInt8]? {
        let file = try fileName(name)
        guard let directory = try VaultDirectory(existing: directory),
            let content = try directory.read(file, limit: Self.largestFile)
        else { return nil }
        var opened = try open(content, name)
        guard opened.needsSealing else { return opened.record }
        opened.record.wipe()
        // Another process may be writing the record just now: read it again with writers kept out.
        return try update(name) { _ in nil }
    }

    /// Writes a record in place of the one of this name, which is not looked at, if there is one. When this returns it
    /// is on the disk.
    package func write(_ name: String, _ record: [UInt8]) throws(VaultError) {
        let file = try fileName(name)
        let directory = try VaultDirectory(creating: directory)
        let exclusion = try directory.exclusively()
        try directory.removeLeftovers()
        try seal(record, name, file, in: directory)
        _ = consume exclusion
    }

    /// Reads a record and writes what `change` makes of it, with every other writer kept out meanwhile; where it gives
    /// nil the record stays as it is. A record that cannot be opened is not replaced: the error is thrown.
    ///
    /// - Parameter change: gets the record, nil if there is none. It must not call this vault.
    /// - Returns: The record as it is now. The caller wipes it.
    package func update(
        _ name: String, _ change: (_ record: [UInt8]?) -> [UInt8]?
    ) throws(VaultError) -> [UInt8]? {
        let file = try fileName(name)
        let directory = try VaultDirectory(creating: directory)
        let exclusion = try directory.exclusively()
        try directory.removeLeftovers()
        let content = try directory.read(file, limit: Self.largestFile)
        var record: [UInt8]?
        var needsSealing = false
        if let content { (record, needsSealing) = try open(content, name) }
        if let changed = change(record) {
            record?.wipe()
            (record, needsSealing) = (changed, true)
        }
        if let record, needsSealing { try seal(record, name, file, in: directory) }
        _ = consume exclusion
        return record
    }

    /// Removes a record, whether or not it can be opened; false if there was none.
    @discardableResult
    package func remove(_ name: String) throws(VaultError) -> Bool {
        let file = try fileName(name)
        guard let directory = try VaultDirectory(existing: directory) else { return false }
        let exclusion = try directory.exclusively()
        try directory.removeLeftovers()
        let existed = try directory.remove(file)
        _ = consume exclusion
        return existed
    }

    /// The names of all records, sorted.
    package func names() throws(VaultError) -> [String] {
        guard let directory = try VaultDirectory(existing: directory) else { return [] }
        return try directory.fileNames()
            .filter { $0.hasSuffix(Self.suffix) }
            .map { String($0.dropLast(Self.suffix.count)) }
            .filter(Self.isName)
            .sorted()
    }

    /// What tells whether a record was written or removed since: every write gives it a new value. Costs two or three
    /// system calls, and no decryption. nil if there is no such record.
    package func signature(of name: String) throws(VaultError) -> VaultSignature? {
        let file = try fileName(name)
        guard let directory = try VaultDirectory(existing: directory) else { return nil }
        return directory.status(of: file).map { VaultSignature($0) }
    }

    /// The signatures of all records by name.
    package func signatures() throws(VaultError) -> [String: VaultSignature] {
        guard let directory = try VaultDirectory(existing: directory) else { return [:] }
        var signatures: [String: VaultSignature] = [:]
        for name in try names() {
            signatures[name] = directory.status(of: name + Self.suffix).map { VaultSignature($0) }
        }
        return signatures
    }
}

extension Vault {
    private static let largestFile = SealedFile.headerSize + largestRecord + SealedFile.tagSize

    private func fileName(_ name: String) throws(VaultError) -> String {
        guard Self.isName(name) else {
            throw VaultError(
                .invalidName,
                "\"\(name.unicodeScalars.prefix(64).map { $0.escaped(asASCII: true) }.joined())\" cannot be a name:"
                    + " take 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or a digit")
        }
        return name + Self.suffix
    }

    private func open(_ content: [UInt8], _ name: String) throws(VaultError) -> (record: [UInt8], needsSealing: Bool) {
        do throws(SealedFault) {
            let file = try SealedFile(parsing: content)
            do throws(SealedFault) {
                return try (current.open(file, name: name), false)
            } catch .unopenable {
                guard let previous else { throw .unopenable }
                return try (previous.open(file, name: name), true)
            }
        } catch {
            throw VaultError(error, path: path(of: name))
        }
    }

    private func seal(
        _ record: [UInt8], _ name: String, _ file: String, in directory: borrowing VaultDirectory
    ) throws(VaultError) {
        guard record.count <= Self.largestRecord else {
            throw VaultError(
                .tooLarge, "\(path(of: name)) is not written: the record has more than \(Self.largestRecord) bytes")
        }
        let sealed: SealedFile
        do throws(SealedFault) {
            sealed = try current.seal(record, name: name, parameters) { saltOfAnyFile(in: directory) }
        } catch {
            throw VaultError(error, path: path(of: name))
        }
        try directory.replace(file, with: sealed.bytes, reached: reached)
    }

    /// The salt of a file that has been sealed with this vault's parameters; nil if there is none to be read.
    private func saltOfAnyFile(in directory: borrowing VaultDirectory) -> [UInt8]? {
        for file in ((try? directory.fileNames()) ?? []).sorted() where file.hasSuffix(Self.suffix) {
            guard let content = try? directory.read(file, limit: Self.largestFile),
                let sealed = try? SealedFile(parsing: content), sealed.parameters == parameters
            else { continue }
            return sealed.salt
        }
        return nil
    }
}

/// What a file system says about a file without looking into it.
package struct VaultSignature: Hashable, Sendable {
    private let identity: FileIdentity
    private let size: Int
    private let modified: Int64
    private let changed: Int64

    init(_ status: FileStatus) {
        identity = status.identity
        size = status.size
        modified = status.modified
        changed = status.changed
    }
}
