import Glibc
package import NIOCore

/// Finds out whether an address can be listened on, before several sockets share it.
package enum ListenProbe {
    /// Binds and listens, and lets go at once.
    ///
    /// - Throws: `IOError` with the system's reason, EADDRINUSE most often.
    package static func check(_ address: SocketAddress) throws {
        let family =
            switch address {
            case .v4: AF_INET
            case .v6: AF_INET6
            case .unixDomainSocket: AF_UNIX
            }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        defer { close(descriptor) }
        var on: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let bound = unsafe address.withSockAddr { unsafe bind(descriptor, $0, socklen_t($1)) }
        guard bound == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
        guard listen(descriptor, 1) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
    }
}
