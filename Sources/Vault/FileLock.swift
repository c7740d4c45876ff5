internal import Glibc
internal import Synchronization

/// A lock that processes take for longer than a few system calls, such as for a token refresh over the network. It is
/// a file, made by who takes the lock and removed by who releases it, as qwen-code has it for `oauth_creds.lock`: the
/// file is made with O_EXCL and holds a random UUID; one whose mtime is more than 10 s old belongs to a process that
/// died, and is renamed to `<lock>.stale.<uuid>` and removed.
///
/// Between processes of this program a guard (`<lock>.guard`, an `flock`) makes each removal and refresh one step, so
/// that no two of them hold the lock unless its holder left it untouched for 10 s. A qwen-code that shares the file
/// knows no guard: after each rename it is checked that the stale lock was what was renamed, and if not it is put back.
package struct FileLock: Sendable {
    /// The age of a lock, in milliseconds, above which its holder is held to be dead.
    package static let staleAge: Int64 = 10_000

    package let path: String
    private var guardPath: String { path + ".guard" }

    /// A lock at a path in a directory that exists.
    package init(path: String) { self.path = path }

    /// Takes the lock if it is free or stale; nil if another holds it. Does not wait: `LockBackoff` says how long to.
    ///
    /// - Parameter now: milliseconds since 1970-01-01T00:00:00Z.
    package func tryAcquire(now: Int64) throws(VaultError) -> HeldFileLock? {
        if let held = try create(now: now) { return held }
        var wasStale = false
        if let status = FileStatus(path) {
            guard Self.isStale(status, now: now), try removeStale(now: now) else { return nil }
            wasStale = true
        }
        return try create(now: now, wasStale: wasStale)
    }

    /// Makes the file; nil if there is one.
    private func create(now: Int64, wasStale: Bool = false) throws(VaultError) -> HeldFileLock? {
        let token = try randomUUID(for: path)
        let flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC
        guard let descriptor = unsafe Descriptor(open(path, flags, 0o600)) else {
            if errno == EEXIST { return nil }
            throw VaultError(.unwritable, "\(path) cannot be made: \(systemErrorText())")
        }
        guard descriptor.writeAll(Array(token.utf8)), Self.setModified(descriptor.number, now) else {
            let text = systemErrorText()
            _ = unsafe unlink(path)
            throw VaultError(.unwritable, "\(path) cannot be written: \(text)")
        }
        let held = HeldFileLock(
            path: path, guardPath: guardPath, token: token, wasStale: wasStale, descriptor: descriptor)
        // Until its mtime was set it may have looked stale, to one whose clock is ahead of the file system's.
        return held.isHeld ? held : nil
    }

    /// Removes a stale lock. False if it is not stale after all, or another process is at it.
    ///
    /// - Parameter beforeRename: for tests, runs at the worst moment.
    func removeStale(now: Int64, beforeRename: () -> Void = {}) throws(VaultError) -> Bool {
        guard let exclusion = try FileGuard(ifFree: guardPath) else { return false }
        // Between the look that led here and the guard another may have removed it, and a third made it anew.
        guard let stale = FileStatus(path) else { return true }
        guard Self.isStale(stale, now: now) else { return false }
        let aside = try "\(path).stale.\(randomUUID(for: path))"
        beforeRename()
        guard unsafe rename(path, aside) == 0 else {
            if errno == ENOENT { return true }
            throw VaultError(.unwritable, "\(path) cannot be renamed: \(systemErrorText())")
        }
        let renamed = FileStatus(aside)
        let wasStale = renamed.map { $0.identity == stale.identity && Self.isStale($0, now: now) } ?? true
        // `link` replaces nothing: if yet another lock was made meanwhile, that one stays.
        if !wasStale { _ = unsafe link(aside, path) }
        _ = unsafe unlink(aside)
        _ = consume exclusion
        return wasStale
    }

    /// A lock from the future is as stale as one from the past: the clock was set back since, and nobody will touch it.
    private static func isStale(_ status: FileStatus, now: Int64) -> Bool {
        let modified = status.modified / 1_000_000
        return (now - modified).magnitude > UInt64(staleAge)
    }

    /// Sets the mtime of an open file to a time in milliseconds.
    fileprivate static func setModified(_ descriptor: CInt, _ milliseconds: Int64) -> Bool {
        let time = timespec(tv_sec: Int(milliseconds / 1_000), tv_nsec: Int(milliseconds % 1_000) * 1_000_000)
        return unsafe futimens(descriptor, [time, time]) == 0
    }
}

/// A `FileLock` that was taken. Released by `release`, and else when it is dropped; a process that is killed leaves it
/// to go stale.
package final class HeldFileLock: Sendable {
    private let path: String
    private let guardPath: String
    /// What the file holds.
    package let token: String
    /// It was taken over from a holder that had died.
    package let wasStale: Bool
    // Open as long as the lock is held, so that no other file can come to have the same inode.
    private let descriptor: Descriptor
    private let isOver = Atomic(false)

    fileprivate init(
        path: String, guardPath: String, token: String, wasStale: Bool, descriptor: consuming Descriptor
    ) {
        self.wasStale = wasStale
        self.path = path
        self.guardPath = guardPath
        self.token = token
        self.descriptor = descriptor
    }

    deinit { release() }

    /// Shows others that the holder is alive. Call it at least every few seconds while the work takes longer.
    ///
    /// - Parameter now: milliseconds since 1970-01-01T00:00:00Z.
    /// - Returns: False if the lock is no longer held: it was left untouched for 10 s and another has taken it, or it
    ///   was released.
    package func touch(now: Int64) throws(VaultError) -> Bool {
        let exclusion = try FileGuard(guardPath, path: guardPath)
        let isTouched = !isOver.load(ordering: .acquiring) && isHeld && FileLock.setModified(descriptor.number, now)
        _ = consume exclusion
        return isTouched
    }

    /// Gives the lock up. Removes no lock but this one.
    ///
    /// - Returns: False if it was no longer held.
    @discardableResult
    package func release() -> Bool {
        guard !isOver.load(ordering: .acquiring) else { return false }
        // Without a guard, which only a full disk or a process that was stopped withholds, the file goes stale.
        guard let exclusion = try? FileGuard(guardPath, path: guardPath) else { return false }
        isOver.store(true, ordering: .releasing)
        let isRemoved = unsafe isHeld && unlink(path) == 0
        _ = consume exclusion
        return isRemoved
    }

    /// Whether the file at the path is still the one that was made, with what was written into it.
    fileprivate var isHeld: Bool {
        guard let status = FileStatus(path), status.identity == descriptor.status()?.identity else { return false }
        return descriptor.readAll(limit: 64) == Array(token.utf8)
    }
}
