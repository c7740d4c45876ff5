internal import CNghttp2
package import NIOCore

/// The client's side of an HTTP/2 connection (RFC 9113), over nghttp2.
package final class HTTP2Client: HTTP2Session, ClientEngine {
    /// The most streams held open at once, whatever the server allows.
    private static let concurrentStreams = 100

    private var events = EventQueue<ClientEvent>()
    private var goneAway = false

    package init(limits: HTTPLimits) {
        super.init(role: .client, limits: limits)
    }

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        do {
            try receiveBytes(&input, now: now)
        } catch {
            failAll(StreamFailure(.protocolError(error.message)))
            throw error
        }
    }

    package func receiveEnd(clean: Bool) {
        failAll(StreamFailure(.connectionClosed))
        goneAway = true
    }

    /// Fails the open streams when the connection can no longer serve them.
    private func failAll(_ failure: StreamFailure) {
        for stream in streams.values where !stream.incomingEnded {
            events.append(.failed(StreamID(stream.id), failure))
        }
        streams.removeAll()
    }

    package func nextEvent() -> ClientEvent? {
        events.popFirst()
    }

    package var openStreams: Int { streams.count }

    package var capacity: Int {
        guard !goneAway, terminated == nil, unsafe nghttp2_session_check_request_allowed(session) != 0 else { return 0 }
        let allowed = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return max(0, min(Int(allowed), Self.concurrentStreams) - streams.count)
    }

    package var isFinished: Bool {
        if terminated != nil { return true }
        if goneAway && streams.isEmpty { return true }
        return unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    package var wantsReadPaused: Bool { false }

    // MARK: Requests

    package func send(_ head: RequestHead, body: ByteBuffer) -> StreamID? {
        guard capacity > 0 else { return nil }
        var list = HeaderFields()
        list.reserve(fields: head.fields.count + 5, bytes: head.fields.byteCount + 160)
        list.append(":method", head.method)
        list.append(":scheme", head.scheme)
        list.append(":authority", head.authority)
        list.append(":path", head.path)
        list.append(contentsOf: head.fields)
        let hasBody = body.readableBytes > 0
        if hasBody { list.append("content-length", String(body.readableBytes)) }
        let id = unsafe withNameValues(list) { values, count in
            guard hasBody else { return unsafe nghttp2_submit_request(session, nil, values, count, nil, nil) }
            var source = unsafe nghttp2_data_provider()
            unsafe source.read_callback = HTTP2Callbacks.readBody
            return unsafe nghttp2_submit_request(session, nil, values, count, &source, nil)
        }
        guard id > 0 else {
            goneAway = true
            return nil
        }
        let stream = HTTP2Stream(id: id)
        stream.outgoing = body
        stream.outgoingEnded = true
        stream.isHead = head.method == "HEAD"
        streams[id] = stream
        return StreamID(id)
    }

    package func cancel(_ id: StreamID) {
        guard streams[id.rawValue] != nil else { return }
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id.rawValue, NGHTTP2_CANCEL.rawValue)
    }

    package func consume(_ id: StreamID, _ bytes: Int) {
        // The connection's share was given back when the bytes came: a slow reader holds up its own stream only.
        guard streams[id.rawValue] != nil else { return }
        unsafe nghttp2_session_consume_stream(session, id.rawValue, bytes)
    }

    // MARK: nghttp2's callbacks

    override func frameBegan(type: UInt8, stream: Int32, length: Int) {
        if UInt32(type) == NGHTTP2_GOAWAY.rawValue { goneAway = true }
    }

    override func headersBegan(stream id: Int32) {
        streams[id]?.incoming = IncomingHeaders()
    }

    override func header(stream id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard let stream = streams[id] else { return true }
        unsafe stream.incoming.append(name, value, limits: limits)
        return stream.incoming.count <= 10 * limits.headerCount
            && stream.incoming.listSize <= 4 * limits.headerListSize
    }

    override func frameReceived(type: UInt8, stream id: Int32, flags: UInt8) {
        guard type == UInt8(NGHTTP2_HEADERS.rawValue) || type == UInt8(NGHTTP2_DATA.rawValue),
            let stream = streams[id]
        else { return }
        if type == UInt8(NGHTTP2_HEADERS.rawValue) { headersReceived(stream) }
        guard UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0, !stream.incomingEnded, !stream.isFaulted else {
            return
        }
        stream.incomingEnded = true
        events.append(.end(StreamID(id)))
    }

    private func headersReceived(_ stream: HTTP2Stream) {
        let incoming = stream.incoming
        stream.incoming = IncomingHeaders()
        guard !stream.headDelivered, !stream.isFaulted, incoming.status >= 200 else { return }
        if incoming.exceedsLimits {
            stream.isFaulted = true
            events.append(.failed(StreamID(stream.id), StreamFailure(.protocolError("response header too large"))))
            return cancel(StreamID(stream.id))
        }
        stream.headDelivered = true
        let length = incoming.fields["content-length"].flatMap { Int($0) }
        events.append(
            .head(
                StreamID(stream.id),
                ResponseHead(status: incoming.status, fields: incoming.fields, contentLength: length)))
    }

    override func data(stream id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        unsafe nghttp2_session_consume_connection(session, count)
        guard let stream = streams[id], !stream.isFaulted else { return }
        events.append(.body(StreamID(id), unsafe slice(bytes, count)))
    }

    override func streamClosed(_ id: Int32, code: UInt32) {
        guard let stream = streams.removeValue(forKey: id), !stream.incomingEnded, !stream.isFaulted else { return }
        let refused = code == NGHTTP2_REFUSED_STREAM.rawValue
        events.append(.failed(StreamID(id), StreamFailure(.reset(code), isUnprocessed: refused)))
    }

    override func bodyDrained(_ stream: HTTP2Stream) {
        events.append(.drained(StreamID(stream.id)))
    }
}
