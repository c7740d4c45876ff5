import Glibc

/// How many file descriptors the process may have open (RLIMIT_NOFILE, setrlimit(2)).
package enum DescriptorLimit {
    /// The limit in force, and what it was before it was raised.
    package struct Raised: Sendable {
        package var limit: Int
        package var before: Int

        /// Connections of clients that leave descriptors for the rest: listeners, files, and connections to Qwen, of
        /// which HTTP/1.1 needs one for each request.
        package var mostConnections: Int { max(16, limit - max(48, limit / 8)) }
    }

    /// Raises the soft limit to the hard one: the soft one is low for the sake of programs that use select(2). Nil where
    /// the system does not tell.
    package static func raise() -> Raised? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        let before = Int(clamping: limit.rlim_cur)
        if limit.rlim_cur < limit.rlim_max {
            let soft = limit.rlim_cur
            limit.rlim_cur = limit.rlim_max
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = soft }
        }
        return Raised(limit: Int(clamping: limit.rlim_cur), before: before)
    }
}
