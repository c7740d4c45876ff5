internal import Glibc

/// The open directory that a vault keeps its files in. Every file operation is relative to it: renaming or replacing
/// the directory meanwhile diverts nothing.
///
/// The directory is the user's own and has mode 0700. One of another owner is refused: whoever owns it can exchange
/// what is in it. One with wider modes is narrowed, not refused: a umask or a volume made it so, nothing but sealed
/// files is in it, and nobody else has business there. Directories above it are made if they are missing, with mode
/// 0700 too, and otherwise left alone, since they may be anything: a home, `/var/lib`, `/tmp`. Where the path is a
/// symbolic link, the link and the directory must both be the user's, and wide modes are refused, not narrowed: the
/// directory may serve for more.
struct VaultDirectory: ~Copyable {
    private static let guardName = ".guard"

    let path: String
    private let descriptor: Descriptor

    /// Opens the directory, or makes it.
    init(creating path: String) throws(VaultError) {
        try Self.make(path)
        guard let directory = try VaultDirectory(existing: path) else {
            throw VaultError(.unusableDirectory, "\(path) vanished as soon as it was made")
        }
        self = directory
    }

    /// Opens the directory; nil if there is none.
    init?(existing path: String) throws(VaultError) {
        guard let descriptor = unsafe Descriptor(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
            if errno == ENOENT { return nil }
            throw VaultError(.unusableDirectory, "\(path) cannot be opened as a directory: \(systemErrorText())")
        }
        guard let status = descriptor.status() else {
            throw VaultError(.unusableDirectory, "\(path) cannot be examined: \(systemErrorText())")
        }
        guard status.owner == geteuid() else {
            throw VaultError(
                .unusableDirectory,
                "\(path) belongs to user \(status.owner), and this program runs as user \(geteuid()). Give it to that"
                    + " user with `chown`, or set QWEN_DIR to another directory")
        }
        let link = FileStatus(path).flatMap { $0.isSymbolicLink ? $0 : nil }
        guard link.map({ $0.owner == geteuid() && !status.isOpenToOthers }) ?? true else {
            throw VaultError(
                .unusableDirectory,
                "\(path) is a symbolic link that another user has made, or that leads to a directory which is open to"
                    + " other users (mode \(status.modeText)). Put a directory in its place, or close that one")
        }
        if status.isOpenToOthers, fchmod(descriptor.number, 0o700) != 0 {
            throw VaultError(
                .unusableDirectory,
                "\(path) is open to other users (mode \(status.modeText)) and cannot be closed to them:"
                    + " \(systemErrorText()). Run `chmod 700 \(path)`")
        }
        self.path = path
        self.descriptor = descriptor
    }

    /// Makes a directory and those above it that are missing.
    static func make(_ path: String) throws(VaultError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try make(String(path[..<slash]))
            if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        }
        throw VaultError(.unusableDirectory, "\(path) cannot be made: \(systemErrorText())")
    }

    /// Excludes other writers, here and in other processes, while the guard lives.
    func exclusively() throws(VaultError) -> FileGuard {
        try FileGuard(Self.guardName, in: descriptor.number, path: "\(path)/\(Self.guardName)")
    }

    /// The names of the files in the directory, in no order.
    func fileNames() throws(VaultError) -> [String] {
        // A description of its own: one that was duplicated would share the position.
        let copy = unsafe openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else {
            let text = systemErrorText()
            if copy >= 0 { close(copy) }
            throw VaultError(.unreadable, "\(path) cannot be listed: \(text)")
        }
        defer { unsafe closedir(stream) }
        return unsafe namesOfFiles(in: stream)
    }

    /// The status of a file, nil if there is none.
    func status(of file: String) -> FileStatus? {
        FileStatus(file, in: descriptor.number)
    }

    /// The content of a file, nil if there is none.
    ///
    /// - Throws: `exposed` unless the file is the user's own and closed to others: a sealed file that others could
    ///   write was perhaps exchanged for an older one, which no cipher tells.
    func read(_ file: String, limit: Int) throws(VaultError) -> [UInt8]? {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        guard let opened = unsafe Descriptor(openat(descriptor.number, file, flags)) else {
            if errno == ENOENT { return nil }
            if errno == ELOOP {
                throw VaultError(.unreadable, "\(path)/\(file) is a symbolic link. Put the file itself in its place")
            }
            throw VaultError(.unreadable, "\(path)/\(file) cannot be opened: \(systemErrorText())")
        }
        guard let status = opened.status(), status.isRegular else {
            throw VaultError(.unreadable, "\(path)/\(file) is not a regular file")
        }
        guard status.owner == geteuid() else {
            throw VaultError(
                .exposed,
                "\(path)/\(file) belongs to user \(status.owner), and this program runs as user \(geteuid()). Give it"
                    + " to that user with `chown`")
        }
        guard !status.isOpenToOthers else {
            throw VaultError(
                .exposed,
                "\(path)/\(file) is open to other users (mode \(status.modeText)). Run `chmod 600 \(path)/\(file)`")
        }
        guard let bytes = opened.readAll(limit: limit) else {
            throw VaultError(.unreadable, "\(path)/\(file) cannot be read: \(systemErrorText())")
        }
        guard bytes.count <= limit else {
            throw VaultError(.tooLarge, "\(path)/\(file) is larger than \(limit) bytes, so it was not made here")
        }
        return bytes
    }
}

// MARK: - Writing, while the guard is held

extension VaultDirectory {
    private static let temporaryPrefix = "."
    private static let temporarySuffix = ".tmp"

    /// A point that a write has passed. A process may die at each.
    enum WriteStep: CaseIterable, Sendable {
        case guarded, created, written, synced, renamed, finished
    }

    /// Replaces a file, or makes it: whoever reads it, and whoever comes after a crash at any instant, finds all of the
    /// old content or all of the new.
    func replace(_ file: String, with bytes: [UInt8], reached: (WriteStep) -> Void) throws(VaultError) {
        reached(.guarded)
        let unique = try randomUUID(for: "\(path)/\(file)")
        let temporary = "\(Self.temporaryPrefix)\(file).\(unique)\(Self.temporarySuffix)"
        do throws(VaultError) {
            try writeNew(temporary, bytes, reached: reached)
            guard unsafe renameat(descriptor.number, temporary, descriptor.number, file) == 0 else {
                throw VaultError(.unwritable, "\(path)/\(file) cannot be replaced: \(systemErrorText())")
            }
        } catch {
            _ = unsafe unlinkat(descriptor.number, temporary, 0)
            throw error
        }
        reached(.renamed)
        try sync()
        reached(.finished)
    }

    /// Removes a file; false if there was none.
    func remove(_ file: String) throws(VaultError) -> Bool {
        guard unsafe unlinkat(descriptor.number, file, 0) == 0 else {
            if errno == ENOENT { return false }
            throw VaultError(.unwritable, "\(path)/\(file) cannot be removed: \(systemErrorText())")
        }
        try sync()
        return true
    }

    /// Removes temporary files. While the guard is held no writer is at work, so whoever made them is dead.
    func removeLeftovers() throws(VaultError) {
        for name in try fileNames()
        where name.hasPrefix(Self.temporaryPrefix) && name.hasSuffix(Self.temporarySuffix) {
            _ = unsafe unlinkat(descriptor.number, name, 0)
        }
    }

    private func writeNew(_ file: String, _ bytes: [UInt8], reached: (WriteStep) -> Void) throws(VaultError) {
        let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC
        guard let created = unsafe Descriptor(openat(descriptor.number, file, flags, 0o600)) else {
            throw VaultError(.unwritable, "\(path)/\(file) cannot be made: \(systemErrorText())")
        }
        reached(.created)
        // The umask may have taken away the owner's own permissions.
        guard fchmod(created.number, 0o600) == 0, created.writeAll(bytes) else {
            throw VaultError(.unwritable, "\(path)/\(file) cannot be written: \(systemErrorText())")
        }
        reached(.written)
        guard fsync(created.number) == 0 else {
            throw VaultError(.unwritable, "\(path)/\(file) cannot be written to the disk: \(systemErrorText())")
        }
        reached(.synced)
    }

    private func sync() throws(VaultError) {
        guard fsync(descriptor.number) == 0 else {
            throw VaultError(.unwritable, "\(path) cannot be written to the disk: \(systemErrorText())")
        }
    }
}
