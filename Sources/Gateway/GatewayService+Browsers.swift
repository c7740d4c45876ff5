import HTTP
import NIOCore
import Transport

/// Requests for other hosts, and what browsers want to know.
extension GatewayService {
    /// What every answer to a client carries.
    func browserFields(_ server: ServerExchange, _ head: RequestHead) -> (security: HeaderFields, cors: HeaderFields) {
        let isNamed = server.connection?.hasPublicName ?? false
        let security = isNamed ? shared.securityFields.named : shared.securityFields.usual
        return (security, shared.cors?.answerFields(to: head.fields["origin"]) ?? HeaderFields())
    }

    /// Answers what needs no key, or is nobody's business here; nil for everything else.
    func answerBrowsers(_ exchange: GatewayExchange, _ head: RequestHead) -> (any ExchangeHandler)? {
        // Probes call by whatever address they know.
        if exchange.route != .health, exchange.server.connection?.serves(authority: head.authority) == false {
            return refuse(
                exchange,
                APIError(.misdirected, "No certificate of this server carries the host that the request is for."))
        }
        guard let cors = shared.cors, CORSPolicy.isPreflight(head), let origin = head.fields["origin"] else {
            return nil
        }
        guard cors.allows(origin) else {
            return refuse(exchange, APIError(.originNotAllowed, "Pages of this origin may not call the gateway."))
        }
        exchange.respond(
            204, contentType: nil, body: ByteBuffer(),
            CORSPolicy.preflightFields(requested: head.fields["access-control-request-headers"]))
        return AnsweredExchange(exchange)
    }
}
