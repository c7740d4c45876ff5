internal import Glibc

/// A file with secrets in plain text that is to be sealed and then destroyed.
package struct PlaintextFile: ~Copyable {
    /// The most bytes of such a file.
    package static let sizeLimit = 1 << 20

    package let path: String
    private let descriptor: Descriptor
    private let identity: FileIdentity
    private let hasOtherNames: Bool

    /// Opens a file for reading and destruction.
    ///
    /// - Throws: `unreadable` if it cannot be read and written, is no regular file, or is a symbolic link: the file
    ///   behind it is perhaps someone else's login; `exposed` if it belongs to another user.
    package init(path: String) throws(VaultError) {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        guard let descriptor = unsafe Descriptor(open(path, flags)) else {
            let reason = errno == ELOOP ? "it is a symbolic link" : systemErrorText()
            throw VaultError(.unreadable, "\(path) cannot be sealed: \(reason)")
        }
        guard let status = descriptor.status(), status.isRegular else {
            throw VaultError(.unreadable, "\(path) cannot be sealed: it is not a regular file")
        }
        guard status.owner == geteuid() else {
            throw VaultError(.exposed, "\(path) is not sealed: it belongs to user \(status.owner)")
        }
        self.path = path
        self.descriptor = descriptor
        identity = status.identity
        hasOtherNames = status.links > 1
    }

    /// The content. The caller wipes it.
    package func read() throws(VaultError) -> [UInt8] {
        guard let bytes = descriptor.readAll(limit: Self.sizeLimit) else {
            throw VaultError(.unreadable, "\(path) cannot be read: \(systemErrorText())")
        }
        guard bytes.count <= Self.sizeLimit else {
            throw VaultError(.tooLarge, "\(path) is larger than \(Self.sizeLimit) bytes")
        }
        return bytes
    }

    /// Overwrites the file with zeros and removes it, if it still is the file, with the content, that was read.
    ///
    /// The zeros are the best that can be done, and not a promise: file systems that copy on write, flash and backups
    /// keep the old content. A file with more than one name is only removed, so that the other name keeps its content.
    ///
    /// - Returns: False, and nothing was touched, if the file was written or replaced since.
    package borrowing func destroy(ifStill content: [UInt8]) throws(VaultError) -> Bool {
        var found = try read()
        defer { found.wipe() }
        guard found == content, FileStatus(path)?.identity == identity else { return false }
        if !hasOtherNames {
            _ = descriptor.writeAll([UInt8](repeating: 0, count: content.count))
            fsync(descriptor.number)
        }
        guard unsafe unlink(path) == 0 else {
            throw VaultError(
                .unwritable, "\(path) is sealed but cannot be removed: \(systemErrorText()). Remove it yourself")
        }
        return true
    }

    /// The content of a file that is to be imported and stays as it is: it may be read-only, a symbolic link, or anyone's
    /// that this user can read. The caller wipes it.
    package static func content(of path: String) throws(VaultError) -> [UInt8] {
        guard let descriptor = unsafe Descriptor(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) else {
            throw VaultError(.unreadable, "\(path) cannot be imported: \(systemErrorText())")
        }
        guard let status = descriptor.status(), status.isRegular else {
            throw VaultError(.unreadable, "\(path) cannot be imported: it is not a regular file")
        }
        guard let bytes = descriptor.readAll(limit: sizeLimit) else {
            throw VaultError(.unreadable, "\(path) cannot be imported: \(systemErrorText())")
        }
        guard bytes.count <= sizeLimit else {
            throw VaultError(.tooLarge, "\(path) cannot be imported: it is larger than \(sizeLimit) bytes")
        }
        return bytes
    }

    /// Whether another process has destroyed the file since, or is about to: it is gone, or there are zeros in it.
    package borrowing func isDestroyed() throws(VaultError) -> Bool {
        guard FileStatus(path) != nil else { return true }
        let found = try read()
        return !found.isEmpty && found.allSatisfy { $0 == 0 }
    }

    /// The names of the files in a directory, sorted; none if there is no such directory.
    package static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        return unsafe namesOfFiles(in: stream).sorted()
    }
}

/// The names that a directory stream has left, without `.` and `..`.
func namesOfFiles(in stream: OpaquePointer) -> [String] {
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
