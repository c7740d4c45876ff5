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
        if let fault = abuse.fault, terminated == nil {
            terminate(NGHTTP2_ENHANCE_YOUR_CALM, fault)
            isNew = true
        }
        return isNew
    }

    /// Resets the stream; what is queued on it is dropped.
    final func reset(_ stream: HTTP2Stream, _ code: nghttp2_error_code) {
        if stream.sending != .ended { stream.sending = .reset }
        // It may take long until the frame is out.
        stream.outgoing = ByteBuffer()
        unsafe nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    }

    // MARK: Bodies

    /// Lets `body` append to the stream's queue, and wakes nghttp2's data source. `body` must not call the engine.
    package final func write(_ id: StreamID, _ body: (inout ByteBuffer) -> Void) {
        guard let stream = streams[id.rawValue], stream.sending == .open, !stream.isBodiless else { return }
        body(&stream.outgoing)
        if isQueueTooLong(stream) { return reset(stream, NGHTTP2_ENHANCE_YOUR_CALM) }
        resume(stream)
    }

    /// Bytes that a stream may queue without a look at what the others do.
    private static let smallQueue = 256 * 1024

    private final func isQueueTooLong(_ stream: HTTP2Stream) -> Bool {
        let own = stream.outgoing.readableBytes
        guard own > Self.smallQueue else { return false }
        // One large answer by itself is bounded by who makes it.
        let all = bufferedBytes
        return all > limits.queuedBytes && all > own
    }

    /// Bytes of bodies that wait to go out, on all streams.
    package final var bufferedBytes: Int {
        streams.all.reduce(0) { $0 + $1.outgoing.readableBytes }
    }

    /// Whether the stream has bytes to send and its peer's window, or the connection's, lets none through.
    package final func waitsForWindow(_ id: StreamID) -> Bool {
        guard let stream = streams[id.rawValue], stream.headSubmitted, stream.outgoing.readableBytes > 0 else {
            return false
        }
        return unsafe nghttp2_session_get_stream_remote_window_size(session, id.rawValue) <= 0
            || nghttp2_session_get_remote_window_size(session) <= 0
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
            abuse.dataSent(count, isCut: count == buffer.count)
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

    /// Gives `submit` nghttp2's form of a header list; it is valid during the call only.
    ///
    /// nghttp2 makes no copy of the names and values in `fields`, but refers to them until the header section has gone
    /// out or its stream is gone: the stream keeps them (`HTTP2Stream.fields`).
    ///
    /// - Parameters:
    ///   - room: bytes for the values that `addControl` writes.
    ///   - addControl: adds pseudo-header fields and others of the engine's own, which come first.
    @inline(__always)
    final func withNameValues<Result>(
        room: Int, _ addControl: (inout NameValueList) -> Void, _ fields: borrowing HeaderFields,
        _ submit: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        unsafe withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { scratch in
            let capacity = NameValueList.mostControlFields + fields.count
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: capacity) { values in
                var list = unsafe NameValueList(values: values, scratch: scratch)
                addControl(&list)
                unsafe fields.forEach { name, value in
                    unsafe list.add(name, value, Self.flags(for: name))
                }
                return unsafe submit(values.baseAddress, list.count)
            }
        }
    }

    /// What nghttp2 is told of a field whose bytes are kept. It wants names in lower case, and makes a copy in it of others.
    @inline(__always)
    private static func flags(for name: UnsafeRawBufferPointer) -> nghttp2_nv_flag.RawValue {
        let copying: nghttp2_nv_flag.RawValue =
            unsafe name.hasUpperCase
            ? 0 : NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        return unsafe hasFleetingValue(name) ? copying | NGHTTP2_NV_FLAG_NO_INDEX.rawValue : copying
    }

    /// Whether a field of this name has another value in each message: X-Request-Id, X-RateLimit-…. In the peer's header
    /// table, and in ours, it would only push out what repeats: 54 of them hold 11 KiB for as long as the connection.
    private static func hasFleetingValue(_ name: UnsafeRawBufferPointer) -> Bool {
        unsafe name.count > 2 && name[2] | 0x20 == UInt8(ascii: "r") && name[1] == UInt8(ascii: "-")
            && name[0] | 0x20 == UInt8(ascii: "x")
    }
}

extension UnsafeRawBufferPointer {
    /// Whether there is a letter of A to Z; looked for eight bytes at a time.
    fileprivate var hasUpperCase: Bool {
        guard let start = baseAddress else { return false }
        let ones: UInt64 = 0x0101_0101_0101_0101
        var marks: UInt64 = 0
        var offset = 0
        while offset < count {
            var word: UInt64 = 0
            if count - offset >= 8 {
                word = unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            } else if count >= 8 {
                // Some bytes are looked at once more.
                word = unsafe start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            } else {
                for index in 0..<count { word = unsafe word << 8 | UInt64(self[index]) }
            }
            // Of seven bits each: those from A on overflow into the eighth in the first sum, those beyond Z in both.
            let low = word & (ones &* 0x7F)
            marks |= (low &+ ones &* 0x3F) & ~(low &+ ones &* 0x25) & ~word
            offset += 8
        }
        return marks & (ones &* 0x80) != 0
    }
}

/// A header list in nghttp2's form while it is put together, in memory of its user's.
@safe
struct NameValueList {
    /// The most fields that an engine adds of its own.
    static let mostControlFields = 5

    private let values: UnsafeMutableBufferPointer<nghttp2_nv>
    private let scratch: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    private var used = 0

    init(values: UnsafeMutableBufferPointer<nghttp2_nv>, scratch: UnsafeMutableRawBufferPointer) {
        unsafe self.values = values
        unsafe self.scratch = scratch
    }

    /// Adds a field whose value is copied into the scratch memory, where there must be room.
    mutating func add(_ name: StaticString, _ value: String) {
        let start = used
        let isWritten: Void? = unsafe value.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[start..<start + bytes.count])
                .copyMemory(from: UnsafeRawBufferPointer(bytes))
            used += bytes.count
        }
        if isWritten == nil { for byte in value.utf8 { write(byte) } }
        addWritten(name, from: start)
    }

    /// Adds a field whose value is a decimal number, not below zero; there must be room for its digits.
    mutating func add(_ name: StaticString, decimal value: Int) {
        let start = used
        var scale = 1
        while value / scale >= 10 { scale *= 10 }
        while scale > 0 {
            write(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / scale % 10))
            scale /= 10
        }
        addWritten(name, from: start)
    }

    private mutating func write(_ byte: UInt8) {
        unsafe scratch[used] = byte
        used += 1
    }

    /// Adds a field whose value has been written.
    private mutating func addWritten(_ name: StaticString, from start: Int) {
        let value = unsafe UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer(rebasing: scratch[start..<used]))
        let name = unsafe UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        // The name is a literal of ours, in lower case.
        unsafe add(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)
    }

    /// Adds a field whose bytes outlive the list.
    mutating func add(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ flags: nghttp2_nv_flag.RawValue
    ) {
        unsafe precondition(count < values.count)
        // nghttp2 declares the pointers mutable and does not write through them.
        unsafe values.initializeElement(
            at: count,
            to: nghttp2_nv(
                name: Self.bytes(name), value: Self.bytes(value), namelen: name.count, valuelen: value.count,
                flags: UInt8(truncatingIfNeeded: flags)))
        count += 1
    }

    private static func bytes(_ buffer: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
        unsafe UnsafeMutablePointer(mutating: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}
