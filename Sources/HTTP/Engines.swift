package import NIOCore

/// A server's side of one HTTP connection, without I/O: plaintext in, events out; responses in, plaintext out.
///
/// The driver calls `receive`, then works through `nextEvent()` until nil, then `writeOutput` until it writes
/// nothing. An engine never calls back. It belongs to one connection and so to one event loop.
package protocol ServerEngine: AnyObject {
    /// Takes all of `input`. Throws when the connection cannot go on; what it has still to say is in the output.
    func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault)
    func nextEvent() -> ServerEvent?
    /// Starts the response. `end` says that it has no body. Ignored when the stream is gone.
    func respond(_ stream: StreamID, _ head: ResponseHead, end: Bool)
    /// Lets `body` append to the stream's queued response body. Ignored when the stream is gone.
    func write(_ stream: StreamID, _ body: (inout ByteBuffer) -> Void)
    /// Ends the response after what is queued. Ignored when the stream is gone.
    func end(_ stream: StreamID)
    /// Ends the exchange so that the client can not take it for whole: `.internalError` once what is queued has gone
    /// out, `.cancel` at once.
    func abort(_ stream: StreamID, _ reason: AbortReason)
    /// Gives back flow-control window for request body bytes that were taken.
    func consume(_ stream: StreamID, _ bytes: Int)
    /// Bytes of response body that wait to go into the output.
    func queuedBytes(_ stream: StreamID) -> Int
    /// Bytes of response bodies that wait to go into the output, on all streams.
    var bufferedBytes: Int { get }
    /// Whether response bytes wait for the client to open a flow-control window that is closed. Never on HTTP/1.1.
    func waitsForWindow(_ stream: StreamID) -> Bool
    /// The work for a stream whose end was reported is gone: another may take its place. To be called once for each
    /// stream of which `nextEvent` has told, after its `closed` or `reset`. Until then it counts among the streams
    /// that the client may have at once: whoever resets streams gets no further than who keeps them.
    func release(_ stream: StreamID)
    /// Appends what is to be sent, stopping soon after `limit` bytes; returns whether anything was written.
    func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool
    /// A request's head did not become whole in time: HTTP/1.1 refuses it with a 408 and closes after the answer.
    /// Nothing is left to say on HTTP/2. Returns whether there is an answer to wait for.
    func headTimedOut() -> Bool
    /// Begins the graceful end: HTTP/2 says GOAWAY, HTTP/1.1 closes after the exchange in progress.
    func shutdown()
    /// The exchanges that are open.
    var openStreams: Int { get }
    /// True once nothing can follow: the connection is to be closed when its output has been sent.
    var isFinished: Bool { get }
    /// The peer's fault for which the connection ends, as soon as it is known: with `receive`, which throws it, or while
    /// output is made. Never on HTTP/1.1, where a request is answered with its fault.
    var fault: ConnectionFault? { get }
    /// True while the engine holds so much unparsed input that no more should be read.
    var wantsReadPaused: Bool { get }
    /// When the first byte came of what the driver bounds the time of, while it is not whole: a request's head, and on
    /// HTTP/2 the connection's preface with its SETTINGS.
    var headBegan: NIODeadline? { get }
}

extension ServerEngine {
    /// True while a request's head is arriving and not yet whole.
    package var isReceivingHead: Bool { headBegan != nil }
}

/// A client's side of one HTTP connection, without I/O. The driver works it as it does a `ServerEngine`.
package protocol ClientEngine: AnyObject {
    /// Takes all of `input`. Throws when the connection cannot go on; its open streams have failed then.
    func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault)
    /// The server closed the connection cleanly (`clean`: TLS close_notify was seen) or not.
    func receiveEnd(clean: Bool)
    func nextEvent() -> ClientEvent?
    /// Sends a request with a whole body, or nil when the connection can take no further one at this time.
    func send(_ head: RequestHead, body: ByteBuffer) -> StreamID?
    /// Takes the exchange back: HTTP/2 resets the stream, HTTP/1.1 ends the connection.
    func cancel(_ stream: StreamID)
    /// Gives back flow-control window for response body bytes that were taken.
    func consume(_ stream: StreamID, _ bytes: Int)
    /// Appends what is to be sent, stopping soon after `limit` bytes; returns whether anything was written.
    func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool
    /// The exchanges that are open.
    var openStreams: Int { get }
    /// How many further requests the connection can take at this time.
    var capacity: Int { get }
    /// Whether the server has told how many requests it takes at once. Until then `capacity` is one at most.
    var knowsLimits: Bool { get }
    /// True once no further request can be sent on it and none is open: to be closed.
    var isFinished: Bool { get }
    /// HTTP/1.1: true while the reader is so far behind that no more should be read from the connection.
    var wantsReadPaused: Bool { get }
}
