internal import CNghttp2
package import NIOCore

// The way out: header lists and bodies into nghttp2, frames out of it.
extension HTTP2Session {
    /// Appends frames to `output` until about `limit` bytes were written or nothing is left to send.
    package final func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool {
        let start = output.writerIndex
        submitDeferred()
        settle()
        while output.writerIndex - start < limit {
            var data: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &data)
            if count > 0, let data = unsafe data {
                unsafe output.writeBytes(UnsafeRawBufferPointer(start: data, count: count))
            } else if count < 0 {
                isBroken = true
                break
            } else if !settle() {
                break
            }
        }
        return output.writerIndex > start
    }

    /// Submits what callbacks have asked for; returns whether there was anything.
    @discardableResult
    private final func settle() -> Bool {
        var isNew = false
        if unclaimed > 0 {
            unsafe nghttp2_session_consume_connection(session, unclaimed)
            unclaimed = 0
            isNew = true
        }
        if !resets.isEmpty {
            for reset in resets { if let stream = streams[reset.stream] { self.reset(stream, reset.code) } }
            resets = []
            isNew = true
        }
        if abuse.isExceeded, terminated == nil {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM, "too many resets")
            isNew = true
        }
        return isNew
    }

    /// Resets the stream; what is queued on it is dropped.
    final func reset(_ stream: HTTP2Stream, _ code: nghttp2_error_code) {
        if stream.sending != .ended { stream.sending = .reset }
        unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    }

    // MARK: Bodies

    /// Lets `body` append to the stream's queue, and wakes nghttp2's data source. `body` must not call the engine.
    package final func write(_ id: StreamID, _ body: (inout ByteBuffer) -> Void) {
        guard let stream = streams[id.rawValue], stream.sending == .open, !stream.isBodiless else { return }
        body(&stream.outgoing)
        resume(stream)
    }

    package final func end(_ id: StreamID) {
        guard let stream = streams[id.rawValue], stream.sending == .open else { return }
        stream.sending = .ending
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

    /// nghttp2's data source: fills a frame from the stream's queue. Returns nghttp2's code for "nothing now" or for
    /// "reset it" otherwise.
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
            abuse.creditDataSent()
            guard stream.outgoing.readableBytes == 0 else { return count }
        }
        if stream.sending == .ending {
            stream.outgoing = ByteBuffer()
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            return count
        }
        if count > 0 {
            stream.outgoing.clear()
            bodyDrained(stream)
            return count
        }
        // All that was queued is out. A temporary failure makes nghttp2 reset the stream with INTERNAL_ERROR.
        if stream.sending == .aborting { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        stream.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }

    // MARK: Header sections

    /// Gives `submit` nghttp2's form of a header list, which it copies; it is valid during the call only.
    ///
    /// - Parameter control: pseudo-header fields and others of the engine's own, which come first.
    final func withNameValues<Result>(
        _ control: borrowing HeaderFields, _ fields: borrowing HeaderFields,
        _ submit: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        let count = control.count + fields.count
        return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count) { values in
            var index = 0
            func add(_ bytes: UnsafeMutablePointer<UInt8>, _ list: [HeaderFields.Field]) {
                for field in list {
                    let name = unsafe bytes + Int(field.start)
                    let flag =
                        unsafe Self.hasFleetingValue(UnsafeRawBufferPointer(start: name, count: Int(field.nameLength)))
                        ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
                    unsafe values.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: name, value: name + Int(field.nameLength), namelen: Int(field.nameLength),
                            valuelen: Int(field.valueLength), flags: UInt8(flag.rawValue)))
                    index += 1
                }
            }
            return unsafe control.withUnsafeFields { bytes, list in
                unsafe add(bytes, list)
                return unsafe fields.withUnsafeFields { bytes, list in
                    unsafe add(bytes, list)
                    return unsafe submit(values.baseAddress, count)
                }
            }
        }
    }

    /// Whether a field of this name has another value in each message: X-Request-Id, X-RateLimit-…. In the peer's header
    /// table, and in ours, it would only push out what repeats: 54 of them hold 11 KiB for as long as the connection.
    private static func hasFleetingValue(_ name: UnsafeRawBufferPointer) -> Bool {
        unsafe name.count > 2 && name[2] | 0x20 == UInt8(ascii: "r") && name[1] == UInt8(ascii: "-")
            && name[0] | 0x20 == UInt8(ascii: "x")
    }
}
