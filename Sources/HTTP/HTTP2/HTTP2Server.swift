internal import CNghttp2
package import NIOCore

/// The server's side of an HTTP/2 connection (RFC 9113), over nghttp2.
///
/// What nghttp2 leaves to its application is done here: limits on the decoded header list, frames on streams that
/// are gone, one authority, and budgets for resets and for frames without progress.
package final class HTTP2Server: HTTP2Session, ServerEngine {
    private var events = EventQueue<ServerEvent>()
    private var history = StreamHistory()
    /// Streams whose client waits for `100 (Continue)`.
    private var expecting: [HTTP2Stream] = []
    /// Streams whose response is out while their request still comes: to be reset with NO_ERROR (RFC 9113 §8.1).
    private var answeredEarly: [Int32] = []
    private var shutdowns = 0
    private var headersInProgress: Int32?

    package init(limits: HTTPLimits) {
        super.init(role: .server, limits: limits)
    }

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        try receiveBytes(&input, now: now)
    }

    package func nextEvent() -> ServerEvent? {
        events.popFirst()
    }

    package var openStreams: Int { streams.count }

    package var isFinished: Bool {
        unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    package var wantsReadPaused: Bool { false }

    package var isReceivingHead: Bool { headersInProgress != nil }

    // MARK: Responses

    package func respond(_ id: StreamID, _ head: ResponseHead, end: Bool) {
        guard let stream = streams[id.rawValue], !stream.headSubmitted else { return }
        stream.headSubmitted = true
        if stream.isHead || head.status == 204 || head.status == 304 { stream.suppressesBody = true }
        var list = HeaderFields()
        list.reserve(fields: head.fields.count + 2, bytes: head.fields.byteCount + 48)
        list.append(":status", String(head.status))
        list.append(contentsOf: head.fields)
        if let length = head.contentLength, head.status != 204 {
            list.append("content-length", String(length))
        }
        let bodyless = end || stream.suppressesBody
        if end { stream.outgoingEnded = true }
        unsafe withNameValues(list) { values, count in
            if bodyless {
                unsafe nghttp2_submit_response(session, id.rawValue, values, count, nil)
            } else {
                var source = unsafe nghttp2_data_provider()
                unsafe source.read_callback = HTTP2Callbacks.readBody
                unsafe nghttp2_submit_response(session, id.rawValue, values, count, &source)
            }
        }
    }

    package func abort(_ id: StreamID, _ reason: AbortReason) {
        guard let stream = streams[id.rawValue] else { return }
        switch reason {
        case .internalError where stream.headSubmitted && !stream.outgoingEnded:
            stream.abortsWhenDrained = true
            resume(stream)
        case .internalError:
            reset(id.rawValue, NGHTTP2_INTERNAL_ERROR)
        case .cancel:
            reset(id.rawValue, NGHTTP2_CANCEL)
        }
    }

    private func reset(_ id: Int32, _ code: nghttp2_error_code) {
        unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    }

    package func consume(_ id: StreamID, _ bytes: Int) {
        unsafe nghttp2_session_consume(session, id.rawValue, bytes)
    }

    /// The first call announces the end (GOAWAY with the highest identifier), the second, at least one round trip
    /// later, refuses what came after the last stream seen (RFC 9113 §6.8).
    package func shutdown() {
        shutdowns += 1
        if shutdowns == 1 {
            unsafe nghttp2_submit_shutdown_notice(session)
        } else if shutdowns == 2 {
            let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
            unsafe nghttp2_submit_goaway(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, NGHTTP2_NO_ERROR.rawValue, nil, 0)
        }
    }

    override func prepareOutput() {
        for stream in expecting where !stream.headSubmitted && !stream.incomingEnded && streams[stream.id] != nil {
            var interim = HeaderFields()
            interim.append(":status", "100")
            _ = unsafe withNameValues(interim) { values, count in
                unsafe nghttp2_submit_headers(
                    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, nil, values, count, nil)
            }
        }
        expecting.removeAll(keepingCapacity: true)
        for id in answeredEarly where streams[id] != nil { reset(id, NGHTTP2_NO_ERROR) }
        answeredEarly.removeAll(keepingCapacity: true)
    }

    // MARK: nghttp2's callbacks

    override func frameBegan(type: UInt8, stream: Int32, length: Int) {
        let type = UInt32(type)
        let isHeaders = type == NGHTTP2_HEADERS.rawValue
        let isData = type == NGHTTP2_DATA.rawValue
        if !isHeaders && !(isData && length > 0) && type != NGHTTP2_RST_STREAM.rawValue
            && type != NGHTTP2_CONTINUATION.rawValue
        {
            abuse.countIdleFrame()
        }
        guard isHeaders || isData, stream != 0, streams[stream] == nil else { return }
        switch history.state(of: stream) {
        case .idle, .resetByUs: break
        case .closed: terminate(NGHTTP2_STREAM_CLOSED, "a frame on a closed stream")
        case .skipped: terminate(NGHTTP2_PROTOCOL_ERROR, "a stream identifier below one already used")
        }
    }

    override func headersBegan(stream id: Int32) {
        headersInProgress = id
        if let stream = streams[id] {
            // A trailer section: read, counted and dropped.
            stream.incoming = IncomingHeaders()
            return
        }
        streams[id] = HTTP2Stream(id: id)
        history.opened(id)
    }

    override func header(stream id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        guard let stream = streams[id] else { return true }
        unsafe stream.incoming.append(name, value, limits: limits)
        // Far past the limits the block is no mistake but an attack on the decoder.
        return stream.incoming.count <= 10 * limits.headerCount
            && stream.incoming.listSize <= 4 * limits.headerListSize
    }

    override func frameReceived(type: UInt8, stream id: Int32, flags: UInt8) {
        switch UInt32(type) {
        case NGHTTP2_HEADERS.rawValue:
            headersInProgress = nil
            if let stream = streams[id] { headersReceived(stream) }
        case NGHTTP2_RST_STREAM.rawValue:
            abuse.countReset()
            return
        case NGHTTP2_DATA.rawValue: break
        default: return
        }
        guard UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0, let stream = streams[id] else { return }
        stream.incomingEnded = true
        if !stream.isFaulted { events.append(.end(StreamID(id))) }
    }

    private func headersReceived(_ stream: HTTP2Stream) {
        let incoming = stream.incoming
        stream.incoming = IncomingHeaders()
        let id = StreamID(stream.id)
        if stream.headDelivered {
            if incoming.exceedsLimits { fault(stream, .headersTooLarge) }
            return
        }
        stream.headDelivered = true
        stream.isHead = incoming.method == "HEAD"
        let hasBody = unsafe nghttp2_session_get_stream_remote_close(session, stream.id) == 0
        switch RequestValidation.head(of: incoming, limits: limits) {
        case .failure(let problem): fault(stream, problem)
        case .success(let head):
            if hasBody && head.fields.firstIndex(of: "expect") != nil { expecting.append(stream) }
            events.append(.head(id, head, hasBody: hasBody))
        }
    }

    private func fault(_ stream: HTTP2Stream, _ fault: RequestFault) {
        guard !stream.isFaulted else { return }
        stream.isFaulted = true
        events.append(.fault(StreamID(stream.id), fault))
    }

    override func data(stream id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard let stream = streams[id], !stream.isFaulted, !stream.outgoingEnded else {
            unsafe nghttp2_session_consume(session, id, count)
            return
        }
        abuse.creditProgress()
        events.append(.body(StreamID(id), unsafe slice(bytes, count)))
    }

    override func frameSent(type: UInt8, stream id: Int32, flags: UInt8) {
        switch UInt32(type) {
        case NGHTTP2_RST_STREAM.rawValue:
            abuse.countReset()
            history.resetByUs(id)
        case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
            guard UInt32(flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0, let stream = streams[id] else { return }
            stream.responseSent = true
            if !stream.incomingEnded { answeredEarly.append(id) }
        default: break
        }
    }

    override func streamClosed(_ id: Int32, code: UInt32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if headersInProgress == id { headersInProgress = nil }
        events.append(stream.responseSent ? .closed(StreamID(id)) : .reset(StreamID(id)))
    }

    override func bodyDrained(_ stream: HTTP2Stream) {
        events.append(.drained(StreamID(stream.id)))
    }
}
