import NIOCore

/// The response of one HTTP/1.1 exchange on its way out: its head, its framing (RFC 9112 §6), and its queued body.
///
/// The head is written with the first output that follows it, so that by then it is known whether the connection
/// goes on, and often how long the body is.
struct OutgoingResponse {
    /// What a call of `write(into:)` has brought about.
    enum Progress {
        case unchanged
        /// Queued bytes went out, and none is left.
        case drained
        /// The response is out whole.
        case complete
        /// It can not be completed: the connection must end now, so that the client sees it cut short.
        case broken
    }

    private enum Framing {
        case bodiless
        /// Bytes that Content-Length still promises.
        case counted(Int)
        case chunked
        case untilClose
    }

    private enum Stage {
        case waiting
        case head(ResponseHead)
        case body(Framing)
    }

    private var stage = Stage.waiting
    /// The request was a HEAD: no response to it has a body.
    private let isHead: Bool
    private let version: HTTPVersion
    private(set) var queued: ByteBuffer
    /// The application has ended the response.
    private(set) var isEnded = false
    /// Nothing follows what is queued, not even an end.
    private(set) var isAborted = false

    /// `queue` is an empty buffer whose storage is used again.
    init(isHead: Bool, version: HTTPVersion, queue: ByteBuffer) {
        self.isHead = isHead
        self.version = version
        self.queued = queue
    }

    var isStarted: Bool {
        if case .waiting = stage { false } else { true }
    }

    private var takesMore: Bool { isStarted && !isEnded && !isAborted }

    mutating func respond(_ head: ResponseHead, end: Bool) {
        guard !isStarted, !isAborted else { return }
        stage = .head(head)
        isEnded = end
    }

    mutating func write(_ body: (inout ByteBuffer) -> Void) {
        guard takesMore else { return }
        body(&queued)
        if isHead { clearQueue() }
    }

    mutating func end() {
        if takesMore { isEnded = true }
    }

    /// Ends the response in the middle: `now`, or after what is queued.
    mutating func abort(now: Bool) {
        isAborted = true
        if now || isEnded || !isStarted {
            clearQueue()
            stage = .body(.bodiless)
        }
    }

    /// Whether there is a head or a body to be written.
    var hasOutput: Bool {
        if case .head = stage { true } else { queued.readableBytes > 0 }
    }

    /// Empties the queue and keeps its storage. An empty buffer is let alone: it may have no storage of its own.
    private mutating func clearQueue() {
        if queued.writerIndex > 0 { queued.clear() }
    }

    /// Appends what can be sent, about `limit` bytes at most; the bytes of one call make one chunk.
    mutating func write(into output: inout ByteBuffer, limit: Int, closes: Bool) -> Progress {
        let start = output.writerIndex
        if case .head(let head) = stage {
            let framing = framing(of: head, closes: closes)
            writeHead(head, framing, closes: closes, into: &output)
            stage = .body(framing)
        }
        guard case .body(let framing) = stage else { return .unchanged }
        let room = max(1, limit - (output.writerIndex - start))
        let count = min(queued.readableBytes, room)
        switch framing {
        case .bodiless:
            clearQueue()
        case .counted(let promised):
            output.writeBytes(of: &queued, min(count, promised))
            stage = .body(.counted(promised - min(count, promised)))
            if count >= promised { clearQueue() }
        case .chunked where count > 0:
            output.writeChunk(&queued, count)
        case .chunked:
            break
        case .untilClose:
            output.writeBytes(of: &queued, count)
        }
        guard queued.readableBytes == 0 else { return .unchanged }
        clearQueue()
        if isAborted { return .broken }
        guard isEnded else { return count > 0 ? .drained : .unchanged }
        switch stage {
        case .body(.chunked): output.writeStaticString("0\r\n\r\n")
        case .body(.counted(let missing)) where missing > 0: return .broken
        default: break
        }
        return .complete
    }

    private func framing(of head: ResponseHead, closes: Bool) -> Framing {
        if isHead || head.status == 204 || head.status == 304 { return .bodiless }
        if let length = head.contentLength { return .counted(length) }
        if isEnded && !isAborted { return .counted(queued.readableBytes) }
        return version == .http1_1 || !closes ? .chunked : .untilClose
    }

    private func writeHead(_ head: ResponseHead, _ framing: Framing, closes: Bool, into output: inout ByteBuffer) {
        output.writeStatusLine(head.status)
        output.writeFieldLines(head.fields)
        switch framing {
        case .bodiless:
            // What a GET would have had, where that is known; 204 has neither (RFC 9110 §8.6).
            if let length = head.contentLength, head.status != 204 { output.writeField("content-length", length) }
        case .counted(let length): output.writeField("content-length", length)
        case .chunked: output.writeStaticString("transfer-encoding: chunked\r\n")
        case .untilClose: break
        }
        if closes { output.writeStaticString("connection: close\r\n") }
        output.writeStaticString("\r\n")
    }
}
