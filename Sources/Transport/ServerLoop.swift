import HTTP
import NIOCore
import TLS

/// One event loop's share of a server: the application behind it, the limits, and the connections accepted here.
package final class ServerLoop {
    let loop: LoopContext
    let limits: HTTPLimits
    let timeouts: ServerTimeouts
    package let service: any ExchangeService
    /// Nil for a listener of plain HTTP.
    var tls: TLSServerContext?
    private(set) var isDraining = false
    private var connections: [ServerConnection] = []
    /// Where the next search for a connection that nobody uses begins.
    private var searchPosition = 0
    private let ledger: ConnectionLedger
    private let proxies: TrustedProxies
    let proxyProtocol: ProxyProtocol
    let memory: LoopMemory

    init(loop: LoopContext, options: HTTPSServer.Options, tls: TLSServerContext?, service: any ExchangeService) {
        self.loop = loop
        self.ledger = options.connections
        self.proxies = options.trustedProxies
        self.proxyProtocol = options.proxyProtocol
        self.memory = LoopMemory(options.memory)
        self.limits = options.limits
        self.timeouts = options.timeouts
        self.service = service
        self.tls = tls
    }

    package var connectionCount: Int { connections.count }

    /// The exchanges that are open, in no order.
    package func forEachExchange(_ body: (ServerExchange) -> Void) {
        for connection in connections { connection.forEachExchange(body) }
    }

    func opened(_ connection: ServerConnection) {
        connection.serverIndex = connections.count
        connections.append(connection)
    }

    func closed(_ connection: ServerConnection) {
        let index = connection.serverIndex
        guard connections.indices.contains(index), connections[index] === connection else { return }
        let last = connections.removeLast()
        guard last !== connection else { return }
        connections[index] = last
        last.serverIndex = index
    }

    // MARK: Who may come in

    /// The place of a connection that was accepted; nil where it is to be reset.
    ///
    /// A reset is all that can be said before the TLS handshake, and the cheapest. Where all places are taken, the
    /// connection that has been idle longest, of some that are looked at, makes way; then a few are served their
    /// handshake so that they can be told 503 and Retry-After (`ConnectionLimits.reserve`); then connections are reset.
    func admit(_ address: NetworkAddress?) -> ConnectionPlace? {
        let isProxy = address.map(isTrusted) ?? false
        if proxyProtocol != .off, !isProxy { return refuse(.untrustedProxy, address) }
        var place: ConnectionPlace
        switch ledger.enter(makeRoom: makeRoom) {
        case .served: place = ConnectionPlace(ledger, isDeclined: false)
        case .declined:
            place = ConnectionPlace(ledger, isDeclined: true)
            service.connectionRefused(.connectionLimit, from: address)
        case .refused(let reason): return refuse(reason, address)
        }
        guard let address, !isProxy, !place.count(address) else { return place }
        place.leave()
        return refuse(.addressLimit, address)
    }

    private func refuse(_ reason: ConnectionFault.Reason, _ address: NetworkAddress?) -> ConnectionPlace? {
        service.connectionRefused(reason, from: address)
        return nil
    }

    func isTrusted(_ address: NetworkAddress) -> Bool {
        !proxies.isEmpty && proxies.contains(address)
    }

    /// Whose request a trusted proxy has sent.
    func client(of head: RequestHead, from proxy: NetworkAddress?) -> NetworkAddress? {
        // One that was introduced as nobody's counts as the proxy's own.
        proxy.map { proxies.client(head.fields, from: $0) }
    }

    /// Connections that are looked at to find one that nobody uses: as good as the order of last use, which would have
    /// to be kept with every request.
    private static let searched = 32
    /// A client may be about to use a connection again that it used a moment ago.
    private static let leastIdleTime = TimeAmount.seconds(1)

    /// Closes the connection that was not used for longest, if one is found that is in no exchange.
    private func makeRoom() -> Bool {
        let now = loop.updateTime()
        var found: ServerConnection?
        for _ in 0..<min(Self.searched, connections.count) {
            if searchPosition >= connections.count { searchPosition = 0 }
            let candidate = connections[searchPosition]
            searchPosition += 1
            guard candidate.isIdle, now - candidate.idleSince >= Self.leastIdleTime else { continue }
            if found.map({ candidate.idleSince < $0.idleSince }) ?? true { found = candidate }
        }
        found?.place.leave()
        found?.retire()
        return found != nil
    }

    // MARK: What goes wrong

    func handshakeFailed(_ connection: ServerConnection, _ error: TLSError, wasEstablished: Bool) {
        service.connectionFailed(connection, ConnectionFault(wasEstablished ? .tls : .tlsHandshake, "\(error)"))
    }

    func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault) {
        service.connectionFailed(connection, fault)
    }

    // MARK: The end

    func beginDrain() {
        isDraining = true
        for connection in connections { connection.shutdown() }
    }

    func finishDrain() {
        for connection in connections { connection.shutdown() }
    }

    func closeAll() {
        for connection in connections { connection.abandon() }
    }
}
