import HTTP
import NIOCore
import NIOPosix
package import TLS

/// One event loop's connections to one origin, and the calls that wait for one.
///
/// HTTP/2 connections are shared by many calls; HTTP/1.1 ones carry a call at a time and are kept for the next.
package final class UpstreamPool {
    package let origin: Origin
    let loop: LoopContext
    let timeouts: ClientTimeouts
    /// Resolves the origin's name; nil for the system's way, which does not block the loop.
    var resolver: (any Resolver & Sendable)?
    private let tls: TLSClientContext
    private let resumption = TLSResumptionStore()

    private var plan = ConnectionPlan()
    private var connections: [UpstreamConnection] = []
    /// Calls that wait for a connection, oldest first.
    private var waiting: [UpstreamCall] = []

    package init(origin: Origin, tls: TLSClientContext, loop: LoopContext, timeouts: ClientTimeouts) {
        self.origin = origin
        self.tls = tls
        self.loop = loop
        self.timeouts = timeouts
        loop.onTick { [weak self] now in self?.expireWaiting(now) }
        loop.onShutdown { [weak self] in self?.close() }
    }

    /// The number of connections, those that are being opened included.
    package var connectionCount: Int { plan.opening + connections.count { $0.isSettled } }

    /// Sends the call as soon as a connection can take it.
    package func start(_ call: UpstreamCall) {
        call.pool = self
        if let connection = connections.first(where: { $0.capacity > 0 }), connection.start(call) { return }
        enqueue(call)
    }

    /// Sends the call again, on a connection opened for it.
    func restart(_ call: UpstreamCall) {
        call.restarted(now: loop.now)
        enqueue(call)
    }

    private func enqueue(_ call: UpstreamCall) {
        waiting.append(call)
        open(plan.connectionsToOpen(waiting: waiting.count, open: connections.count))
    }

    func withdraw(_ call: UpstreamCall) {
        waiting.removeAll { $0 === call }
    }

    /// Closes all connections; calls on them fail.
    package func close() {
        for connection in connections { connection.close() }
    }

    // MARK: Connections

    private func open(_ count: Int) {
        for _ in 0..<count {
            plan.began()
            let pool = NIOLoopBound(self, eventLoop: loop.eventLoop)
            ClientBootstrap(group: loop.eventLoop)
                .resolver(resolver)
                .connectTimeout(timeouts.connect)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.maxMessagesPerRead, value: 4)
                .channelOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16_384, maximum: 131_072)
                )
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(UpstreamConnection(pool: pool.value))
                    }
                }
                .connect(host: origin.host, port: origin.port)
                .assumeIsolated()
                .whenComplete { [self] result in
                    loop.updateTime()
                    switch result {
                    case .success(let channel): connected(channel)
                    case .failure(let error):
                        plan.ended()
                        failed(Self.describe(error, origin))
                    }
                }
        }
    }

    /// Of several addresses that are tried at once one has won: only that one counts as a connection.
    private func connected(_ channel: any Channel) {
        if let connection = try? channel.pipeline.syncOperations.handler(type: UpstreamConnection.self) {
            return connection.startHandshake()
        }
        plan.ended()
        failed(UpstreamError(.connect, "\(origin.authority) closed the connection at once"))
    }

    func makeSession() throws(TLSError) -> TLSSession {
        try TLSSession(client: tls, serverName: origin.host, resuming: resumption)
    }

    private static func describe(_ error: any Error, _ origin: Origin) -> UpstreamError {
        let isTimeout = if case ChannelError.connectTimeout? = error as? ChannelError { true } else { false }
        return UpstreamError(isTimeout ? .connectTimeout : .connect, "cannot reach \(origin.authority): \(error)")
    }

    func established(_ connection: UpstreamConnection, isMultiplexed: Bool) {
        plan.isMultiplexed = isMultiplexed
        connections.append(connection)
        if connection.isSettled { settled(connection) } else { serve(connection) }
    }

    /// The connection's room is known: to open more than one before that would be a guess.
    func settled(_ connection: UpstreamConnection) {
        plan.ended()
        let isUseful = connection.capacity > 0 || connection.isBusy
        serve(connection)
        // Another connection to a server that takes no call at all would be no better.
        if isUseful { open(plan.connectionsToOpen(waiting: waiting.count, open: connections.count)) }
    }

    /// The connection can take another call.
    func hasRoom(_ connection: UpstreamConnection) {
        if !waiting.isEmpty { serve(connection) }
    }

    private func serve(_ connection: UpstreamConnection) {
        while connection.capacity > 0 {
            // A request that is sent again goes to a new connection: another old one may be as dead as the first.
            let next = waiting.firstIndex {
                $0.attempts == 0 || !connection.isReused && $0.refusedBy !== connection
            }
            guard let next, connection.start(waiting[next]) else { return }
            waiting.remove(at: next)
        }
    }

    /// - Parameter error: why the connection never came to life, or nil for one that did.
    func closed(_ connection: UpstreamConnection, error: UpstreamError?) {
        connections.removeAll { $0 === connection }
        if let error {
            plan.ended()
            failed(error)
        } else if !connection.isSettled {
            plan.ended()
            failed(UpstreamError(.protocolError, "\(origin.authority) closed the connection without its SETTINGS"))
        } else if !waiting.isEmpty {
            open(plan.connectionsToOpen(waiting: waiting.count, open: connections.count))
        }
    }

    /// A connection could not be opened and none is under way: the waiting calls fail, but for those that a living
    /// HTTP/2 connection will have room for.
    private func failed(_ error: UpstreamError) {
        guard plan.opening == 0 else { return }
        let canWait = plan.isMultiplexed == true && !connections.isEmpty
        let calls = waiting
        waiting = canWait ? calls.filter { $0.attempts == 0 } : []
        for call in calls where !canWait || call.attempts > 0 { call.failed(error) }
    }

    private func expireWaiting(_ now: NIODeadline) {
        guard !waiting.isEmpty else { return }
        let limit = timeouts.connect + timeouts.handshake
        let late = waiting.filter { now - $0.waitingSince >= limit }
        waiting.removeAll { call in late.contains { $0 === call } }
        for call in late { call.failed(UpstreamError(.connectTimeout, "no connection to \(origin.authority) in time")) }
    }
}

/// How many connections to open: a pure rule.
struct ConnectionPlan {
    /// The most connections to one origin from one loop.
    static let maximum = 1024
    /// Calls that one HTTP/2 connection is trusted to take.
    static let callsPerConnection = 100

    private(set) var opening = 0
    /// What the origin last negotiated; nil before the first connection.
    var isMultiplexed: Bool?

    mutating func began() { opening += 1 }
    mutating func ended() { opening -= 1 }

    /// - Parameters:
    ///   - waiting: calls without a connection.
    ///   - open: connections that live.
    func connectionsToOpen(waiting: Int, open: Int) -> Int {
        guard waiting > 0 else { return 0 }
        let wanted =
            switch isMultiplexed {
            case nil: 1
            case true?: (waiting + Self.callsPerConnection - 1) / Self.callsPerConnection
            case false?: waiting
            }
        return max(0, min(wanted - opening, Self.maximum - open - opening))
    }
}
