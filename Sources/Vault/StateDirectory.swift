internal import Glibc

/// QWEN_DIR: what holds the vault, locks, and plain files to be sealed.
///
/// It may be a directory that serves for more, such as a home or a mounted volume. So its modes are never changed, and
/// it may be a symbolic link. What makes it unsafe is refused: whoever owns a directory, or may write in one that all
/// may write in, can put another vault in place of the user's. A group may write, as volumes that are given to one do:
/// the vault's own directory and files must be the user's in any case.
package enum StateDirectory {
    /// - Throws: `unusableDirectory` if the path is no directory, or the directory or a link that leads to it belongs to
    ///   another user than this one and root, or all users may write in it. A missing one is no error: who makes it
    ///   makes it well.
    package static func check(_ path: String) throws(VaultError) {
        guard let name = FileStatus(path) else {
            if errno == ENOENT { return }
            throw VaultError(.unusableDirectory, "\(path) cannot be examined: \(systemErrorText())")
        }
        try checkOwner(name, path)
        guard let descriptor = unsafe Descriptor(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            let status = descriptor.status()
        else {
            throw VaultError(.unusableDirectory, "\(path) cannot be opened as a directory: \(systemErrorText())")
        }
        try checkOwner(status, path)
        guard !status.isWritableByAll else {
            throw VaultError(
                .unusableDirectory,
                "\(path) can be written by every user (mode \(status.modeText)). Run `chmod o-w \(path)`, or set QWEN_DIR"
                    + " to another directory")
        }
    }

    private static func checkOwner(_ status: FileStatus, _ path: String) throws(VaultError) {
        guard status.owner == geteuid() || status.owner == 0 else {
            throw VaultError(
                .unusableDirectory,
                "\(path) belongs to user \(status.owner), and this program runs as user \(geteuid()). Give it to that"
                    + " user with `chown`, or set QWEN_DIR to another directory")
        }
    }
}
