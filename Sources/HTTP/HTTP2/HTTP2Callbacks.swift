internal import CNghttp2

/// nghttp2's callback table and options, made once for the process and shared by all sessions.
///
/// The context that nghttp2 passes to each callback is an unretained `HTTP2Session`: it owns the C session and
/// outlives it.
@safe final class HTTP2Callbacks: @unchecked Sendable {
    static let shared = HTTP2Callbacks()

    /// Read-only after init, which is what makes sharing it safe.
    private let callbacks: OpaquePointer?
    private let options: OpaquePointer?

    private init() {
        var callbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe Self.setHeaderCallbacks(callbacks)
        unsafe Self.setReceivingCallbacks(callbacks)
        unsafe Self.setSendingCallbacks(callbacks)
        unsafe self.callbacks = callbacks

        var options: OpaquePointer?
        unsafe nghttp2_option_new(&options)
        // Window is given back by hand, when the other side has taken the bytes.
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        // 1.52 counts a CONTINUATION header once for each read that it is split over: the session counts them itself.
        unsafe nghttp2_option_set_max_continuations(options, 1 << 20)
        // HTTP2Abuse counts resets, more strictly and by the caller's clock.
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, .max, .max)
        // It would keep 128 closed streams, 28 KiB, for a priority tree; what is left to judge late frames by is
        // StreamHistory.
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe self.options = options
    }

    deinit {
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(options)
    }

    /// - Parameter memory: what the session lives in, if not on the heap; it must outlive the session.
    func makeSession(
        _ role: HTTP2Role, context: UnsafeMutableRawPointer, memory: SessionMemory?
    ) -> OpaquePointer? {
        var session: OpaquePointer?
        switch role {
        case .server:
            if let memory {
                var allocator = unsafe memory.allocator
                unsafe nghttp2_session_server_new3(&session, callbacks, context, options, &allocator)
            } else {
                unsafe nghttp2_session_server_new2(&session, callbacks, context, options)
            }
        case .client: unsafe nghttp2_session_client_new2(&session, callbacks, context, options)
        }
        return unsafe session
    }

    private static func setHeaderCallbacks(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame else { return 0 }
            unsafe HTTP2Session.with(context) { unsafe $0.headersBegan(stream: frame.pointee.hd.stream_id) }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, context in
            guard let frame = unsafe frame else { return 0 }
            let isAccepted = unsafe HTTP2Session.with(context) { session in
                unsafe session.header(
                    stream: frame.pointee.hd.stream_id,
                    name: UnsafeRawBufferPointer(start: name, count: nameLength),
                    value: UnsafeRawBufferPointer(start: value, count: valueLength))
            }
            return isAccepted == false ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
        }
        // nghttp2 would drop a field with forbidden bytes; refusing its stream hides nothing from anybody.
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
    }

    private static func setReceivingCallbacks(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, length, context in
            guard let data = unsafe data else { return 0 }
            unsafe HTTP2Session.with(context) { unsafe $0.dataReceived(stream: stream, data, length) }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame else { return 0 }
            let header = unsafe frame.pointee.hd
            let endStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            unsafe HTTP2Session.with(context) { session in
                switch UInt32(header.type) {
                case NGHTTP2_HEADERS.rawValue:
                    session.headersReceived(stream: header.stream_id, endStream: endStream)
                case NGHTTP2_DATA.rawValue: if endStream { session.dataEnded(stream: header.stream_id) }
                case NGHTTP2_SETTINGS.rawValue:
                    if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0 { session.settingsReceived() }
                default: break
                }
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            unsafe HTTP2Session.with(context) { $0.streamClosed(stream, code: code) }
            return 0
        }
    }

    private static func setSendingCallbacks(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame else { return 0 }
            let header = unsafe frame.pointee.hd
            unsafe HTTP2Session.with(context) { session in
                switch UInt32(header.type) {
                case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
                    if header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
                        session.endStreamSent(header.stream_id)
                    }
                case NGHTTP2_RST_STREAM.rawValue: unsafe session.resetSent(code: frame.pointee.rst_stream.error_code)
                case NGHTTP2_GOAWAY.rawValue:
                    let goAway = unsafe frame.pointee.goaway
                    unsafe session.goAwaySent(
                        code: goAway.error_code,
                        reason: UnsafeRawBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
                default: break
                }
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, context in
            guard let frame = unsafe frame else { return 0 }
            let header = unsafe frame.pointee.hd
            if header.type == UInt8(NGHTTP2_HEADERS.rawValue) {
                unsafe HTTP2Session.with(context) { $0.headersNotSent(stream: header.stream_id) }
            }
            return 0
        }
    }

    /// The data source of every message body: it fills frames from the stream's queue.
    static let readBody: nghttp2_data_source_read_callback = { _, stream, buffer, length, flags, _, context in
        let count = unsafe HTTP2Session.with(context) { session in
            unsafe flags.map { flags in
                unsafe session.readBody(
                    stream: stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: length), flags: flags)
            }
        }
        return count.flatMap { $0 } ?? Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }
}

extension HTTP2Session {
    /// Gives `body` the session behind a callback's context. It outlives the call, so no reference is counted.
    @inline(__always) @discardableResult
    static func with<Result>(_ context: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Result) -> Result? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<HTTP2Session>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }
}
