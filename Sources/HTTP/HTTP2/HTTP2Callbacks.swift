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
        unsafe Self.setReceiving(callbacks)
        unsafe Self.setSending(callbacks)
        unsafe self.callbacks = callbacks

        var options: OpaquePointer?
        unsafe nghttp2_option_new(&options)
        // Window is given back by hand, when the other side has taken the bytes.
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        // 1.52 counts a CONTINUATION header once for each read that it is split over; 8 refuses honest peers.
        unsafe nghttp2_option_set_max_continuations(options, 32)
        unsafe self.options = options
    }

    deinit {
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(options)
    }

    func makeSession(_ role: HTTP2Role, context: UnsafeMutableRawPointer) -> OpaquePointer? {
        var session: OpaquePointer?
        switch role {
        case .server: unsafe nghttp2_session_server_new2(&session, callbacks, context, options)
        case .client: unsafe nghttp2_session_client_new2(&session, callbacks, context, options)
        }
        return unsafe session
    }

    private static func setReceiving(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
            guard let header = unsafe header, let session = unsafe HTTP2Session.from(context) else { return 0 }
            unsafe session.frameBegan(
                type: header.pointee.type, stream: header.pointee.stream_id, length: header.pointee.length)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame, let session = unsafe HTTP2Session.from(context) else { return 0 }
            unsafe session.headersBegan(stream: frame.pointee.hd.stream_id)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, context in
            guard let frame = unsafe frame, let session = unsafe HTTP2Session.from(context) else { return 0 }
            let accepted = unsafe session.header(
                stream: frame.pointee.hd.stream_id,
                name: UnsafeRawBufferPointer(start: name, count: nameLength),
                value: UnsafeRawBufferPointer(start: value, count: valueLength))
            return accepted ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        // nghttp2 would drop a field with forbidden bytes; refusing its stream hides nothing from anybody.
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, length, context in
            guard let data = unsafe data, let session = unsafe HTTP2Session.from(context) else { return 0 }
            unsafe session.data(stream: stream, data, length)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame, let session = unsafe HTTP2Session.from(context) else { return 0 }
            let header = unsafe frame.pointee.hd
            session.frameReceived(type: header.type, stream: header.stream_id, flags: header.flags)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            unsafe HTTP2Session.from(context)?.streamClosed(stream, code: code)
            return 0
        }
    }

    private static func setSending(_ callbacks: OpaquePointer?) {
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame = unsafe frame, let session = unsafe HTTP2Session.from(context) else { return 0 }
            let header = unsafe frame.pointee.hd
            session.frameSent(type: header.type, stream: header.stream_id, flags: header.flags)
            return 0
        }
    }

    /// The data source of every message body: it fills frames from the stream's queue.
    static let readBody: nghttp2_data_source_read_callback = { _, stream, buffer, length, flags, _, context in
        guard let session = unsafe HTTP2Session.from(context), let flags = unsafe flags else {
            return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        return unsafe session.readBody(
            stream: stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: length), flags: flags)
    }
}

extension HTTP2Session {
    /// The session behind a callback's context.
    static func from(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<HTTP2Session>.fromOpaque(context).takeUnretainedValue()
    }
}
