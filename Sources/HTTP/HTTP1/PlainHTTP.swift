package import NIOCore

/// Answers a client that speaks plain HTTP to the TLS port: a redirect to the `https` address of what it asked for.
package struct PlainHTTPResponder {
    /// What the first byte of a TCP connection shows.
    package enum Opening: Sendable {
        /// A TLS handshake record (RFC 8446 §5.1).
        case tls
        /// The start of an HTTP/1 request.
        case plainHTTP
        case neither
    }

    /// Judges a connection by its first byte.
    package static func opening(_ firstByte: UInt8) -> Opening {
        switch firstByte {
        case 0x16: .tls
        // A method, of which every registered one is in capitals, or the empty line that may stand before it.
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "\r"): .plainHTTP
        default: .neither
        }
    }

    private var parser: RequestParser
    private var held = ByteBuffer()
    /// Bytes that a request head may have, and how many of them may still come.
    private static let headLimit = 8 * 1024
    private var room = Self.headLimit

    package init() {
        var limits = HTTPLimits()
        limits.targetLength = Self.headLimit
        limits.headerListSize = Self.headLimit
        parser = RequestParser(limits: limits, scheme: "http")
    }

    /// Takes all of `input`. Returns the response after which the connection is to be closed, once the request head
    /// is whole or refused, and nil while more of it must come.
    ///
    /// The location is `https`, the client's own valid Host with its port (the one that brought it here), and the
    /// path of a valid request line, so it can neither leave the host nor end the field.
    package mutating func receive(_ input: inout ByteBuffer) -> ByteBuffer? {
        let isTooLong = input.readableBytes > room
        if let part = input.getSlice(at: input.readerIndex, length: min(room, input.readableBytes)) {
            room -= part.readableBytes
            held.writeImmutableBuffer(part)
        }
        input.discardAll()
        let fault: RequestFault
        do throws(RequestFault) {
            if try parser.parse(&held) != nil {
                let head = parser.takeHead()
                if !head.authority.isEmpty { return redirect(head) }
                fault = .bad("This port speaks HTTPS, and the request has no Host to redirect to.")
            } else if isTooLong {
                fault = .headersTooLarge
            } else {
                return nil
            }
        } catch {
            fault = error
        }
        return answer(fault.status, HeaderFields(), "\(fault.message)\n", isHead: parser.method == "HEAD")
    }

    private func redirect(_ head: RequestHead) -> ByteBuffer {
        let location = "https://\(head.authority)\(head.path == "*" ? "/" : head.path)"
        var fields = HeaderFields()
        fields.append("location", location)
        return answer(308, fields, "This port speaks HTTPS: \(location)\n", isHead: head.method == "HEAD")
    }

    private func answer(_ status: Int, _ fields: HeaderFields, _ text: String, isHead: Bool) -> ByteBuffer {
        var fields = fields
        fields.append("content-type", "text/plain; charset=utf-8")
        var response = OutgoingResponse(isHead: isHead, version: .http1_1, queue: ByteBuffer())
        response.respond(ResponseHead(status: status, fields: fields, contentLength: text.utf8.count), end: false)
        response.write { $0.writeString(text) }
        response.end()
        var output = ByteBuffer()
        _ = response.write(into: &output, limit: .max, closes: true)
        return output
    }
}
