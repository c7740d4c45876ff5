internal import Glibc

/// Where an OAuth server or Qwen's API lives: an absolute `https` URL (RFC 3986, RFC 9110 §4.2.2) taken apart. No user
/// information, query or fragment: a token goes to the host that is seen, and to nothing else.
package struct HTTPSURL: Sendable, Hashable, CustomStringConvertible {
    /// A host name in lower case, or an IP address; IPv6 without its brackets.
    package let host: String
    /// 1...65535; 443 where the URL names none.
    package let port: Int
    /// Empty, or `/` and more, without a `/` at the end.
    package let path: String

    /// What the `Host` field and `:authority` carry: the port is left out where it is 443.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == 443 ? host : "\(host):\(port)"
    }

    package var description: String { "https://\(authority)\(path)" }

    /// The place below this one; `path` begins with a slash.
    package func appending(_ path: String) -> HTTPSURL {
        HTTPSURL(host: host, port: port, path: self.path + path)
    }

    private init(host: String, port: Int, path: String) {
        self.host = host
        self.port = port
        self.path = path
    }
}

extension HTTPSURL {
    /// Why a text is no such URL: the end of a sentence that begins with what the text is for. Repeats nothing of it.
    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// The longest text that is looked at, in bytes.
    private static let longest = 2048

    /// - Parameter defaultScheme: put in front of a text that names no scheme, as `resource_url` does.
    package init(_ text: String, defaultScheme: String? = nil) throws(Fault) {
        guard text.utf8.count <= Self.longest else { throw Fault("is longer than \(Self.longest) bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Fault("has a space or a character that is not ASCII")
        }
        var rest = try Self.afterScheme(text, defaultScheme: defaultScheme)
        guard !rest.contains("@") else { throw Fault("has user information (“…@”)") }
        guard !rest.contains("?"), !rest.contains("#") else { throw Fault("has a query or a fragment") }
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        let (host, port) = try Self.hostAndPort(rest[..<end])
        rest = rest[end...]
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let segments = rest.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard segments.allSatisfy(Self.isSegment) else {
            throw Fault("has a path with empty or dot segments, or characters that must not stand in one")
        }
        self.init(host: host, port: port, path: String(rest))
    }

    private static func afterScheme(_ text: String, defaultScheme: String?) throws(Fault) -> Substring {
        let text = text.contains("://") ? text : (defaultScheme.map { "\($0)://\(text)" } ?? text)
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasPrefix("//") else { throw Fault("is not an absolute URL") }
        switch parts[0].lowercased() {
        case "https": return parts[1].dropFirst(2)
        case "http": throw Fault("is http, which would send secrets in the clear; only https is accepted")
        default: throw Fault("has a scheme other than https")
        }
    }

    private static func hostAndPort(_ authority: Substring) throws(Fault) -> (host: String, port: Int) {
        let host: Substring
        var rest: Substring
        if authority.hasPrefix("[") {
            let close = authority.firstIndex(of: "]") ?? authority.startIndex
            host = authority[authority.index(after: authority.startIndex)...].prefix { $0 != "]" }
            guard close > authority.startIndex, isAddress(String(host), family: AF_INET6) else {
                throw Fault("has no valid IPv6 address in brackets")
            }
            rest = authority[authority.index(after: close)...]
        } else {
            host = authority.prefix { $0 != ":" }
            guard isNameOrIPv4(host) else { throw Fault("has no valid host name") }
            rest = authority.dropFirst(host.count)
        }
        guard !rest.isEmpty else { return (host.lowercased(), 443) }
        guard rest.removeFirst() == ":", !rest.isEmpty, rest.utf8.allSatisfy(isDigit), let port = Int(rest),
            (1...65535).contains(port)
        else { throw Fault("has a port that is not in 1...65535") }
        return (host.lowercased(), port)
    }

    /// Labels of RFC 1123 §2.1 and with underscores, as names within container networks have them, together at most 253
    /// bytes; what ends in a number must be an IPv4 address.
    private static func isNameOrIPv4(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isLetter($0) || isDigit($0) || "-_".utf8.contains($0) }
        }
        guard areLabels, text.utf8.count <= 253, let last = labels.last else { return false }
        return !last.utf8.allSatisfy(isDigit) || isAddress(String(text), family: AF_INET)
    }

    private static func isAddress(_ text: String, family: Int32) -> Bool {
        var address = in6_addr()
        return unsafe inet_pton(family, text, &address) == 1
    }

    /// The characters of RFC 3986 §3.3, and nothing that one reader takes for another path than the next: no dot
    /// segments, and no dots or slashes in percent-encoded form.
    private static func isSegment(_ text: Substring) -> Bool {
        let isWellEncoded = text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            let code = $0.prefix(2)
            return code.count == 2 && code.allSatisfy(\.isHexDigit) && !["2e", "2f", "5c"].contains(code.lowercased())
        }
        return isWellEncoded && !["", ".", ".."].contains(text)
            && text.utf8.allSatisfy {
                isLetter($0) || isDigit($0) || "-._~!$&'()*+,;=:%".utf8.contains($0)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
    }
}
