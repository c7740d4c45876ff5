package import NIOCore

/// The client's side of an HTTP/1.1 connection (RFC 9112): one request at a time.
///
/// A response whose framing leaves any doubt fails its exchange and ends the connection, and so do bytes that belong
/// to no response: what follows could be taken for the answer to somebody else's request.
package final class HTTP1Client: ClientEngine {
    private enum Phase {
        case idle
        case head
        case body(BodyDecoder)
        /// Nothing can follow on this connection.
        case finished
    }

    /// Interim responses that may come before the final one.
    private static let interimLimit = 8

    private let limits: HTTPLimits
    private var phase = Phase.idle
    private var parser: ResponseParser
    private var events = EventQueue<ClientEvent>()
    /// A part of a line that has not come whole.
    private var held = ByteBuffer()
    private var lastStream: Int32 = 0
    /// The request on its way out.
    private var outgoingHead: RequestHead?
    private var outgoingBody = ByteBuffer()
    private var isSending = false
    /// The request was a HEAD: its response has no body.
    private var isHead = false
    private var interimCount = 0
    private var keepsAlive = false
    /// Body bytes that were delivered and not consumed.
    private var unconsumed = 0

    /// Whether any byte has come since the last request was sent. One that died without, on a connection that had
    /// been idle, may be sent again (RFC 9112 §9.3.1): that is for the driver to decide.
    package private(set) var hasReceivedResponseBytes = false

    package init(limits: HTTPLimits) {
        self.limits = limits
        parser = ResponseParser(limits: limits)
    }

    private var stream: StreamID { StreamID(lastStream) }

    private var isOpen: Bool {
        switch phase {
        case .head, .body: true
        case .idle, .finished: false
        }
    }

    package var openStreams: Int { isOpen ? 1 : 0 }

    package var capacity: Int {
        if case .idle = phase { 1 } else { 0 }
    }

    package var knowsLimits: Bool { true }

    package var isFinished: Bool {
        if case .finished = phase { true } else { false }
    }

    package var wantsReadPaused: Bool { isOpen && unconsumed > limits.streamWindow }

    // MARK: Out

    package func send(_ head: RequestHead, body: ByteBuffer) -> StreamID? {
        guard case .idle = phase else { return nil }
        lastStream &+= 1
        phase = .head
        outgoingHead = head
        outgoingBody = body
        isSending = true
        isHead = head.method == "HEAD"
        interimCount = 0
        unconsumed = 0
        hasReceivedResponseBytes = false
        return stream
    }

    package func writeOutput(into output: inout ByteBuffer, limit: Int) -> Bool {
        guard isSending, isOpen else { return false }
        let start = output.writerIndex
        if let head = outgoingHead {
            outgoingHead = nil
            output.writeRequestHead(head, bodyLength: outgoingBody.readableBytes)
        }
        let room = max(1, limit - (output.writerIndex - start))
        output.writeBytes(of: &outgoingBody, min(room, outgoingBody.readableBytes))
        if outgoingBody.readableBytes == 0 {
            isSending = false
            outgoingBody = ByteBuffer()
            events.append(.drained(stream))
        }
        return output.writerIndex > start
    }

    package func cancel(_ stream: StreamID) {
        if isOpen, stream == self.stream { finish() }
    }

    // MARK: In

    package func receive(_ input: inout ByteBuffer, now: NIODeadline) throws(ConnectionFault) {
        defer { input.discardAll() }
        guard input.readableBytes > 0 else { return }
        guard isOpen else {
            finish()
            return
        }
        hasReceivedResponseBytes = true
        do throws(RequestFault) {
            if held.readableBytes > 0 {
                held.writeImmutableBuffer(input)
                var whole = held
                held = ByteBuffer()
                while try advance(&whole) {}
                if isOpen { held = whole.readerIndex > whole.readableBytes ? ByteBuffer(buffer: whole) : whole }
            } else {
                while try advance(&input) {}
                if isOpen, input.readableBytes > 0 { held = ByteBuffer(buffer: input) }
            }
        } catch {
            fail(.protocolError(error.message))
            throw ConnectionFault(.protocolError, error.message)
        }
    }

    package func receiveEnd(clean: Bool) {
        switch phase {
        case .body(.untilClose) where clean:
            events.append(.end(stream))
            finish()
        case .head, .body:
            fail(.connectionClosed)
        case .idle, .finished:
            finish()
        }
    }

    package func nextEvent() -> ClientEvent? {
        events.popFirst(isIdle: true)
    }

    package func consume(_ stream: StreamID, _ bytes: Int) {
        if isOpen, stream == self.stream { unconsumed -= bytes }
    }

    /// Parses one step; false when nothing more can be done with `input` now.
    private func advance(_ input: inout ByteBuffer) throws(RequestFault) -> Bool {
        switch phase {
        case .idle:
            // Bytes past the end of the response.
            if input.readableBytes > 0 { finish() }
            return false
        case .finished:
            return false
        case .head:
            guard input.readableBytes > 0, let framing = try parser.parse(&input) else { return false }
            try headReceived(parser.takeHead(), framing)
        case .body(var decoder):
            let piece = try decoder.next(&input)
            phase = .body(decoder)
            switch piece {
            case .needsMore: return false
            case .bytes(let bytes):
                unconsumed += bytes.readableBytes
                events.append(.body(stream, bytes))
            case .end: complete()
            }
        }
        return true
    }

    private func headReceived(_ head: ResponseHead, _ framing: ResponseParser.Framing) throws(RequestFault) {
        if head.status < 200 {
            interimCount += 1
            guard head.status != 101 else { throw .bad("The server switched protocols unasked.") }
            guard interimCount <= Self.interimLimit else { throw .bad("The server sent too many interim responses.") }
            return
        }
        keepsAlive = framing.keepsAlive
        events.append(.head(stream, head))
        if isHead || head.status == 204 || head.status == 304 {
            complete()
        } else if framing.isChunked {
            let decoder = ChunkedDecoder(
                limits: limits, listSize: framing.listSize, fieldCount: framing.fieldCount)
            phase = .body(.chunked(decoder))
        } else if let length = framing.contentLength {
            phase = .body(.counted(length))
        } else {
            keepsAlive = false
            phase = .body(.untilClose)
        }
    }

    private func complete() {
        events.append(.end(stream))
        // With a part of the request unsent the connection is in the middle of a message.
        if keepsAlive && !isSending { phase = .idle } else { finish() }
    }

    private func fail(_ reason: StreamFailure.Reason) {
        if isOpen { events.append(.failed(stream, StreamFailure(reason, hasBegun: hasReceivedResponseBytes))) }
        finish()
    }

    private func finish() {
        phase = .finished
        held = ByteBuffer()
        outgoingHead = nil
        outgoingBody = ByteBuffer()
    }
}

extension ByteBuffer {
    /// A request head in canonical form: one Host, from the authority, and one Content-Length where there is a body
    /// or where one is expected (RFC 9110 §8.6).
    fileprivate mutating func writeRequestHead(_ head: RequestHead, bodyLength: Int) {
        writeString(head.method)
        writeStaticString(" ")
        writeString(head.path)
        writeStaticString(" HTTP/1.1\r\nhost: ")
        writeString(head.authority)
        writeStaticString("\r\n")
        writeFieldLines(head.fields)
        if bodyLength > 0 || head.method == "POST" || head.method == "PUT" || head.method == "PATCH" {
            writeField("content-length", bodyLength)
        }
        writeStaticString("\r\n")
    }
}
