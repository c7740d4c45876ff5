import NIOCore

/// One HTTP/2 stream, owned by its session from its first frame to nghttp2's word that it is closed.
final class HTTP2Stream {
    /// How far the message on its way out is.
    enum Sending {
        /// More may be written.
        case open
        /// END_STREAM follows what is queued.
        case ending
        /// RST_STREAM (INTERNAL_ERROR) follows what is queued.
        case aborting
        /// RST_STREAM was submitted.
        case reset
        /// END_STREAM is in the connection's output.
        case ended
    }

    let id: Int32

    /// The fields of the message on its way out, which nghttp2 refers to.
    var fields = HeaderFields()
    /// The message body on its way out, filled by the application and emptied by nghttp2's data source.
    var outgoing = ByteBuffer()
    var sending = Sending.open
    /// nghttp2 asked for body bytes when there were none: it must be told of new ones.
    var isDeferred = false
    /// A response's header section was submitted.
    var headSubmitted = false
    /// The response on its way out has no body (HEAD, 204, 304): END_STREAM is on its header section.
    var isBodiless = false

    /// The message's head was delivered, or the fault in its place; a further header section is a trailer section.
    var headDelivered = false
    /// A HEAD request.
    var isHead = false
    /// END_STREAM came.
    var incomingEnded = false
    /// RST_STREAM came.
    var isResetByPeer = false
    /// The message was refused: nothing more of it is delivered.
    var isFaulted = false
    /// The stream came past the limit: nothing of it is delivered.
    var isRefused = false
    /// Body bytes that were delivered and are not consumed so far.
    var unconsumed = 0
    /// The last event of the stream was delivered, and its request has not ended: it was answered early.
    var isOver = false
    /// Body bytes that came after the response and were thrown away.
    var discarded = 0
    /// Interim (1xx) responses that came.
    var interimCount = 0
    /// A client's stream: a header section of the response came, interim or final.
    var hasBegun: Bool { headDelivered || interimCount > 0 }

    init(id: Int32) {
        self.id = id
    }
}
