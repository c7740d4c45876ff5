/// A file of state that holds no secret, such as digests and counts, in a directory of this program's own. It is kept
/// as carefully as a sealed one: its owner's alone, replaced and never changed, with one writer at a time.
///
/// Files of one directory share a guard. Every call blocks on the disk.
package struct StateFile: Sendable {
    /// The most bytes of a file.
    package static let largest = 8 << 20

    private let directory: String
    private let name: String

    /// - Parameters:
    ///   - directory: made, with mode 0700, when the file is first written.
    ///   - name: without a dot at its beginning.
    package init(directory: String, name: String) {
        self.directory = directory
        self.name = name
    }

    package var path: String { "\(directory)/\(name)" }

    /// The content; nil if there is no such file.
    ///
    /// - Throws: `exposed` where others than its owner may do anything with it.
    package func read() throws(VaultError) -> [UInt8]? {
        guard let directory = try VaultDirectory(existing: directory) else { return nil }
        return try directory.read(name, limit: Self.largest)
    }

    /// Reads the file and writes what `change` makes of it, with every other writer kept out meanwhile; where it gives
    /// nil the file stays as it is. When this returns the content is on the disk.
    ///
    /// - Parameter change: gets the content, nil if there is no such file.
    package func update(_ change: (_ content: [UInt8]?) -> [UInt8]?) throws(VaultError) {
        let directory = try VaultDirectory(creating: directory)
        let exclusion = try directory.exclusively()
        try directory.removeLeftovers()
        let content = try directory.read(name, limit: Self.largest)
        if let changed = change(content) {
            guard changed.count <= Self.largest else {
                throw VaultError(.tooLarge, "\(path) is not written: it would have more than \(Self.largest) bytes")
            }
            try directory.replace(name, with: changed) { _ in }
        }
        _ = consume exclusion
    }

    /// What tells whether the file was written or removed since; nil if there is none.
    package func signature() throws(VaultError) -> VaultSignature? {
        guard let directory = try VaultDirectory(existing: directory) else { return nil }
        return directory.status(of: name).map { VaultSignature($0) }
    }
}
