/// Where an upstream API lives: an absolute `https` URL (RFC 3986, RFC 9110 §4.2.2) taken apart. Holds what a base URL
/// needs and nothing else: no user information, query or fragment.
package struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// The host's name in lower case, or its IP address; an IPv6 address without its brackets.
    package let host: String
    /// 1...65535; 443 where the URL names none.
    package let port: Int
    /// What goes before an endpoint's path: empty, or `/` and more, without a `/` at the end.
    package let path: String

    /// The URL's authority as `Host` and `:authority` carry it: the port is left out where it is 443.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == 443 ? host : "\(host):\(port)"
    }

    package var description: String { "https://\(authority)\(path)" }
}

extension BaseURL {
    /// - Throws: The fault of text that is no such URL.
    init(_ text: String) throws(ValueFault) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValueFault("has a space or a character that is not ASCII")
        }
        var rest = try Self.afterScheme(text)
        if rest.contains("@") { throw ValueFault("has user information (“…@”), which does not belong in a base URL") }
        if rest.contains("?") || rest.contains("#") { throw ValueFault("has a query or a fragment") }

        var authority = rest.prefix { $0 != "/" }
        rest = rest.dropFirst(authority.count)
        let host = try Self.takeHost(from: &authority)
        self.init(host: host, port: try Self.port(authority), path: try Self.path(rest))
    }

    private static func afterScheme(_ text: String) throws(ValueFault) -> Substring {
        let colon = text.firstIndex(of: ":") ?? text.startIndex
        let rest = text[colon...]
        guard rest.hasPrefix("://") else { throw ValueFault("is not an absolute URL") }
        switch text[..<colon].lowercased() {
        case "https": return rest.dropFirst(3)
        case "http": throw ValueFault("is http, which would send the API key in the clear; only https is accepted")
        default: throw ValueFault("has a scheme other than https")
        }
    }

    private static func takeHost(from authority: inout Substring) throws(ValueFault) -> String {
        guard authority.hasPrefix("[") else {
            let host = authority.prefix { $0 != ":" }
            authority = authority.dropFirst(host.count)
            guard HostText.isNameOrIPv4(String(host)) else { throw ValueFault("has no valid host name") }
            return host.lowercased()
        }
        guard let close = authority.firstIndex(of: "]") else { throw ValueFault("has a “[” without its “]”") }
        let address = authority.dropFirst().prefix(upTo: close)
        authority = authority[close...].dropFirst()
        guard HostText.isIPv6(String(address)) else { throw ValueFault("has no valid IPv6 address in its brackets") }
        return address.lowercased()
    }

    private static func port(_ text: Substring) throws(ValueFault) -> Int {
        guard !text.isEmpty else { return 443 }
        let digits = text.dropFirst()
        guard text.hasPrefix(":"), digits.utf8.allSatisfy(\.isASCIIDigit), let port = Int(digits),
            (1...65535).contains(port)
        else { throw ValueFault("has a port that is not in 1...65535") }
        return port
    }

    /// Segments of the characters of RFC 3986 §3.3; no dot segments, which would name another place.
    private static func path(_ text: Substring) throws(ValueFault) -> String {
        let path = text.hasSuffix("/") ? text.dropLast() : text
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard segments.allSatisfy({ !["", ".", ".."].contains($0) && isSegment($0) }) else {
            throw ValueFault("has a path with empty or dot segments, or characters that must not stand in one")
        }
        return String(path)
    }

    private static func isSegment(_ text: Substring) -> Bool {
        let isWellEncoded = text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.prefix(2).count == 2 && $0.prefix(2).allSatisfy(\.isHexDigit)
        }
        return isWellEncoded
            && text.utf8.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || "-._~!$&'()*+,;=:%".utf8.contains($0)
            }
    }
}
