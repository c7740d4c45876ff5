package import HTTP
package import NIOCore

/// One request and its response, seen from the application: the handle to answer it with.
///
/// It belongs to its connection's event loop. All of its methods may be called at any time; once the client is gone
/// they do nothing.
package final class ServerExchange {
    package let id: StreamID
    /// The connection, until the exchange is over.
    package internal(set) var connection: ServerConnection?
    /// When the head was whole.
    package let began: NIODeadline
    /// Bytes of request body received and of response body queued.
    package internal(set) var bytesIn = 0
    package private(set) var bytesOut = 0
    package private(set) var hasResponded = false
    package private(set) var hasEnded = false

    /// The event loop's context that the exchange belongs to.
    package let loop: LoopContext

    /// What answers it; nil once the exchange is over.
    package internal(set) var handler: (any ExchangeHandler)?
    /// The request is whole.
    package internal(set) var requestEnded = false
    /// How fast its bytes move.
    var pace = ExchangePace()
    /// The limit on the client's pace that ended the exchange, if one did.
    package internal(set) var limit: ConnectionFault.Reason?
    /// The client's address in the words of a trusted proxy.
    var forwardedAddress: NetworkAddress?
    /// What is held of the memory budget for the request, and for an answer that is being put together.
    private var requestHold = MemoryHold()
    private var answerHold = MemoryHold()

    init(id: StreamID, connection: ServerConnection, began: NIODeadline) {
        self.id = id
        self.connection = connection
        self.loop = connection.loop
        self.began = began
    }

    // MARK: The place among the connection's streams

    /// Calls to the upstream that were sent for the exchange and are not gone.
    private var callsInFlight = 0
    /// The connection on which the exchange keeps its place after it ended.
    private var leaving: ServerConnection?

    func callSent() {
        callsInFlight += 1
    }

    /// A call has ended, or the upstream was told that it is no longer wanted.
    func callGone() {
        callsInFlight -= 1
        guard callsInFlight == 0, let leaving else { return }
        self.leaving = nil
        leaving.release(id)
    }

    /// The exchange is over. One that was broken off keeps its place among the client's streams until its calls are
    /// gone, so that opening and resetting streams starts no more of them than keeping them open (CVE-2023-44487).
    func over(_ end: ExchangeEnd) {
        let connection = connection
        self.connection = nil
        if let memory = connection?.server.memory {
            _ = requestHold.set(0, in: memory)
            _ = answerHold.set(0, in: memory)
        }
        if end == .completed || callsInFlight == 0 {
            connection?.release(id)
        } else {
            leaving = connection
        }
    }

    // MARK: The client

    /// The client's address: what limits, failures and allowed networks go by. Where a trusted proxy sent the request it
    /// is the one that X-Forwarded-For names. Nil for what is not of the Internet, and once the exchange is over.
    package var clientAddress: NetworkAddress? { forwardedAddress ?? connection?.clientAddress }
    /// The same, for logs.
    package var clientAddressText: String { forwardedAddress?.description ?? connection?.clientAddressText ?? "-" }

    // MARK: Memory

    /// Whether the budget has room for so many bytes. They are not set aside: a client that announces a large body and
    /// sends little of it takes nothing from the others.
    package func hasRoom(for bytes: Int) -> Bool {
        connection?.server.memory.hasRoom(for: bytes) ?? true
    }

    /// Counts so many bytes of request as held for the exchange until its end, in place of those before. False where
    /// the budget is full.
    package func holdRequest(_ bytes: Int) -> Bool {
        guard let connection else { return true }
        return requestHold.set(bytes, in: connection.server.memory)
    }

    /// Counts so many bytes of an answer that is put together, until it is written, in place of those before. What has
    /// been paid for is not thrown away: past the budget new requests are refused, and answers are not.
    package func holdAnswer(_ bytes: Int) {
        guard let connection else { return }
        _ = answerHold.set(bytes, in: connection.server.memory, isForced: true)
    }

    // MARK: Answering

    /// Sends the response's head. `end` says that no body follows.
    package func respond(_ head: ResponseHead, end: Bool) {
        guard !hasResponded, let connection else { return }
        hasResponded = true
        hasEnded = end
        if end && !requestEnded { connection.hasEarlyAnswer = true }
        connection.engine?.respond(id, head, end: end)
        connection.scheduleFlush()
    }

    /// Appends to the response's body; it leaves at the end of the loop's pass.
    package func write(_ body: (inout ByteBuffer) -> Void) {
        guard hasResponded, !hasEnded, let connection, let engine = connection.engine else { return }
        engine.write(id) { queue in
            let before = queue.readableBytes
            body(&queue)
            bytesOut += queue.readableBytes - before
        }
        connection.scheduleFlush()
    }

    package func end() {
        guard hasResponded, !hasEnded, let connection else { return }
        hasEnded = true
        if !requestEnded { connection.hasEarlyAnswer = true }
        // From here on it counts as output that waits.
        _ = answerHold.set(0, in: connection.server.memory)
        connection.engine?.end(id)
        connection.scheduleFlush()
    }

    /// Ends the exchange so that the client can't take its response for whole. What is queued goes out first, and the
    /// end follows a moment later: clients throw away data that arrives together with the reset of its stream.
    package func abort() {
        guard !hasEnded, connection != nil else { return }
        hasEnded = true
        loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) { [self] in
            loop.updateTime()
            connection?.hasBrokenOff = true
            connection?.engine?.abort(id, .internalError)
            connection?.scheduleFlush()
        }
    }

    /// Closes the client's connection, whatever else is on it, after what was written so far.
    package func breakConnection() {
        guard let connection else { return }
        connection.flush()
        connection.abandon()
    }

    /// Gives the client room to send as many further bytes of its request.
    package func consume(_ bytes: Int) {
        guard let connection else { return }
        connection.engine?.consume(id, bytes)
        connection.scheduleFlush()
    }
}

/// The application's side of an exchange. Calls come on the connection's event loop.
package protocol ExchangeHandler: AnyObject {
    /// Bytes of the request's body. Give room for more with `ServerExchange.consume`.
    func bodyReceived(_ bytes: ByteBuffer)
    /// The request is whole.
    func requestEnded()
    /// The request broke the rules or a limit in mid-body: answer it, if nothing was answered yet.
    func requestFailed(_ fault: RequestFault)
    /// All of the response that was written so far has been taken by the client's connection.
    func responseDrained()
    /// A second or so has passed.
    func tick(_ now: NIODeadline)
    /// The exchange is over. No call follows.
    func exchangeEnded(_ end: ExchangeEnd)
}

extension ExchangeHandler {
    package func tick(_ now: NIODeadline) {}
}

/// How an exchange ended for the client.
package enum ExchangeEnd: Sendable {
    /// The response went out whole.
    case completed
    /// The client took the request back or closed the connection.
    case clientLeft
    /// The response was broken off by us.
    case aborted
    /// The client did not take the response, or send the request, in time.
    case timedOut
    /// The process ended before the response was whole.
    case shutDown
}

/// The application behind a listener; one for each event loop.
package protocol ExchangeService: AnyObject {
    /// A request's head arrived: take the exchange on.
    func exchange(_ exchange: ServerExchange, began head: RequestHead, hasBody: Bool) -> any ExchangeHandler
    /// A request was refused before it reached the application: answer it with `fault.status`.
    func exchange(_ exchange: ServerExchange, refused fault: RequestFault) -> any ExchangeHandler
    /// A request came on a connection past the limit of connections: answer it with 503 and when to come back. Nothing
    /// of its body is read.
    func exchange(_ exchange: ServerExchange, declined head: RequestHead) -> any ExchangeHandler
    /// A TLS handshake was finished: what it agreed on can be asked for.
    func handshakeFinished(_ connection: ServerConnection)
    /// A connection was ended for a fault of the client's, in its TLS session, its framing or its pace.
    func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault)
    /// A connection was refused as it came, or, with `connectionLimit`, is accepted only to be told so.
    func connectionRefused(_ reason: ConnectionFault.Reason, from address: NetworkAddress?)
}

extension ExchangeService {
    package func handshakeFinished(_ connection: ServerConnection) {}
    package func exchange(_ exchange: ServerExchange, declined head: RequestHead) -> any ExchangeHandler {
        self.exchange(exchange, refused: .tooManyConnections)
    }
    package func connectionRefused(_ reason: ConnectionFault.Reason, from address: NetworkAddress?) {}
}

extension RequestFault {
    package static let tooManyConnections = RequestFault(
        status: 503, message: "The gateway has as many connections as it takes. Try again in a few seconds.")
}
