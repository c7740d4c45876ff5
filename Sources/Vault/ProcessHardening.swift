internal import COpenSSL
internal import Glibc

/// What the process asks of the kernel to keep its memory to itself.
package enum ProcessHardening {
    /// Forbids core dumps of this process, also to root's collector, and tracing it by the same user's processes. Call
    /// it before any secret is read. What a process that this one executes does is its own affair, but it inherits
    /// the limit.
    ///
    /// - Returns: Whether the kernel agreed to all of it.
    @discardableResult
    package static func disableCoreDumps() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        return gw_prctl_set_dumpable(0) == 0 && isLimited
    }

    /// Whether the process can leave no core dump.
    package static var areCoreDumpsDisabled: Bool {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max == 0
            && gw_prctl_get_dumpable() == 0
    }
}
