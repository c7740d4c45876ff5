package import NIOCore

/// What a server engine reports, in the order in which it happened.
package enum ServerEvent: Sendable {
    /// A request's head. `hasBody` is false when nothing follows; `.end` follows in either case.
    case head(StreamID, RequestHead, hasBody: Bool)
    /// Bytes of the body, never empty. Give their window back with `consume` once they are taken.
    case body(StreamID, ByteBuffer)
    /// The request is whole.
    case end(StreamID)
    /// The request is refused before the application sees it, or part way through its body: answer it with
    /// `fault.status`. No further event of this stream follows; HTTP/1.1 closes the connection after the answer.
    case fault(StreamID, RequestFault)
    /// The client took the exchange back (RST_STREAM), or broke the rules of its stream: nothing can be sent on it.
    case reset(StreamID)
    /// Everything that was queued on the stream has gone into the connection's output.
    case drained(StreamID)
    /// The response has gone out whole and the request was whole: the exchange is over.
    case closed(StreamID)
}

/// What a client engine reports, in the order in which it happened.
package enum ClientEvent: Sendable {
    /// The final response's head; interim (1xx) responses are not reported.
    case head(StreamID, ResponseHead)
    /// Bytes of the body, never empty. Give their window back with `consume` once they are taken.
    case body(StreamID, ByteBuffer)
    /// The response is whole, as its framing says (RFC 9112 §6.3, RFC 9113 §8.1).
    case end(StreamID)
    /// The exchange failed; nothing more comes.
    case failed(StreamID, StreamFailure)
    /// Everything that was queued on the stream has gone into the connection's output.
    case drained(StreamID)
}

/// Why an upstream exchange ended before its response was whole.
package struct StreamFailure: Error, Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// The server reset the stream with this HTTP/2 error code.
        case reset(UInt32)
        /// The server ended the connection, or said GOAWAY below this stream.
        case connectionClosed
        /// The server broke the protocol.
        case protocolError(String)
    }
    package var reason: Reason
    /// The server certainly did not process the request (RFC 9113 §8.7): it may be sent again.
    package var isUnprocessed: Bool
    /// A byte of the response had come, be it of an interim one: the server is at work on the request.
    package var hasBegun: Bool
    package init(_ reason: Reason, isUnprocessed: Bool = false, hasBegun: Bool = false) {
        self.reason = reason
        self.isUnprocessed = isUnprocessed
        self.hasBegun = hasBegun
    }
}

/// What an exchange is aborted with. On HTTP/1.1 each of them closes the connection in mid-message.
package enum AbortReason: Sendable {
    /// The response cannot be completed (RST_STREAM INTERNAL_ERROR).
    case internalError
    /// The exchange is no longer wanted (RST_STREAM CANCEL).
    case cancel
}
