internal import CNghttp2
package import NIOCore

/// What the two sides of an HTTP/2 connection have in common (RFC 9113): the nghttp2 session, its streams, and the
/// way in. The way out is in `HTTP2Session+Sending.swift`.
///
/// nghttp2's callbacks only record: they change streams, queue events and note what is to be submitted, and never
/// call into the session that is running. Subclasses give them their meaning for a server or a client.
@safe package class HTTP2Session {
    /// CONTINUATION frames in one header section: with HEADERS 272 KiB, more than the limits let through.
    private static let mostContinuations = 16
    /// Frames that may wait for a peer that does not read. Those that carry bodies are not counted among them.
    private static let mostQueuedFrames = 800

    /// The most digits of a number in a field.
    static let decimalLength = 20

    final let limits: HTTPLimits
    final var streams = StreamTable<HTTP2Stream>()
    final var abuse = HTTP2Abuse()
    /// The header section that is arriving: there is at most one on a connection (RFC 9113 §4.3).
    final var incoming = IncomingHeaders()

    private final var scanner: FrameScanner
    /// From a HEADERS frame to the end of its section.
    private(set) final var isInHeaderSection = false
    /// When the header section that is arriving began, or before the first frame the connection preface.
    package private(set) final var headBegan: NIODeadline?
    /// When input last came.
    private final var lastRead = NIODeadline.uptimeNanoseconds(0)
    private final var continuations = 0
    /// The frame that is being read moved an exchange on.
    final var madeProgress = false

    /// The input that nghttp2 is reading, so that body bytes can be slices of it.
    private final var input = ByteBuffer()
    private final var inputBase: UnsafeRawPointer?

    /// The reason of the GOAWAY that ends the connection.
    final var terminated: ConnectionFault?
    /// The code of our own GOAWAY.
    private final var terminationCode = NGHTTP2_NO_ERROR.rawValue
    /// nghttp2 can send no more.
    final var isBroken = false
    /// Resets to be submitted before the next output is made.
    final var resets: [(stream: Int32, code: nghttp2_error_code)] = []
    /// Body bytes that nobody will consume: their share of the connection's window is to be given back.
    final var unclaimed = 0

    /// Owned: freed in deinit. Set once by the initializer of this class.
    private(set) final var session: OpaquePointer?

    /// What the session lives in: let go after it.
    private final let memory: SessionMemory?

    init(role: HTTP2Role, limits: HTTPLimits) {
        self.limits = limits
        scanner = FrameScanner(preface: role == .server ? Int(NGHTTP2_CLIENT_MAGIC_LEN) : 0)
        memory = role == .server ? SessionMemory() : nil
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe session = HTTP2Callbacks.shared.makeSession(role, context: context, memory: memory)
        submitSettings(role)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    private func submitSettings(_ role: HTTP2Role) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
        }
        var entries = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListSize),
        ]
        switch role {
        case .server: entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams))
        case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindow))
    }

    /// True once nothing can be read or written any more.
    final var isExhausted: Bool {
        unsafe isBroken || (nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0)
    }

    /// Ends the connection with GOAWAY, which is still to be sent. Not to be called from a callback.
    final func terminate(_ code: nghttp2_error_code, _ fault: ConnectionFault) {
        guard terminated == nil else { return }
        terminated = fault
        terminationCode = code.rawValue
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
    }

    // MARK: In

    /// Feeds all of `bytes` to nghttp2, frame by frame.
    final func receiveBytes(_ bytes: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        defer { bytes.discardAll() }
        guard terminated == nil else { return }
        abuse.refill(now)
        lastRead = now
        if scanner.isInPreface, headBegan == nil { headBegan = now }
        input = bytes
        unsafe input.withUnsafeReadableBytes { unsafe read($0) }
        input = ByteBuffer()
        if let terminated { throw terminated }
    }

    private final func read(_ bytes: UnsafeRawBufferPointer) {
        unsafe inputBase = bytes.baseAddress
        defer { unsafe inputBase = nil }
        var start = 0
        while start < bytes.count {
            var end = start
            if !scanner.isInFrame {
                end = unsafe scanner.readHeader(bytes, from: start)
                if scanner.isInFrame { frameBegan(scanner.header) }
            }
            end = scanner.skipPayload(from: end, to: bytes.count)
            guard terminated == nil, unsafe feed(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else { return }
            if scanner.isFrameWhole { frameEnded(scanner.header) }
            start = end
        }
    }

    private final func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let data = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let result = unsafe nghttp2_session_mem_recv(session, data, bytes.count)
        guard result < 0 else { return true }
        switch nghttp2_error(rawValue: nghttp2_error.RawValue(result)) {
        case NGHTTP2_ERR_CALLBACK_FAILURE:
            terminate(
                NGHTTP2_ENHANCE_YOUR_CALM, ConnectionFault(.headerBomb, "a header section far over the limits"))
        case NGHTTP2_ERR_FLOODED: terminate(NGHTTP2_ENHANCE_YOUR_CALM, .outputFlood)
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
            terminate(NGHTTP2_PROTOCOL_ERROR, ConnectionFault(.protocolError, "no HTTP/2 connection preface"))
        default:
            terminate(
                NGHTTP2_INTERNAL_ERROR,
                ConnectionFault(.internalError, unsafe String(cString: nghttp2_strerror(Int32(result)))))
        }
        return false
    }

    private final func frameBegan(_ frame: FrameHeader) {
        guard !scanner.isInPreface else { return }
        madeProgress = false
        switch UInt32(frame.type) {
        case NGHTTP2_HEADERS.rawValue:
            if !isInHeaderSection { headBegan = lastRead }
            isInHeaderSection = true
            continuations = 0
        case NGHTTP2_CONTINUATION.rawValue:
            continuations += 1
            if continuations > Self.mostContinuations {
                return terminate(
                    NGHTTP2_ENHANCE_YOUR_CALM, ConnectionFault(.continuationFlood, "too many CONTINUATION frames"))
            }
        default: break
        }
        willRead(frame)
    }

    private final func frameEnded(_ frame: FrameHeader) {
        defer { scanner.finishFrame() }
        guard !scanner.isInPreface else { return }
        if isInHeaderSection, frame.flags & UInt8(NGHTTP2_FLAG_END_HEADERS.rawValue) != 0 { isInHeaderSection = false }
        if !isInHeaderSection { headBegan = nil }
        didRead(frame)
        if let fault = abuse.fault {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM, fault)
        } else if unsafe nghttp2_session_get_outbound_queue_size(session) > Self.mostQueuedFrames {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM, .outputFlood)
        }
    }

    /// Body bytes as a slice of the input they came in: no copy.
    final func slice(_ data: UnsafePointer<UInt8>, _ length: Int) -> ByteBuffer {
        if let base = unsafe inputBase {
            let offset = unsafe UnsafeRawPointer(data) - base
            if let slice = input.getSlice(at: input.readerIndex + offset, length: length) { return slice }
        }
        return unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: data, count: length))
    }

    // MARK: What subclasses answer

    /// A frame's header arrived, of any type; nghttp2 has not read it so far.
    func willRead(_ frame: FrameHeader) {}
    /// nghttp2 has read a frame, and accepted it or not.
    func didRead(_ frame: FrameHeader) {}
    /// Output is about to be made.
    func submitDeferred() {}

    // Callbacks, which only record:

    func headersBegan(stream: Int32) {}
    /// Returns false to give up the connection.
    func header(stream: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool { true }
    /// A header section is whole and was found good.
    func headersReceived(stream: Int32, endStream: Bool) {}
    func dataReceived(stream: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {}
    /// A DATA frame with END_STREAM is whole and was found good.
    func dataEnded(stream: Int32) {}
    /// The peer's settings came and are in force.
    func settingsReceived() {}
    func streamClosed(_ stream: Int32, code: UInt32) {}
    /// The stream's queue is empty, and more may be written.
    func bodyDrained(_ stream: HTTP2Stream) {}
    func endStreamSent(_ stream: Int32) {}
    func resetSent(code: UInt32) {}
    /// A header section cannot be sent; nghttp2 has dropped it.
    func headersNotSent(stream: Int32) {}

    final func goAwaySent(code: UInt32, reason: UnsafeRawBufferPointer) {
        guard code != NGHTTP2_NO_ERROR.rawValue, terminated == nil || code != terminationCode else { return }
        // nghttp2 found the fault itself, and before we found another.
        terminated = ConnectionFault(
            .protocolError,
            unsafe reason.isEmpty ? "HTTP/2 error code \(code)" : String(decoding: reason, as: UTF8.self))
    }
}

enum HTTP2Role {
    case server, client
}

extension ConnectionFault {
    static let outputFlood = ConnectionFault(
        .outputFlood, "too many frames that ask for others, and those are not read")
}
