internal import Glibc

/// The host names and addresses that certificates carry (RFC 9525), each with a number: whose it is.
///
/// Names are compared without regard to ASCII case. A wildcard stands for exactly one label, the first.
package struct CertificateNames: Sendable {
    private var exact: [String: Int] = [:]
    /// By what follows `*.`.
    private var wildcards: [String: Int] = [:]
    /// By the bytes of the address.
    private var addresses: [[UInt8]: Int] = [:]

    init() {}

    /// Gives a name to an owner, unless it has one.
    mutating func insert(_ name: CertificateName, owner: Int) {
        switch name {
        case .host(let host):
            if host.hasPrefix("*.") {
                let parent = String(host.dropFirst(2))
                wildcards[parent] = wildcards[parent] ?? owner
            } else {
                exact[host] = exact[host] ?? owner
            }
        case .address(let bytes): addresses[bytes] = addresses[bytes] ?? owner
        }
    }

    /// Whose name a host name is. One dot at its end does not count.
    func owner(ofHost host: String) -> Int? {
        var name = host.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) ? host.lowercased() : host
        if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
        if let owner = exact[name] { return owner }
        guard !wildcards.isEmpty, let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot > name.startIndex else {
            return nil
        }
        return wildcards[String(name[name.index(after: dot)...])]
    }

    /// Whether a certificate carries the host of an authority (RFC 3986 §3.2), with or without a port.
    package func contains(authority: String) -> Bool {
        let host = Self.host(of: authority)
        if let address = Self.address(host) { return addresses[address] != nil }
        return owner(ofHost: String(host)) != nil
    }

    /// The host of an authority, an IPv6 address without its brackets.
    static func host(of authority: String) -> Substring {
        if authority.utf8.first == UInt8(ascii: "["), let end = authority.utf8.lastIndex(of: UInt8(ascii: "]")) {
            return authority[authority.utf8.index(after: authority.startIndex)..<end]
        }
        return authority[..<(authority.utf8.lastIndex(of: UInt8(ascii: ":")) ?? authority.endIndex)]
    }

    /// The bytes of an IP address that is written as text; nil for anything else.
    static func address(_ text: Substring) -> [UInt8]? {
        // No host name ends with a digit or has a colon in it.
        guard let last = text.utf8.last, text.utf8.count <= 45, last <= UInt8(ascii: "9") || text.utf8.contains(0x3A)
        else { return nil }
        let text = String(text)
        var bytes = [UInt8](repeating: 0, count: 16)
        let (four, six) = unsafe bytes.withUnsafeMutableBytes { buffer in
            let four = unsafe inet_pton(AF_INET, text, buffer.baseAddress) == 1
            return unsafe (four, !four && inet_pton(AF_INET6, text, buffer.baseAddress) == 1)
        }
        return four ? Array(bytes.prefix(4)) : six ? bytes : nil
    }
}

/// A name that a certificate carries.
enum CertificateName: Hashable, Sendable {
    /// A host name in lower case; the first label may be `*`.
    case host(String)
    /// The 4 or 16 bytes of an IP address.
    case address([UInt8])
}
