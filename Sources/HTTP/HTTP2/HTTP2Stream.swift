import NIOCore

/// One HTTP/2 stream, owned by its session from the stream's first frame to `on_stream_close`.
final class HTTP2Stream {
    let id: Int32

    /// The message body on its way out, filled by the application and emptied by nghttp2's data source.
    var outgoing = ByteBuffer()
    var outgoingEnded = false
    /// Reset the stream once `outgoing` is empty.
    var abortsWhenDrained = false
    /// nghttp2 asked for body bytes when there were none: it must be told of new ones.
    var isDeferred = false
    /// Final response headers (server) or request headers (client) were submitted.
    var headSubmitted = false
    /// A message without a body on its way out: HEAD, 204, 304.
    var suppressesBody = false

    /// The header list that is arriving.
    var incoming = IncomingHeaders()
    /// The message's head was delivered; any further header block is a trailer section.
    var headDelivered = false
    var incomingEnded = false
    /// The request was refused with a fault: nothing more of it is delivered.
    var isFaulted = false
    /// The request's method is HEAD.
    var isHead = false
    /// The response has gone out whole.
    var responseSent = false

    init(id: Int32) {
        self.id = id
    }
}
