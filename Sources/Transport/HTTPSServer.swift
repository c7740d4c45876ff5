import Glibc
package import HTTP
package import NIOCore
import NIOPosix
package import TLS

/// The listeners of one address, one for each event loop, and the connections that they accepted.
package final class HTTPSServer: Sendable {
    /// What a server is made of.
    package struct Options: Sendable {
        package var host: String
        /// 0 lets the system choose; `HTTPSServer.port` tells what it chose.
        package var port: Int
        package var limits = HTTPLimits()
        package var timeouts = ServerTimeouts()
        /// Counts the connections of all loops, and of other listeners that it is given to.
        package var connections = ConnectionLedger()
        /// Bounds what is held for clients on all loops.
        package var memory = MemoryBudget(limit: .max)
        /// Whose X-Forwarded-For and PROXY protocol are believed.
        package var trustedProxies = TrustedProxies()
        /// What every connection begins with. A peer that is no trusted proxy is refused then: a listener behind a proxy
        /// has no other clients, and one that is reached past it would get around the proxy.
        package var proxyProtocol = ProxyProtocol.off
        /// What the operator sets to choose the port, for messages.
        package var portVariable = "SERVER_PORT"
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Why no listener could be opened, in a sentence for the operator.
    package struct BindError: Error, CustomStringConvertible {
        package let description: String
    }

    private let listeners: [any Channel]
    private let loops: [NIOLoopBound<ServerLoop>]
    package let port: Int

    private init(listeners: [any Channel], loops: [NIOLoopBound<ServerLoop>], port: Int) {
        self.listeners = listeners
        self.loops = loops
        self.port = port
    }

    /// Opens the listeners.
    ///
    /// - Parameters:
    ///   - tls: what connections present; nil for plain HTTP, which belongs on loopback only.
    ///   - makeService: called on each loop, for what serves the connections of that loop.
    /// - Throws: `BindError` when the address is taken or not allowed.
    package static func start(
        _ options: Options, tls: TLSServerContext?, contexts: [NIOLoopBound<LoopContext>],
        makeService: @escaping @Sendable (LoopContext) throws -> any ExchangeService
    ) async throws -> HTTPSServer {
        try checkFree(options)
        var listeners: [any Channel] = []
        var loops: [NIOLoopBound<ServerLoop>] = []
        var port = options.port
        do {
            for context in contexts {
                let eventLoop = context.eventLoop
                let loop = try await eventLoop.submit {
                    let value = context.value
                    let service = try makeService(value)
                    let loop = ServerLoop(loop: value, options: options, tls: tls, service: service)
                    return NIOLoopBound(loop, eventLoop: eventLoop)
                }.get()
                let listener = try await bind(
                    options.host, port, loop, patience: options.timeouts.response.grace, shared: contexts.count > 1)
                port = listener.localAddress?.port ?? port
                listeners.append(listener)
                loops.append(loop)
            }
        } catch {
            for listener in listeners { try? await listener.close() }
            throw describe(error, options)
        }
        return HTTPSServer(listeners: listeners, loops: loops, port: port)
    }

    private static func bind(
        _ host: String, _ port: Int, _ loop: NIOLoopBound<ServerLoop>, patience: TimeAmount, shared: Bool
    ) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: loop.eventLoop, childGroup: loop.eventLoop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            // Linux hands it on to the sockets that are accepted.
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // How much of what is written may wait unsent in the system: the rest waits where it is counted.
            .serverChannelOption(tcpOption(TCP_NOTSENT_LOWAT), value: 128 * 1024)
            // The system gives up a client that acknowledges nothing, or keeps its TCP window shut, for so long.
            .serverChannelOption(
                tcpOption(TCP_USER_TIMEOUT),
                value: ChannelOptions.Types.SocketOption.Value(clamping: patience.nanoseconds / 1_000_000)
            )
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(loop.value))
                }
            }
            .childChannelInitializer { channel in
                // Set here and not by the bootstrap, which makes a chain of futures for each option.
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, loop.value)
                }
            }
        let reusePort = ChannelOptions.Types.SocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_REUSEPORT))
        let reusing = shared ? bootstrap.serverChannelOption(reusePort, value: 1) : bootstrap
        return try await reusing.bind(host: host, port: port).get()
    }

    /// Linux hands it on to the sockets that are accepted, which saves a call for each.
    private static func tcpOption(_ option: CInt) -> ChannelOptions.Types.SocketOption {
        ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: option))
    }

    /// A connection is not taken.
    private struct Refused: Error {}

    /// Makes an accepted connection ready. One that throws is closed.
    private static func prepare(_ channel: any Channel, _ loop: ServerLoop) throws {
        guard let place = loop.admit(channel.remoteAddress.flatMap { NetworkAddress($0) }) else {
            // Reset, so that nothing of it stays behind in the system.
            _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            throw Refused()
        }
        if let options = channel.syncOptions {
            try options.setOption(.maxMessagesPerRead, value: 1)
            try options.setOption(.recvAllocator, value: ReceiveBuffers(loop: loop.loop))
            try options.setOption(.writeBufferWaterMark, value: writeBufferWaterMark)
        }
        try channel.pipeline.syncOperations.addHandler(ServerConnection(server: loop, place: place))
    }

    private static let writeBufferWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 32 * 1024, high: 128 * 1024)

    /// With SO_REUSEPORT a second process of the same user would share the port without a word: look first.
    private static func checkFree(_ options: Options) throws(BindError) {
        guard options.port != 0 else { return }
        do {
            let address = try SocketAddress.makeAddressResolvingHost(options.host, port: options.port)
            try ListenProbe.check(address)
        } catch {
            throw describe(error, options)
        }
    }

    private static func describe(_ error: any Error, _ options: Options) -> BindError {
        let place = "\(options.host) port \(options.port)"
        guard let error = error as? IOError else {
            return BindError(description: "cannot listen on \(place): \(error)")
        }
        switch error.errnoCode {
        case EADDRINUSE:
            return BindError(
                description:
                    "\(place) is in use by another process. Stop it, or set \(options.portVariable) to a free one.")
        case EACCES:
            return BindError(
                description:
                    "\(place) needs a privilege that this process lacks. Set \(options.portVariable) to 1024 or above, "
                    + "or grant CAP_NET_BIND_SERVICE.")
        case EADDRNOTAVAIL:
            return BindError(description: "\(place) is no address of this machine. Set SERVER_HOST to one that is.")
        default:
            return BindError(description: "cannot listen on \(place): \(error)")
        }
    }

    /// Replaces the certificate for new connections; open ones keep theirs.
    package func replaceTLS(_ tls: TLSServerContext) {
        for loop in loops { loop.execute { $0.tls = tls } }
    }

    /// Stops accepting, tells every client to go, and returns when the last connection has closed.
    ///
    /// - Parameter timeout: how long exchanges in progress may take; what is left then is broken off.
    /// - Returns: the number of connections that were broken off.
    package func drain(timeout: TimeAmount) async -> Int {
        for listener in listeners { try? await listener.close() }
        let deadline = NIODeadline.now() + timeout
        for loop in loops { loop.execute { $0.beginDrain() } }
        var step = 0
        while await connectionCount() > 0, NIODeadline.now() < deadline {
            try? await Task.sleep(for: .milliseconds(50))
            step += 1
            // One second, many round trips, after the announcement: now say which stream was the last.
            if step == 20 { for loop in loops { loop.execute { $0.finishDrain() } } }
        }
        let left = await connectionCount()
        for loop in loops { _ = try? await loop.submit { $0.closeAll() } }
        return left
    }

    /// What `body` gives of each loop; a loop that has ended is left out.
    package func collect<Result: Sendable>(_ body: @escaping @Sendable (ServerLoop) -> Result) async -> [Result] {
        var results: [Result] = []
        for loop in loops {
            if let result = try? await loop.submit(body) { results.append(result) }
        }
        return results
    }

    /// The connections that are open on all loops.
    package func connectionCount() async -> Int {
        var count = 0
        for loop in loops { count += (try? await loop.submit { $0.connectionCount }) ?? 0 }
        return count
    }
}

extension NIOLoopBound {
    /// Runs `body` with the value, on its loop.
    package func execute(_ body: @escaping @Sendable (Value) -> Void) {
        let bound = self
        eventLoop.execute { body(bound.value) }
    }

    /// Runs `body` with the value, on its loop, and returns what it returns.
    package func submit<Result: Sendable>(_ body: @escaping @Sendable (Value) -> Result) async throws -> Result {
        let bound = self
        return try await eventLoop.submit { body(bound.value) }.get()
    }
}
