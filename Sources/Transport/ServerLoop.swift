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
    private var connections: [ObjectIdentifier: ServerConnection] = [:]

    init(loop: LoopContext, options: HTTPSServer.Options, tls: TLSServerContext?, service: any ExchangeService) {
        self.loop = loop
        self.limits = options.limits
        self.timeouts = options.timeouts
        self.service = service
        self.tls = tls
    }

    package var connectionCount: Int { connections.count }

    /// The exchanges that are open, in no order.
    package func forEachExchange(_ body: (ServerExchange) -> Void) {
        for connection in connections.values { connection.forEachExchange(body) }
    }

    func opened(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = connection
    }

    func closed(_ connection: ServerConnection) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
    }

    func handshakeFailed(_ connection: ServerConnection, _ error: TLSError, wasEstablished: Bool) {
        service.connectionFailed(connection, ConnectionFault(wasEstablished ? .tls : .tlsHandshake, "\(error)"))
    }

    func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault) {
        service.connectionFailed(connection, fault)
    }

    func beginDrain() {
        isDraining = true
        for connection in connections.values { connection.shutdown() }
    }

    func finishDrain() {
        for connection in connections.values { connection.shutdown() }
    }

    func closeAll() {
        for connection in connections.values { connection.abandon() }
    }
}
