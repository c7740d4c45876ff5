package import HTTP
package import NIOCore

/// One request to the upstream and its response: the handle of the one who asked.
///
/// It belongs to its pool's event loop.
package final class UpstreamCall {
    package let head: RequestHead
    package let body: ByteBuffer
    /// The client's exchange for which the call is made, if it is for one: it keeps its place until the call is gone.
    let exchange: ServerExchange?
    /// Told of the response; let go once the call is over.
    private(set) var handler: (any UpstreamCallHandler)?

    /// Where the call stands. The pool and the connection move it on.
    enum State {
        case waiting
        case sent(UpstreamConnection, StreamID)
        case over
    }
    var state = State.waiting
    /// Times that the request was sent.
    package internal(set) var attempts = 0
    /// The connection on which the request failed before and may be sent again, but not there.
    private(set) weak var refusedBy: UpstreamConnection?
    /// A byte of the response's head came.
    private(set) var hasResponse = false
    /// The instant from which the wait for the next byte counts.
    private(set) var waitingSince: NIODeadline
    /// Bytes of the body that were reported and not consumed.
    private var untaken = 0
    /// The response is not read as fast as it could come: the upstream's silence is none.
    var isHeldBack: Bool { untaken > 0 }
    /// Where it waits, to take itself out.
    weak var pool: UpstreamPool?

    package init(
        head: RequestHead, body: ByteBuffer, handler: any UpstreamCallHandler, now: NIODeadline,
        exchange: ServerExchange? = nil
    ) {
        self.head = head
        self.exchange = exchange
        self.body = body
        self.handler = handler
        self.waitingSince = now
    }

    /// The response has ended, in whichever way.
    package var isOver: Bool { if case .over = state { true } else { false } }

    /// Gives the call up: nothing more is reported, and the upstream is told at the end of this pass.
    package func cancel() {
        guard handler != nil else { return }
        handler = nil
        switch state {
        case .waiting: pool?.withdraw(self)
        case .sent(let connection, let id): connection.cancel(id)
        case .over: break
        }
        state = .over
    }

    /// Lets the upstream send as many further bytes of the body.
    package func consume(_ bytes: Int) {
        guard bytes > 0, case .sent(let connection, let id) = state else { return }
        untaken -= bytes
        if untaken <= 0 { waitingSince = connection.loop.now }
        connection.consume(id, bytes)
    }

    // MARK: What the connection reports

    func sent(_ connection: UpstreamConnection, _ id: StreamID, now: NIODeadline) {
        state = .sent(connection, id)
        attempts += 1
        waitingSince = now
    }

    /// The call waits for a connection again.
    func restarted(now: NIODeadline) {
        if case .sent(let connection, _) = state { refusedBy = connection }
        state = .waiting
        waitingSince = now
    }

    func received(_ head: ResponseHead, now: NIODeadline) {
        hasResponse = true
        waitingSince = now
        handler?.responseBegan(head)
    }

    func received(_ bytes: ByteBuffer, now: NIODeadline) {
        waitingSince = now
        untaken += bytes.readableBytes
        handler?.responseBodyReceived(bytes)
    }

    func finished() {
        state = .over
        let handler = handler
        self.handler = nil
        handler?.responseEnded()
    }

    func failed(_ error: UpstreamError) {
        state = .over
        let handler = handler
        self.handler = nil
        handler?.responseFailed(error)
    }
}

/// Who asked the upstream. Calls come on the pool's event loop; after `responseEnded` or `responseFailed` none follows.
package protocol UpstreamCallHandler: AnyObject {
    func responseBegan(_ head: ResponseHead)
    /// Bytes of the response's body. Give room for more with `UpstreamCall.consume`.
    func responseBodyReceived(_ bytes: ByteBuffer)
    /// The response is whole, as its framing says.
    func responseEnded()
    func responseFailed(_ error: UpstreamError)
}

/// Why a call to the upstream failed.
package struct UpstreamError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The name did not resolve, or no address took a connection.
        case connect
        /// The TLS handshake failed: the certificate, most often.
        case tls
        /// It took longer than it may.
        case connectTimeout, firstByteTimeout, idleTimeout
        /// The upstream broke the exchange off.
        case reset
        /// The upstream broke the protocol.
        case protocolError
    }
    package var kind: Kind
    package var description: String
    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
