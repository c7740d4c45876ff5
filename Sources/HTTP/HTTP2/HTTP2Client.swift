internal import CNghttp2
package import NIOCore

/// The client's side of an HTTP/2 connection (RFC 9113), over nghttp2.
package final class HTTP2Client: HTTP2Session, ClientEngine {
    /// The most streams held open at once, whatever the server allows.
    private static let concurrentStreams = 100
    /// Interim (1xx) responses before a final one.
    private static let mostInterimResponses = 16

    private var events = EventQueue<ClientEvent>()
    /// The connection ended, or its stream identifiers are used up.
    private var isSpent = false
    /// Streams that have failed with the connection. nghttp2 may still refer to their fields.
    private var forsaken: [HTTP2Stream] = []
    package private(set) var knowsLimits = false

    package init(limits: HTTPLimits) {
        super.init(role: .client, limits: limits)
    }

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        try receiveBytes(&input, now: now)
    }

    package func receiveEnd(clean: Bool) {
        failAll(StreamFailure(.connectionClosed))
        isSpent = true
    }

    /// Fails the open streams when the connection can no longer serve them.
    private func failAll(_ failure: StreamFailure) {
        for stream in streams.all where !stream.incomingEnded && !stream.isFaulted {
            var failure = failure
            failure.hasBegun = stream.hasBegun
            events.append(.failed(StreamID(stream.id), failure))
        }
        forsaken += streams.all
        streams.removeAll()
    }

    package func nextEvent() -> ClientEvent? {
        if let terminated, !streams.isEmpty { failAll(StreamFailure(.protocolError(terminated.message))) }
        return events.popFirst(isIdle: streams.isEmpty)
    }

    package var openStreams: Int { streams.count }

    package var capacity: Int {
        guard !isSpent, terminated == nil, unsafe nghttp2_session_check_request_allowed(session) != 0 else { return 0 }
        let allowed = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        // Any server takes one stream; how many more it takes its first SETTINGS tell, a moment after the handshake.
        return max(0, min(Int(allowed), knowsLimits ? Self.concurrentStreams : 1) - streams.count)
    }

    package var isFinished: Bool {
        terminated != nil || isSpent && streams.isEmpty || isExhausted
    }

    package var wantsReadPaused: Bool { false }

    // MARK: Requests

    package func send(_ head: RequestHead, body: ByteBuffer) -> StreamID? {
        guard capacity > 0 else { return nil }
        let hasBody = body.readableBytes > 0
        let room =
            head.method.utf8.count + head.scheme.utf8.count + head.authority.utf8.count + head.path.utf8.count
            + Self.decimalLength
        let id = unsafe withNameValues(
            room: room,
            { list in
                list.add(":method", head.method)
                list.add(":scheme", head.scheme)
                list.add(":authority", head.authority)
                list.add(":path", head.path)
                if hasBody { list.add("content-length", decimal: body.readableBytes) }
            }, head.fields
        ) { values, count in
            guard hasBody else { return unsafe nghttp2_submit_request(session, nil, values, count, nil, nil) }
            var source = unsafe nghttp2_data_provider()
            unsafe source.read_callback = HTTP2Callbacks.readBody
            return unsafe nghttp2_submit_request(session, nil, values, count, &source, nil)
        }
        guard id > 0 else {
            // The identifiers are used up.
            isSpent = true
            return nil
        }
        let stream = HTTP2Stream(id: id)
        stream.fields = head.fields
        stream.outgoing = body
        stream.sending = .ending
        streams.insert(stream, at: id)
        return StreamID(id)
    }

    package func cancel(_ id: StreamID) {
        guard let stream = streams[id.rawValue] else { return }
        reset(stream, NGHTTP2_CANCEL)
    }

    package func consume(_ id: StreamID, _ bytes: Int) {
        // The connection's share was given back when the bytes came: a slow reader holds up its own stream only.
        guard let stream = streams[id.rawValue] else { return }
        let count = min(bytes, stream.unconsumed)
        stream.unconsumed -= count
        unsafe nghttp2_session_consume_stream(session, id.rawValue, count)
    }

    // MARK: nghttp2's callbacks

    override func settingsReceived() {
        knowsLimits = true
    }

    override func headersBegan(stream id: Int32) {
        incoming = IncomingHeaders(isResponse: true)
    }

    override func header(stream id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        unsafe incoming.append(name, value, limits: limits)
    }

    override func headersReceived(stream id: Int32, endStream: Bool) {
        var headers = IncomingHeaders()
        swap(&headers, &incoming)
        guard let stream = streams[id], !stream.isFaulted else { return }
        // A trailer section is read and dropped.
        if !stream.headDelivered { headReceived(stream, headers) }
        if endStream { incomingEnded(stream) }
    }

    private func headReceived(_ stream: HTTP2Stream, _ headers: IncomingHeaders) {
        if headers.exceedsLimits { return fail(stream, "the response's header fields are too large or too many") }
        switch headers.status {
        case 100...199:
            stream.interimCount += 1
            if stream.interimCount > Self.mostInterimResponses { fail(stream, "too many interim responses") }
        case 200...599:
            stream.headDelivered = true
            let head = ResponseHead(
                status: headers.status, fields: headers.fields, contentLength: headers.contentLength)
            events.append(.head(StreamID(stream.id), head))
        default: fail(stream, "the response's status is none")
        }
    }

    /// Gives up a stream whose response cannot be understood.
    private func fail(_ stream: HTTP2Stream, _ message: String) {
        stream.isFaulted = true
        events.append(.failed(StreamID(stream.id), StreamFailure(.protocolError(message))))
        resets.append((stream.id, NGHTTP2_PROTOCOL_ERROR))
    }

    private func incomingEnded(_ stream: HTTP2Stream) {
        guard !stream.isFaulted else { return }
        stream.incomingEnded = true
        events.append(.end(StreamID(stream.id)))
        // The rest of the request is of no use any more.
        if stream.sending != .ended { resets.append((stream.id, NGHTTP2_CANCEL)) }
    }

    override func dataReceived(stream id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        unclaimed += count
        guard let stream = streams[id], !stream.isFaulted else { return }
        stream.unconsumed += count
        events.append(.body(StreamID(id), unsafe slice(bytes, count)))
    }

    override func dataEnded(stream id: Int32) {
        if let stream = streams[id] { incomingEnded(stream) }
    }

    override func streamClosed(_ id: Int32, code: UInt32) {
        guard let stream = streams.remove(id), !stream.incomingEnded, !stream.isFaulted else { return }
        // A server that has answered a part of the request cannot say that it did not begin on it.
        let refused = code == NGHTTP2_REFUSED_STREAM.rawValue && !stream.hasBegun
        events.append(
            .failed(StreamID(id), StreamFailure(.reset(code), isUnprocessed: refused, hasBegun: stream.hasBegun)))
    }

    override func endStreamSent(_ id: Int32) {
        guard let stream = streams[id] else { return }
        stream.sending = .ended
        events.append(.drained(StreamID(id)))
    }
}
