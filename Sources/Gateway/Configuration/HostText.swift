internal import Glibc

/// Tells host names and IP addresses from other text.
enum HostText {
    /// A name of labels of 1...63 letters, digits, hyphens and underscores, together at most 253 (RFC 1123 §2.1), or
    /// an IPv4 address: what ends in a number is an address and nothing else.
    static func isNameOrIPv4(_ text: String) -> Bool {
        guard text.utf8.count <= 253 else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel) else { return false }
        let endsInNumber = labels.last?.utf8.allSatisfy(\.isASCIIDigit) ?? true
        return !endsInNumber || isAddress(text, family: AF_INET)
    }

    /// An IPv6 address without brackets (RFC 4291 §2.2).
    static func isIPv6(_ text: String) -> Bool {
        isAddress(text, family: AF_INET6)
    }

    /// Whether the text names this machine and nothing else, so that no other can connect.
    static func isLoopback(_ text: String) -> Bool {
        text == "localhost" || text == "::1" || (text.hasPrefix("127.") && isAddress(text, family: AF_INET))
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-_".utf8.contains($0) }
    }

    private static func isAddress(_ text: String, family: Int32) -> Bool {
        var address = in6_addr()
        return unsafe inet_pton(family, text, &address) == 1
    }
}

extension UInt8 {
    var isASCIIDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    var isASCIILetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }
}
