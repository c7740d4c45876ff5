/// The rules for a request's control data that hold for both protocols.
package enum RequestValidation {
    /// Whether `authority` is `host[:port]` as a client may send it: a registered name, an IPv4 address or a
    /// bracketed IPv6 address, and no userinfo (RFC 9110 §4.2.4, §7.2). Percent-encoded names are not accepted.
    package static func isAuthority(_ authority: String) -> Bool {
        var authority = authority
        return authority.withUTF8 { unsafe isAuthority($0) }
    }

    private static func isAuthority(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var end = 0
        if unsafe bytes.first == UInt8(ascii: "[") {
            end = 1
            while unsafe end < bytes.count && isAddressByte(bytes[end]) { end += 1 }
            guard end > 1, unsafe end < bytes.count && bytes[end] == UInt8(ascii: "]") else { return false }
            end += 1
        } else {
            while unsafe end < bytes.count && isNameByte(bytes[end]) { end += 1 }
            guard end > 0 else { return false }
        }
        if end == bytes.count { return true }
        guard unsafe bytes[end] == UInt8(ascii: ":"), bytes.count - end <= 6 else { return false }
        var port = 0
        for index in end + 1..<bytes.count {
            let byte = unsafe bytes[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return false }
            port = port * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return port <= 65_535
    }

    /// Unreserved bytes (RFC 3986 §2.3), of which host names are made.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// What stands in the brackets of an IPv6 address.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Whether `path` is an origin-form target: it starts with `/`, is visible ASCII and has no fragment.
    package static func isOriginForm(_ path: String) -> Bool {
        var path = path
        return path.withUTF8 { bytes in
            unsafe bytes.first == UInt8(ascii: "/")
                && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
        }
    }

    /// Whether two spellings name the same authority: case does not count in a host name, nor does the default port
    /// of `https` or an empty one (RFC 3986 §6.2.3, RFC 9113 §8.3.1).
    package static func sameAuthority(_ one: String, _ other: String) -> Bool {
        one == other || normalized(one) == normalized(other)
    }

    private static func normalized(_ authority: String) -> Substring {
        let authority = authority.lowercased()[...]
        for suffix in [":443", ":"] where authority.hasSuffix(suffix) { return authority.dropLast(suffix.count) }
        return authority
    }

    /// Whether any Expect field asks for something else than `100-continue` (RFC 9110 §10.1.1).
    private static func expectsMore(_ fields: HeaderFields) -> Bool {
        guard fields.firstIndex(of: "expect") != nil else { return false }
        return (0..<fields.count).contains { index in
            fields.isNamed(index, "expect") && fields.value(at: index).lowercased() != "100-continue"
        }
    }

    /// Builds the head of an HTTP/2 request from its header section, or says what is wrong with it.
    static func head(
        of incoming: inout IncomingHeaders, limits: HTTPLimits
    ) throws(RequestFault) -> RequestHead {
        func bad(_ message: String) -> RequestFault { RequestFault(status: 400, message: message) }
        if incoming.exceedsLimits { throw .headersTooLarge }
        if incoming.path.utf8.count > limits.targetLength { throw .targetTooLong }
        if incoming.method == "CONNECT" { throw bad("CONNECT is not served here.") }
        // nghttp2 lets through neither a second Host nor a request without any authority.
        let host = incoming.fields["host"]
        guard let authority = incoming.authority ?? host, isAuthority(authority) else {
            throw bad("The request needs one valid :authority or Host, without user information.")
        }
        if let host, !sameAuthority(host, authority) { throw bad("Host and :authority differ.") }
        guard incoming.scheme == "https" || ["https", "http"].contains(incoming.scheme.lowercased()) else {
            throw bad("The request's :scheme must be https.")
        }
        let isAsterisk = incoming.path == "*" && incoming.method == "OPTIONS"
        guard isAsterisk || isOriginForm(incoming.path) else {
            throw bad("The request target must start with / and hold visible ASCII only, without #.")
        }
        if expectsMore(incoming.fields) { throw .expectationFailed }
        incoming.joinCookies()
        return RequestHead(
            method: incoming.method, scheme: incoming.scheme, authority: authority, path: incoming.path,
            fields: incoming.fields, version: .http2)
    }
}

extension RequestFault {
    package static let requestTimeout = RequestFault(status: 408, message: "The request did not arrive in time.")
    static let expectationFailed = RequestFault(
        status: 417, message: "The only expectation met here is 100-continue.")
    static let headersTooLarge = RequestFault(
        status: 431, message: "The header fields are too large or too many. Send fewer or shorter ones.")
    static let targetTooLong = RequestFault(status: 414, message: "The request target is too long.")
}
