internal import CNghttp2
package import NIOCore

/// What the two sides of an HTTP/2 connection have in common (RFC 9113): the nghttp2 session, its streams, and the
/// way in and out of it.
///
/// nghttp2's callbacks only record: they change streams and queue events, and never call into the session that is
/// running. Subclasses give the callbacks their meaning for a server or a client.
@safe package class HTTP2Session {
    final let limits: HTTPLimits
    final var streams: [Int32: HTTP2Stream] = [:]
    final var abuse = HTTP2Abuse()
    /// The input that nghttp2 is reading, so that body bytes can be slices of it.
    private final var input = ByteBuffer()
    private final var inputBase: UnsafePointer<UInt8>?
    /// Reused for each header list that is sent.
    private final var nameValues: [nghttp2_nv] = unsafe []
    /// The GOAWAY that ends the connection was submitted for this reason.
    final var terminated: ConnectionFault?

    /// Owned: freed in deinit. Set once by the initializer of this class.
    final private(set) var session: OpaquePointer?

    init(role: HTTP2Role, limits: HTTPLimits) {
        self.limits = limits
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe session = HTTP2Callbacks.shared.makeSession(role, context: context)
        submitSettings(role)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    private func submitSettings(_ role: HTTP2Role) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
        }
        var entries = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListSize),
        ]
        switch role {
        case .server:
            entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams))
        case .client:
            entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindow))
    }

    // MARK: In

    /// Feeds all of `bytes` to nghttp2.
    final func receiveBytes(_ bytes: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        guard terminated == nil else {
            bytes.clear()
            return
        }
        abuse.tick(now)
        input = bytes
        let result = unsafe bytes.withUnsafeReadableBytes { pointer in
            unsafe inputBase = pointer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe nghttp2_session_mem_recv(session, inputBase, pointer.count)
        }
        unsafe inputBase = nil
        input = ByteBuffer()
        bytes.clear()
        if result < 0 {
            let reason = unsafe String(cString: nghttp2_strerror(Int32(result)))
            let flooded = result == Int(NGHTTP2_ERR_FLOODED.rawValue) || abuse.isExceeded
            terminate(flooded ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR, reason)
        } else if abuse.isExceeded {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM, "too many resets or frames without progress")
        }
        if let terminated { throw terminated }
    }

    /// Body bytes as a slice of the input they came in: no copy.
    final func slice(_ data: UnsafePointer<UInt8>, _ length: Int) -> ByteBuffer {
        if let base = unsafe inputBase {
            let offset = unsafe data - base
            if let slice = input.getSlice(at: input.readerIndex + offset, length: length) { return slice }
        }
        return unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: data, count: length))
    }

    /// Ends the connection with GOAWAY; what it says is still to be sent.
    final func terminate(_ code: nghttp2_error_code, _ message: String) {
        guard terminated == nil else { return }
        terminated = ConnectionFault(message)
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
    }

    // MARK: Out

    /// Appends frames to `output` until about `limit` bytes were written or nothing is left to send.
    package final func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool {
        prepareOutput()
        let start = output.writerIndex
        while output.writerIndex - start < limit {
            var data: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &data)
            guard count > 0, let data = unsafe data else { break }
            unsafe output.writeBytes(UnsafeRawBufferPointer(start: data, count: count))
        }
        return output.writerIndex > start
    }

    /// Called before frames are taken out.
    func prepareOutput() {}

    /// Lets `body` append to the stream's queue, and wakes nghttp2's data source.
    package final func write(_ id: StreamID, _ body: (inout ByteBuffer) -> Void) {
        guard let stream = streams[id.rawValue], !stream.outgoingEnded else { return }
        body(&stream.outgoing)
        if stream.suppressesBody { stream.outgoing.clear() }
        resume(stream)
    }

    package final func end(_ id: StreamID) {
        guard let stream = streams[id.rawValue] else { return }
        stream.outgoingEnded = true
        resume(stream)
    }

    final func resume(_ stream: HTTP2Stream) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        unsafe nghttp2_session_resume_data(session, stream.id)
    }

    package final func queuedBytes(_ id: StreamID) -> Int {
        streams[id.rawValue]?.outgoing.readableBytes ?? 0
    }

    /// Fills nghttp2's frame from the stream's queue; nghttp2's code for "nothing now" or "reset" otherwise.
    final func readBody(
        stream id: Int32, into buffer: UnsafeMutableRawBufferPointer, flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard let stream = streams[id] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let count = min(buffer.count, stream.outgoing.readableBytes)
        if count > 0 {
            unsafe stream.outgoing.readWithUnsafeReadableBytes { bytes in
                unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            abuse.creditProgress()
        }
        guard stream.outgoing.readableBytes == 0 else { return count }
        stream.outgoing.clear()
        if stream.outgoingEnded {
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            return count
        }
        if count > 0 {
            bodyDrained(stream)
            return count
        }
        // A temporary failure makes nghttp2 reset the stream with INTERNAL_ERROR: all that was queued is out.
        if stream.abortsWhenDrained { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        stream.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }

    /// Gives `submit` nghttp2's form of a header list; the bytes live for the time of the call, nghttp2 copies them.
    final func withNameValues<Result>(
        _ list: borrowing HeaderFields, _ submit: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        unsafe nameValues.removeAll(keepingCapacity: true)
        return unsafe list.withUnsafeFields { bytes, fields in
            for field in fields {
                let name = unsafe bytes + Int(field.start)
                unsafe nameValues.append(
                    nghttp2_nv(
                        name: name, value: name + Int(field.nameLength), namelen: Int(field.nameLength),
                        valuelen: Int(field.valueLength), flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
            }
            return unsafe nameValues.withUnsafeBufferPointer { unsafe submit($0.baseAddress, $0.count) }
        }
    }

    // MARK: What subclasses answer to nghttp2

    /// A frame's header arrived, of any type, known or not, also of a frame that will be ignored.
    func frameBegan(type: UInt8, stream: Int32, length: Int) {}
    func headersBegan(stream: Int32) {}
    /// Returns false to give up the connection.
    func header(stream: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool { true }
    func data(stream: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) {}
    /// A frame is whole and was found good.
    func frameReceived(type: UInt8, stream: Int32, flags: UInt8) {}
    func frameSent(type: UInt8, stream: Int32, flags: UInt8) {}
    func streamClosed(_ stream: Int32, code: UInt32) {}
    func bodyDrained(_ stream: HTTP2Stream) {}
}

enum HTTP2Role {
    case server, client
}
