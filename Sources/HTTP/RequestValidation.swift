/// The rules for a request's control data that hold for both protocols.
package enum RequestValidation {
    /// Whether `authority` is `host[:port]` as a client may send it: a registered name, an IPv4 address or a
    /// bracketed IPv6 address, and no userinfo (RFC 9110 §4.2.4, §7.2).
    package static func isAuthority(_ authority: String) -> Bool {
        var bytes = Array(authority.utf8)[...]
        guard let first = bytes.first else { return false }
        if first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), end > bytes.startIndex + 1 else { return false }
            let inside = bytes[bytes.index(after: bytes.startIndex)..<end]
            guard inside.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
                return false
            }
            bytes = bytes[(end + 1)...]
        } else {
            let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            guard end > bytes.startIndex, bytes[..<end].allSatisfy(isNameByte) else { return false }
            bytes = bytes[end...]
        }
        guard let colon = bytes.first else { return true }
        let port = bytes.dropFirst()
        return colon == UInt8(ascii: ":") && port.count <= 5 && port.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            && (port.isEmpty || Int(String(decoding: port, as: UTF8.self)).map { $0 <= 65535 } == true)
    }

    /// Unreserved and percent-encoded bytes and the sub-delimiters that occur in host names.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    /// Whether `path` is an origin-form target: it starts with `/`, is visible ASCII and has no fragment.
    package static func isOriginForm(_ path: String) -> Bool {
        path.utf8.first == UInt8(ascii: "/")
            && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
    }

    /// Whether two spellings name the same authority: case does not count in a host name.
    package static func sameAuthority(_ one: String, _ other: String) -> Bool {
        one == other || one.lowercased() == other.lowercased()
    }

    /// Builds and judges the head of an HTTP/2 request.
    static func head(of incoming: IncomingHeaders, limits: HTTPLimits) -> Result<RequestHead, RequestFault> {
        func bad(_ message: String) -> Result<RequestHead, RequestFault> {
            .failure(RequestFault(status: 400, message: message))
        }
        if incoming.exceedsLimits { return .failure(.headersTooLarge) }
        if incoming.path.utf8.count > limits.targetLength { return .failure(.targetTooLong) }
        let hosts = incoming.fields.count(of: "host")
        guard hosts <= 1 else { return bad("More than one Host field.") }
        let host = incoming.fields["host"]
        guard let authority = incoming.authority ?? host, isAuthority(authority) else {
            return bad("The request needs one valid :authority or Host, without user information.")
        }
        if let host, !sameAuthority(host, authority) { return bad("Host and :authority differ.") }
        if incoming.method == "CONNECT" { return bad("CONNECT is not served here.") }
        let isAsterisk = incoming.path == "*" && incoming.method == "OPTIONS"
        guard isAsterisk || isOriginForm(incoming.path) else {
            return bad("The request target must start with / and hold visible ASCII only, without #.")
        }
        if let expect = incoming.fields["expect"], expect.lowercased() != "100-continue" {
            return .failure(RequestFault(status: 417, message: "The only expectation met here is 100-continue."))
        }
        return .success(
            RequestHead(
                method: incoming.method, scheme: incoming.scheme, authority: authority, path: incoming.path,
                fields: incoming.fields, version: .http2))
    }
}

extension RequestFault {
    static let headersTooLarge = RequestFault(
        status: 431, message: "The header fields are too large or too many. Send fewer or shorter ones.")
    static let targetTooLong = RequestFault(status: 414, message: "The request target is too long.")
}
