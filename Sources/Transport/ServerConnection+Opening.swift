import HTTP
import NIOCore

/// Whose connection it is, and whether it is served.
extension ServerConnection {
    /// Takes what belongs to the PROXY protocol's header; what follows it stays in `bytes`.
    func receive(_ bytes: inout ByteBuffer, _ header: ProxyHeader) {
        var header = header
        do throws(ProxyHeader.Fault) {
            guard let source = try header.receive(&bytes) else {
                phase = .proxyHeader(header)
                return
            }
            if case .client(let address) = source {
                clientAddress = address
                isTrustedProxy = server.isTrusted(address)
                // The proxy itself may have any number of connections, its clients not.
                if !isTrustedProxy, !place.count(address) {
                    server.service.connectionRefused(.addressLimit, from: address)
                    return abandon()
                }
            } else {
                isTrustedProxy = true
            }
            phase = .new
        } catch {
            server.connectionFailed(self, ConnectionFault(.proxyHeader, error.message))
            abandon()
        }
    }

    /// Answers a request on a connection that is past the limit, and ends the connection after it.
    func decline(_ exchange: ServerExchange, _ head: RequestHead) {
        exchange.handler = server.service.exchange(exchange, declined: head)
        // HTTP/2 announces the end, and then ends.
        engine?.shutdown()
        engine?.shutdown()
        scheduleFlush()
    }
}
