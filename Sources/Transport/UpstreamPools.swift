package import TLS

/// One event loop's connections to all origins that are called: a pool for each, made when it is first asked for.
package final class UpstreamPools {
    private let tls: TLSClientContext
    private let loop: LoopContext
    private let timeouts: ClientTimeouts
    /// As many as there are hosts in the credentials: few.
    private var pools: [Origin: UpstreamPool] = [:]

    package init(tls: TLSClientContext, loop: LoopContext, timeouts: ClientTimeouts) {
        self.tls = tls
        self.loop = loop
        self.timeouts = timeouts
    }

    /// The pool of an origin.
    package func pool(for origin: Origin) -> UpstreamPool {
        if let pool = pools[origin] { return pool }
        let pool = UpstreamPool(origin: origin, tls: tls, loop: loop, timeouts: timeouts)
        pools[origin] = pool
        return pool
    }

    /// The connections of all pools, those that are being opened included.
    package var connectionCount: Int { pools.values.reduce(0) { $0 + $1.connectionCount } }
}
