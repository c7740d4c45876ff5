/// The header section of a message while it arrives (RFC 9112 §5), and what its fields say of framing.
struct HeaderSection {
    enum Expectation { case none, continueStatus, unknown }

    private(set) var fields = HeaderFields()
    /// The decoded size and the number of the fields that came, for the limits.
    private(set) var listSize = 0
    private(set) var count = 0
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    /// `close` and `keep-alive` among the options of Connection (RFC 9112 §9.3).
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectation = Expectation.none
    private(set) var hostCount = 0
    /// The value of the first Host field.
    private(set) var host = ""
    private var line = LineScanner()
    /// Whether Content-Length, Transfer-Encoding and Connection are put among the fields.
    private let keepsFraming: Bool

    init(keepsFraming: Bool) {
        self.keepsFraming = keepsFraming
    }

    /// Parses field lines from `offset` on, and moves it past them; true when the empty line has been passed.
    @inline(__always)
    mutating func parse(
        _ input: borrowing RawSpan, from offset: inout Int, limits: HTTPLimits
    ) throws(RequestFault) -> Bool {
        if count == 0 { fields.reserve(fields: 16, bytes: min(1024, input.byteCount)) }
        while true {
            let room = limits.headerListSize - listSize
            guard let end = try line.end(in: input, from: offset, limit: room, tooLong: .headersTooLarge) else {
                return false
            }
            let start = offset
            offset = end &+ 2
            if start == end { return true }
            let field = try FieldLine(input, start..<end)
            count += 1
            listSize += field.listSize
            if count > limits.headerCount || listSize > limits.headerListSize { throw .headersTooLarge }
            if try !interpret(field, input) || keepsFraming { input.append(field, to: &fields) }
        }
    }

    /// Notes what the field says; true for the fields of framing.
    @inline(__always)
    private mutating func interpret(_ field: FieldLine, _ input: borrowing RawSpan) throws(RequestFault) -> Bool {
        switch field.name.count {
        case 4 where input.matches(field.name, "host"):
            hostCount += 1
            if hostCount == 1 { host = input.string(field.value) }
            return false
        case 6 where input.matches(field.name, "expect"):
            if !input.matches(field.value, "100-continue") {
                expectation = .unknown
            } else if expectation == .none {
                expectation = .continueStatus
            }
            return false
        case 10 where input.matches(field.name, "connection"):
            eachElement(of: field.value, in: input) { element in
                if input.matches(element, "close") { saysClose = true }
                if input.matches(element, "keep-alive") { saysKeepAlive = true }
            }
            return true
        case 14 where input.matches(field.name, "content-length"):
            guard contentLength == nil, let length = input.decimal(field.value) else {
                throw .bad("Content-Length must stand once and be a decimal number.")
            }
            contentLength = length
        case 17 where input.matches(field.name, "transfer-encoding"):
            try readTransferEncoding(field.value, input)
        default:
            return false
        }
        if contentLength != nil && isChunked {
            throw .bad("Send Content-Length or Transfer-Encoding, not both.")
        }
        return true
    }

    /// Accepts `chunked`, once and alone (RFC 9112 §6.1, §7).
    private mutating func readTransferEncoding(
        _ value: Range<Int>, _ input: borrowing RawSpan
    ) throws(RequestFault) {
        if !isChunked && input.matches(value, "chunked") {
            isChunked = true
            return
        }
        var isList = !value.isEmpty
        var chunkedCount = isChunked ? 1 : 0
        var endsChunked = false
        eachElement(of: value, in: input) { element in
            if element.isEmpty
                || input.endOfRun(of: .token, from: element.lowerBound, to: element.upperBound)
                    != element.upperBound
            {
                isList = false
            }
            endsChunked = input.matches(element, "chunked")
            if endsChunked { chunkedCount += 1 }
        }
        if isList && chunkedCount == (endsChunked ? 1 : 0) && !isChunked {
            throw RequestFault(status: 501, message: "The only transfer coding understood here is chunked.")
        }
        throw .bad("Transfer-Encoding must be chunked, once.")
    }
}

/// Calls `body` with each element of a comma-separated list (RFC 9110 §5.6.1), empty ones included.
private func eachElement(of range: Range<Int>, in input: borrowing RawSpan, _ body: (Range<Int>) -> Void) {
    var start = range.lowerBound
    for offset in range where input.byte(at: offset) == UInt8(ascii: ",") {
        body(input.trimmed(start..<offset))
        start = offset &+ 1
    }
    body(input.trimmed(start..<range.upperBound))
}
