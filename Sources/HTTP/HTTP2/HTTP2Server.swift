internal import CNghttp2
package import NIOCore

/// The server's side of an HTTP/2 connection (RFC 9113), over nghttp2.
///
/// What nghttp2 leaves to its application is done here: limits on the decoded header list, frames on streams that
/// are gone, one authority, and budgets for resets and for frames of no progress.
package final class HTTP2Server: HTTP2Session, ServerEngine {
    /// DATA that is at least so long may be what was under way when its stream ended.
    private static let usefulDataLength = 64
    /// Bytes of a body that may still come after its response before the stream is reset.
    private static let discardLimit = 32 * 1024
    /// Streams that were answered early and may wait for the end of their request.
    private static let mostLingering = 16
    /// DATA of fewer bytes that does not end its request is counted; so are padded frames of no more than a few.
    private static let tinyDataLength = 8

    private var events = EventQueue<ServerEvent>()
    private var history = StreamHistory()
    /// Streams whose client waits for `100 (Continue)`.
    private var expecting: [Int32] = []
    /// Streams that were answered before their request had ended, oldest first; some may be closed by now.
    private var lingering: [Int32] = []
    private var shutdowns = 0
    /// Streams whose request was delivered and that the driver has not released, closed ones among them.
    private(set) var places = 0

    package init(limits: HTTPLimits) {
        super.init(role: .server, limits: limits)
    }

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        try receiveBytes(&input, now: now)
    }

    package func nextEvent() -> ServerEvent? {
        events.popFirst(isIdle: streams.isEmpty)
    }

    package var openStreams: Int { streams.count }

    package var isFinished: Bool { isExhausted }

    package var fault: ConnectionFault? { terminated }

    package var wantsReadPaused: Bool { false }

    package func headTimedOut() -> Bool { false }

    // MARK: Responses

    package func respond(_ id: StreamID, _ head: ResponseHead, end: Bool) {
        guard let stream = streams[id.rawValue], !stream.headSubmitted else { return }
        stream.headSubmitted = true
        stream.fields = head.fields
        stream.isBodiless = stream.isHead || head.status == 204 || head.status == 304
        if end, stream.sending == .open { stream.sending = .ending }
        _ = unsafe withNameValues(
            room: 2 * Self.decimalLength,
            { list in
                list.add(":status", decimal: head.status)
                if let length = head.contentLength, head.status != 204 { list.add("content-length", decimal: length) }
            }, head.fields
        ) { values, count in
            if end || stream.isBodiless {
                return unsafe nghttp2_submit_response(session, id.rawValue, values, count, nil)
            }
            var source = unsafe nghttp2_data_provider()
            unsafe source.read_callback = HTTP2Callbacks.readBody
            return unsafe nghttp2_submit_response(session, id.rawValue, values, count, &source)
        }
    }

    package func abort(_ id: StreamID, _ reason: AbortReason) {
        guard let stream = streams[id.rawValue] else { return }
        switch reason {
        case .internalError where stream.headSubmitted && !stream.isBodiless && stream.sending != .ended:
            if stream.sending != .reset { stream.sending = .aborting }
            resume(stream)
        case .internalError: reset(stream, NGHTTP2_INTERNAL_ERROR)
        case .cancel: reset(stream, NGHTTP2_CANCEL)
        }
    }

    package func consume(_ id: StreamID, _ bytes: Int) {
        // What a stream has left unconsumed at its end was given back then.
        guard let stream = streams[id.rawValue] else { return }
        let count = min(bytes, stream.unconsumed)
        stream.unconsumed -= count
        unsafe nghttp2_session_consume(session, id.rawValue, count)
    }

    package func release(_ id: StreamID) {
        places = max(0, places - 1)
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
            boundLingering(0)
        }
    }

    /// Asks for the bodies that are held back until somebody does; the application may have answered without.
    override func submitDeferred() {
        guard !expecting.isEmpty else { return }
        for id in expecting {
            guard let stream = streams[id], !stream.headSubmitted, !stream.incomingEnded, stream.sending == .open else {
                continue
            }
            _ = unsafe withNameValues(room: 3, { $0.add(":status", "100") }, HeaderFields()) { values, count in
                unsafe nghttp2_submit_headers(
                    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, values, count, nil)
            }
        }
        expecting = []
    }

    // MARK: Frames

    override func willRead(_ frame: FrameHeader) {
        let id = frame.stream
        let stream = streams[id]
        switch UInt32(frame.type) {
        case NGHTTP2_RST_STREAM.rawValue where stream != nil:
            stream?.isResetByPeer = true
            madeProgress = true
            abuse.count(.reset)
        case NGHTTP2_HEADERS.rawValue where stream == nil && id % 2 == 1,
            NGHTTP2_DATA.rawValue where stream == nil && id % 2 == 1:
            switch history.state(of: id) {
            case .idle: if frame.type == UInt8(NGHTTP2_HEADERS.rawValue) { history.opened(id) }
            case .ignored: break
            case .ended:
                let fault = ConnectionFault(.protocolError, "a frame on a stream that its sender has ended")
                terminate(NGHTTP2_STREAM_CLOSED, fault)
            case .skipped:
                let fault = ConnectionFault(.protocolError, "a stream identifier below one already used")
                terminate(NGHTTP2_PROTOCOL_ERROR, fault)
            }
        default: break
        }
    }

    override func didRead(_ frame: FrameHeader) {
        // A header section is judged by its last frame.
        if isInHeaderSection { return }
        switch UInt32(frame.type) {
        case NGHTTP2_DATA.rawValue: judgeData(frame)
        case _ where madeProgress: break
        case NGHTTP2_WINDOW_UPDATE.rawValue: abuse.countWindowUpdate()
        case NGHTTP2_PING.rawValue: abuse.countPing()
        default: abuse.count(.idleFrame)
        }
    }

    private func judgeData(_ frame: FrameHeader) {
        let isPadded = frame.flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0
        if madeProgress {
            let isEnd = frame.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            let least = isPadded ? Self.usefulDataLength : Self.tinyDataLength
            if !isEnd, frame.length < least { abuse.count(.tinyData) }
        } else if isPadded || frame.length < Self.usefulDataLength {
            abuse.count(.idleFrame)
        } else {
            abuse.countLateData(frame.length)
        }
    }

    private func expectLateData() {
        abuse.expectLateData(limits.streamWindow, most: limits.connectionWindow)
    }

    // MARK: nghttp2's callbacks

    override func headersBegan(stream id: Int32) {
        incoming = IncomingHeaders()
        guard streams[id] == nil else { return }
        let stream = HTTP2Stream(id: id)
        streams.insert(stream, at: id)
        guard places >= limits.concurrentStreams else { return }
        // nghttp2 counts the streams that are open; the work of those that were reset may still go on.
        stream.isFaulted = true
        stream.isRefused = true
        resets.append((id, NGHTTP2_REFUSED_STREAM))
        expectLateData()
    }

    override func header(stream id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        unsafe incoming.append(name, value, limits: limits)
    }

    override func headersReceived(stream id: Int32, endStream: Bool) {
        var headers = IncomingHeaders()
        swap(&headers, &incoming)
        guard let stream = streams[id] else { return }
        if headers.exceedsLimits { abuse.count(.largeHeaders) }
        if stream.isRefused {
            stream.incomingEnded = stream.incomingEnded || endStream
            return
        }
        madeProgress = true
        if stream.headDelivered {
            // A trailer section: read, counted and dropped.
            if headers.exceedsLimits { fault(stream, .headersTooLarge) }
        } else {
            stream.headDelivered = true
            places += 1
            stream.isHead = headers.method == "HEAD"
            do throws(RequestFault) {
                let head = try RequestValidation.head(of: &headers, limits: limits)
                if !endStream, head.fields.firstIndex(of: "expect") != nil { expecting.append(id) }
                events.append(.head(StreamID(id), head, hasBody: !endStream))
            } catch {
                fault(stream, error)
            }
        }
        if endStream { incomingEnded(stream) }
    }

    private func fault(_ stream: HTTP2Stream, _ fault: RequestFault) {
        guard !stream.isFaulted, !stream.isOver else { return }
        stream.isFaulted = true
        expectLateData()
        events.append(.fault(StreamID(stream.id), fault))
    }

    private func incomingEnded(_ stream: HTTP2Stream) {
        stream.incomingEnded = true
        if !stream.isFaulted, !stream.isOver { events.append(.end(StreamID(stream.id))) }
    }

    override func dataReceived(stream id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard let stream = streams[id], !stream.isFaulted, stream.sending == .open else {
            unclaimed += count
            if let stream = streams[id], stream.isOver { discard(count, of: stream) }
            return
        }
        madeProgress = true
        stream.unconsumed += count
        events.append(.body(StreamID(id), unsafe slice(bytes, count)))
    }

    /// The rest of a request that was answered early is of no use (RFC 9113 §8.1). A reset that comes with the answer
    /// makes clients throw the answer away, so it waits for a client that goes on sending.
    private func discard(_ count: Int, of stream: HTTP2Stream) {
        let before = stream.discarded
        stream.discarded += count
        if before < Self.discardLimit, stream.discarded >= Self.discardLimit {
            resets.append((stream.id, NGHTTP2_NO_ERROR))
        }
    }

    /// Resets the oldest of the streams that were answered early, but for so many.
    private func boundLingering(_ most: Int) {
        let excess = max(0, lingering.count - most)
        for id in lingering[..<excess] { resets.append((id, NGHTTP2_NO_ERROR)) }
        lingering.removeFirst(excess)
    }

    override func dataEnded(stream id: Int32) {
        guard let stream = streams[id] else { return }
        madeProgress = true
        incomingEnded(stream)
    }

    override func streamClosed(_ id: Int32, code: UInt32) {
        guard let stream = streams.remove(id) else { return }
        unclaimed += stream.unconsumed
        if stream.incomingEnded || stream.isResetByPeer { history.ended(id) } else { expectLateData() }
        guard stream.headDelivered, !stream.isOver else { return }
        events.append(stream.sending == .ended ? .closed(StreamID(id)) : .reset(StreamID(id)))
    }

    override func bodyDrained(_ stream: HTTP2Stream) {
        if stream.sending == .open { events.append(.drained(StreamID(stream.id))) }
    }

    override func endStreamSent(_ id: Int32) {
        guard let stream = streams[id] else { return }
        stream.sending = .ended
        guard !stream.incomingEnded, !stream.isOver else { return }
        // The application is done with it; the engine waits for the client's end of it, or for its reset.
        stream.isOver = true
        expectLateData()
        events.append(.closed(StreamID(id)))
        lingering.append(id)
        boundLingering(shutdowns > 1 ? 0 : Self.mostLingering)
    }

    override func resetSent(code: UInt32) {
        switch nghttp2_error_code(rawValue: code) {
        case NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL: break  // Ours, for no fault of the client's.
        case NGHTTP2_REFUSED_STREAM: abuse.count(.refusedStream)
        default: abuse.count(.forcedReset)
        }
    }

    override func headersNotSent(stream id: Int32) {
        resets.append((id, NGHTTP2_INTERNAL_ERROR))
    }
}
