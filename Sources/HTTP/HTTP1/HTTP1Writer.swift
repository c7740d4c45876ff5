import NIOCore

/// How messages are written in HTTP/1.1 (RFC 9112 §2.1, §7.1).
extension ByteBuffer {
    /// `HTTP/1.1 SP status SP reason CRLF`.
    mutating func writeStatusLine(_ status: Int) {
        switch status {
        case 200: writeStaticString("HTTP/1.1 200 OK\r\n")
        default:
            writeStaticString("HTTP/1.1 ")
            writeString(String(status))
            writeStaticString(" ")
            writeStaticString(reasonPhrase(status))
            writeStaticString("\r\n")
        }
    }

    /// Field lines for `fields`, without those that are the engine's own (framing, Connection, Host) and without any
    /// whose name is no token or whose value holds a control byte: those could only forge the message.
    mutating func writeFieldLines(_ fields: HeaderFields) {
        let longest = fields.byteCount + 4 * fields.count
        // One reservation for all of them: field lines are most of what is written in small pieces.
        unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: longest) { target in
            var written = 0
            fields.forEachRange { name, value, bytes in
                if isLegal(name, value, bytes), !isEngineField(name, bytes) {
                    unsafe written += bytes.copyFieldLine(name, value, to: target, at: written)
                }
            }
            return written
        }
    }

    /// One decimal number as the value of a field.
    mutating func writeField(_ name: StaticString, _ value: Int) {
        writeStaticString(name)
        writeStaticString(": ")
        writeString(String(value))
        writeStaticString("\r\n")
    }

    /// One chunk with the next `count` bytes of `body`; `count` is above zero and not above what `body` holds.
    mutating func writeChunk(_ body: inout ByteBuffer, _ count: Int) {
        var shift = (Int.bitWidth - 1 - count.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: (count >> shift) & 0xF)
            writeInteger(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
        writeStaticString("\r\n")
        writeBytes(of: &body, count)
        writeStaticString("\r\n")
    }

    /// Leaves nothing to read. The storage, which others may share, is let alone.
    mutating func discardAll() {
        moveReaderIndex(to: writerIndex)
    }

    /// Moves `count` bytes from the front of `body`.
    mutating func writeBytes(of body: inout ByteBuffer, _ count: Int) {
        writeBytes(body.readableBytesSpan.extracting(first: count))
        body.moveReaderIndex(forwardBy: count)
    }
}

private func isLegal(_ name: Range<Int>, _ value: Range<Int>, _ bytes: borrowing RawSpan) -> Bool {
    !name.isEmpty && bytes.endOfRun(of: .token, from: name.lowerBound, to: name.upperBound) == name.upperBound
        && bytes.extracting(value).firstControl(from: 0) == value.count
}

private func isEngineField(_ name: Range<Int>, _ bytes: borrowing RawSpan) -> Bool {
    switch name.count {
    case 4: bytes.matches(name, "host")
    case 10: bytes.matches(name, "connection")
    case 14: bytes.matches(name, "content-length")
    case 17: bytes.matches(name, "transfer-encoding")
    default: false
    }
}

/// The reason phrases of RFC 9110 §15; others are empty, which is allowed (RFC 9112 §4).
private func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 425: "Too Early"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 499: "Client Closed Request"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    case 529: "Overloaded"
    default: ""
    }
}
