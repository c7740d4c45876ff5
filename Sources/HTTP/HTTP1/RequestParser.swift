import NIOCore

/// Parses request heads (RFC 9112 §3, §5), strictly, from input that arrives in pieces.
///
/// Lines are consumed from the input as they become whole, so what the caller has to keep is a part of one line.
struct RequestParser {
    /// What a request's head says of its body and its connection.
    struct Framing {
        /// The body's framing: chunked, or counted when there is a length, or none.
        var isChunked: Bool
        var contentLength: Int?
        var wantsClose: Bool
        var expectsContinue: Bool
    }

    private let limits: HTTPLimits
    private let scheme: String
    private var line = LineScanner()
    private var section = HeaderSection(keepsFraming: true)
    /// Known once the request line was parsed; also after a fault, for the answer's framing.
    private(set) var method = ""
    private(set) var version: HTTPVersion?
    private var path = ""
    /// The authority of a target in absolute form.
    private var targetAuthority: String?
    private var skippedEmptyLine = false

    init(limits: HTTPLimits, scheme: String) {
        self.limits = limits
        self.scheme = scheme
    }

    /// Whether a request line has been consumed.
    var hasStarted: Bool { version != nil }

    /// Consumes what it can of `input`; the framing once the head is whole, which is then to be taken.
    mutating func parse(_ input: inout ByteBuffer) throws(RequestFault) -> Framing? {
        var offset = 0
        let isWhole = try advance(input.readableBytesSpan, &offset)
        input.moveReaderIndex(forwardBy: offset)
        return isWhole ? try judge() : nil
    }

    /// The head that was parsed; the parser is then ready for the next.
    mutating func takeHead() -> RequestHead {
        let head = RequestHead(
            method: method, scheme: scheme, authority: section.host.isEmpty ? targetAuthority ?? "" : section.host,
            path: path, fields: section.fields, version: version ?? .http1_1)
        section = HeaderSection(keepsFraming: true)
        method = ""
        version = nil
        targetAuthority = nil
        skippedEmptyLine = false
        return head
    }

    private mutating func advance(_ input: borrowing RawSpan, _ offset: inout Int) throws(RequestFault) -> Bool {
        while version == nil {
            // 64 bytes leave room for any method and for the version.
            let limit = limits.targetLength + 64
            guard let end = try line.end(in: input, from: offset, limit: limit, tooLong: .targetTooLong) else {
                return false
            }
            if offset == end {
                // One empty line before a request is tolerated (RFC 9112 §2.2).
                guard !skippedEmptyLine else { throw .bad("The request line is empty.") }
                skippedEmptyLine = true
            } else {
                try parseRequestLine(input, offset..<end)
            }
            offset = end &+ 2
        }
        return try section.parse(input, from: &offset, limits: limits)
    }

    /// `method SP request-target SP HTTP-version`, exactly.
    private mutating func parseRequestLine(
        _ input: borrowing RawSpan, _ range: Range<Int>
    ) throws(RequestFault) {
        let space = UInt8(ascii: " ")
        let methodEnd = input.endOfRun(of: .token, from: range.lowerBound, to: range.upperBound)
        guard methodEnd > range.lowerBound, methodEnd < range.upperBound, input.byte(at: methodEnd) == space else {
            throw .bad("The request line must start with a method and one space.")
        }
        method = input.string(range.lowerBound..<methodEnd)
        let targetStart = methodEnd &+ 1
        let targetEnd = input.endOfRun(of: .target, from: targetStart, to: range.upperBound)
        guard targetEnd > targetStart else { throw .bad("The request line has no request target.") }
        guard targetEnd < range.upperBound, input.byte(at: targetEnd) == space else {
            throw .bad("The request target must be visible ASCII without #, followed by one space and HTTP/1.1.")
        }
        let parsedVersion = try parseVersion(input, targetEnd &+ 1..<range.upperBound)
        guard targetEnd &- targetStart <= limits.targetLength else { throw .targetTooLong }
        try parseTarget(input, targetStart..<targetEnd)
        version = parsedVersion
    }

    private func parseVersion(_ input: borrowing RawSpan, _ range: Range<Int>) throws(RequestFault) -> HTTPVersion {
        let start = range.lowerBound
        // "HTTP/" in capitals: the name of the protocol heeds case (RFC 9112 §2.3).
        guard range.count == 8, input.byte(at: start) == UInt8(ascii: "H"),
            input.byte(at: start &+ 1) == UInt8(ascii: "T"), input.byte(at: start &+ 2) == UInt8(ascii: "T"),
            input.byte(at: start &+ 3) == UInt8(ascii: "P"), input.byte(at: start &+ 4) == UInt8(ascii: "/"),
            let major = input.decimal(start &+ 5..<start &+ 6), input.byte(at: start &+ 6) == UInt8(ascii: "."),
            let minor = input.decimal(start &+ 7..<start &+ 8), major > 0
        else { throw .bad("The request line must end with HTTP/1.1.") }
        switch (major, minor) {
        case (1, 1): return .http1_1
        case (1, 0): return .http1_0
        default: throw RequestFault(status: 505, message: "Only HTTP/1.1, HTTP/1.0 and, over TLS, HTTP/2 are spoken.")
        }
    }

    /// Origin form, absolute form with http or https, or `*` for OPTIONS (RFC 9112 §3.2).
    private mutating func parseTarget(_ input: borrowing RawSpan, _ range: Range<Int>) throws(RequestFault) {
        if method == "CONNECT" { throw .bad("CONNECT is not served here.") }
        if input.byte(at: range.lowerBound) == UInt8(ascii: "/") {
            path = input.string(range)
            return
        }
        if range.count == 1, input.byte(at: range.lowerBound) == UInt8(ascii: "*"), method == "OPTIONS" {
            path = "*"
            return
        }
        guard
            let schemeLength = ["http://", "https://"].first(where: { hasPrefix($0, input, range) })?.utf8CodeUnitCount
        else { throw .bad("The request target must start with / or be an http or https URL.") }
        let authorityStart = range.lowerBound &+ schemeLength
        var authorityEnd = authorityStart
        while authorityEnd < range.upperBound, input.byte(at: authorityEnd) != UInt8(ascii: "/"),
            input.byte(at: authorityEnd) != UInt8(ascii: "?")
        {
            authorityEnd &+= 1
        }
        targetAuthority = input.string(authorityStart..<authorityEnd)
        path = input.string(authorityEnd..<range.upperBound)
        if path.utf8.first != UInt8(ascii: "/") { path = "/" + path }
    }

    private func hasPrefix(_ prefix: StaticString, _ input: borrowing RawSpan, _ range: Range<Int>) -> Bool {
        let end = range.lowerBound &+ prefix.utf8CodeUnitCount
        return end <= range.upperBound && input.matches(range.lowerBound..<end, prefix)
    }

    /// Judges the whole head.
    private func judge() throws(RequestFault) -> Framing {
        let isHTTP10 = version == .http1_0
        if section.isChunked && isHTTP10 { throw .bad("HTTP/1.0 has no Transfer-Encoding.") }
        try judgeAuthority(isHTTP10)
        if section.expectation == .unknown {
            throw .expectationFailed
        }
        return Framing(
            isChunked: section.isChunked, contentLength: section.contentLength,
            wantsClose: section.saysClose || isHTTP10,
            expectsContinue: section.expectation == .continueStatus && !isHTTP10)
    }

    /// The request has one authority: Host, which HTTP/1.0 may leave out, and the same one in the target if it is in
    /// absolute form (RFC 9112 §3.2).
    private func judgeAuthority(_ isHTTP10: Bool) throws(RequestFault) {
        if section.hostCount == 0 && isHTTP10 {
            guard targetAuthority.map(RequestValidation.isAuthority) != false else {
                throw .bad("The request target has no valid host.")
            }
            return
        }
        guard section.hostCount == 1, RequestValidation.isAuthority(section.host) else {
            throw .bad("The request needs one Host field with a valid host name or address.")
        }
        if let targetAuthority, !RequestValidation.sameAuthority(targetAuthority, section.host) {
            throw .bad("The request target and Host name different authorities.")
        }
    }
}
