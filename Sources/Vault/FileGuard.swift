internal import Glibc

/// Excludes other threads and processes of this program for the few system calls of a critical section: an exclusive
/// `flock` on a file that is never removed. It is let go when this value, or the process, ends, so it cannot go stale.
struct FileGuard: ~Copyable {
    /// How long a guard is waited for. Its holder needs milliseconds, unless it was stopped.
    private static let patienceMilliseconds = 5_000

    private let descriptor: Descriptor

    /// Waits for the guard.
    ///
    /// - Throws: `busy` after five seconds; `unwritable` where the file cannot be made or locked.
    init(_ name: String, in directory: CInt = AT_FDCWD, path: String) throws(VaultError) {
        let descriptor = try Self.open(name, in: directory, path: path)
        var waits = 0
        while try !Self.lock(descriptor.number, path: path) {
            guard waits < Self.patienceMilliseconds else {
                throw VaultError(
                    .busy, "\(path) is locked by another process for more than five seconds. See which with `fuser`")
            }
            waits += 1
            usleep(1_000)
        }
        self.descriptor = descriptor
    }

    /// The guard, or nil if it is not free at once.
    init?(ifFree name: String) throws(VaultError) {
        let descriptor = try Self.open(name, in: AT_FDCWD, path: name)
        guard try Self.lock(descriptor.number, path: name) else { return nil }
        self.descriptor = descriptor
    }

    private static func open(_ name: String, in directory: CInt, path: String) throws(VaultError) -> Descriptor {
        let flags = O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC
        guard let descriptor = unsafe Descriptor(openat(directory, name, flags, 0o600)) else {
            throw VaultError(.unwritable, "\(path) cannot be opened or made: \(systemErrorText())")
        }
        return descriptor
    }

    private static func lock(_ descriptor: CInt, path: String) throws(VaultError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return false
            default: throw VaultError(.unwritable, "\(path) cannot be locked: \(systemErrorText())")
            }
        }
        return true
    }
}
