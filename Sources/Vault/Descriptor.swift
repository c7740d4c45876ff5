internal import Glibc

/// Owns an open file descriptor and closes it.
struct Descriptor: ~Copyable, Sendable {
    let number: CInt

    /// Takes what `open` or `openat` has returned; nil, with `errno` as it was, if that was a failure.
    init?(_ result: CInt) {
        guard result >= 0 else { return nil }
        number = result
    }

    deinit {
        // Errors that matter have shown themselves at fsync.
        close(number)
    }

    /// The status of the open file; nil if that fails.
    func status() -> FileStatus? {
        var status = stat()
        return unsafe fstat(number, &status) == 0 ? FileStatus(status) : nil
    }

    /// Reads from the beginning to the end, or one byte beyond `limit`. nil, with `errno`, if that fails. The array is
    /// as large as it needs to be from the start: what it holds may be secret, and growth would leave copies behind.
    func readAll(limit: Int) -> [UInt8]? {
        let size = min(status()?.size ?? 0, limit)
        var bytes = [UInt8](repeating: 0, count: size + 1)
        var count = 0
        while count < bytes.count {
            let read = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(number, buffer.baseAddress?.advanced(by: count), buffer.count - count, count)
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else {
                let error = errno
                bytes.wipe()
                errno = error
                return nil
            }
            if read == 0 { break }
            count += read
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Writes all bytes from the beginning of the file. False, with `errno`, if that fails.
    func writeAll(_ bytes: [UInt8]) -> Bool {
        var count = 0
        while count < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(number, buffer.baseAddress?.advanced(by: count), buffer.count - count, count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            count += written
        }
        return true
    }
}

/// What `stat` says about a file, as far as it is asked here.
struct FileStatus: Equatable, Sendable {
    let identity: FileIdentity
    let owner: uid_t
    let links: Int
    let size: Int
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    let modified: Int64
    let changed: Int64
    private let mode: mode_t

    fileprivate init(_ status: stat) {
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        owner = status.st_uid
        links = Int(status.st_nlink)
        size = Int(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
        mode = status.st_mode
    }

    /// The status of what a name in a directory stands for, and if it is a symbolic link, of the link. `errno` if nil.
    init?(_ name: String, in directory: CInt = AT_FDCWD) {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        self.init(status)
    }

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    /// Whether others than the owner may do anything with it.
    var isOpenToOthers: Bool { mode & 0o077 != 0 }
    /// Whether everybody may write to it.
    var isWritableByAll: Bool { mode & 0o002 != 0 }
    var isSymbolicLink: Bool { mode & S_IFMT == S_IFLNK }
    /// The permissions, as `chmod` writes them.
    var modeText: String { String(mode & 0o7777, radix: 8) }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// What tells a file from every other that exists at the same time.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// The text of `errno`.
func systemErrorText() -> String {
    unsafe String(cString: strerror(errno))
}
