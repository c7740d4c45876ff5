import NIOCore

/// Parses response heads (RFC 9112 §4, §5), strictly, from input that arrives in pieces.
struct ResponseParser {
    /// What a response's head says of its body and its connection.
    struct Framing {
        var isChunked: Bool
        var contentLength: Int?
        /// The connection can be used again after this response (RFC 9112 §9.3).
        var keepsAlive: Bool
        /// Of the header section, for the limits that the trailer section shares with it.
        var listSize: Int
        var fieldCount: Int
    }

    private static let statusLineLimit = 8 * 1024

    private let limits: HTTPLimits
    private var line = LineScanner()
    private var section = HeaderSection(keepsFraming: false)
    private var status = 0
    private var version: HTTPVersion?

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Consumes what it can of `input`; the framing once the head is whole, which is then to be taken.
    mutating func parse(_ input: inout ByteBuffer) throws(RequestFault) -> Framing? {
        var offset = 0
        let isWhole = try advance(input.readableBytesSpan, &offset)
        input.moveReaderIndex(forwardBy: offset)
        guard isWhole else { return nil }
        guard !section.isChunked || version == .http1_1 else { throw .bad("HTTP/1.0 has no Transfer-Encoding.") }
        return Framing(
            isChunked: section.isChunked, contentLength: section.contentLength,
            keepsAlive: !section.saysClose && (version == .http1_1 || section.saysKeepAlive),
            listSize: section.listSize, fieldCount: section.count)
    }

    /// The head that was parsed; the parser is then ready for the next.
    mutating func takeHead() -> ResponseHead {
        let head = ResponseHead(status: status, fields: section.fields, contentLength: section.contentLength)
        section = HeaderSection(keepsFraming: false)
        version = nil
        return head
    }

    private mutating func advance(_ input: borrowing RawSpan, _ offset: inout Int) throws(RequestFault) -> Bool {
        if version == nil {
            let limit = Self.statusLineLimit
            guard
                let end = try line.end(
                    in: input, from: offset, limit: limit, tooLong: .bad("The status line is too long."))
            else { return false }
            try parseStatusLine(input, offset..<end)
            offset = end &+ 2
        }
        return try section.parse(input, from: &offset, limits: limits)
    }

    /// `HTTP-version SP status-code [ SP [ reason-phrase ] ]`; servers are known to leave out the second space.
    private mutating func parseStatusLine(_ input: borrowing RawSpan, _ range: Range<Int>) throws(RequestFault) {
        let start = range.lowerBound
        let space = UInt8(ascii: " ")
        guard range.count >= 12, input.byte(at: start &+ 8) == space,
            range.count == 12 || input.byte(at: start &+ 12) == space,
            let code = input.decimal(start &+ 9..<start &+ 12), code >= 100, code <= 599
        else { throw .bad("The status line is malformed.") }
        switch input.string(start..<start &+ 8) {
        case "HTTP/1.1": version = .http1_1
        case "HTTP/1.0": version = .http1_0
        default: throw .bad("The response is not HTTP/1.1 or HTTP/1.0.")
        }
        status = code
    }
}
