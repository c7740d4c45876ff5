package import NIOCore

/// An IP address in sixteen bytes: compared, hashed and masked without an allocation.
///
/// IPv4 is kept in the form in which IPv6 maps it (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2), and an IPv6 address of that
/// form is the IPv4 address: a client has one address, whichever kind of socket it came through. Scopes (`%eth0`) are
/// no part of it.
package struct NetworkAddress: Hashable, Sendable {
    /// In the order of the network, the first byte in the highest bits.
    let high: UInt64
    let low: UInt64

    /// The high half of the low word of an IPv4 address.
    static let mapped: UInt64 = 0xFFFF << 32

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter ipv4: the first byte in the highest bits.
    package init(ipv4: UInt32) {
        self.init(high: 0, low: Self.mapped | UInt64(ipv4))
    }

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether it is of the machine itself: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isIPv4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1
    }

    /// The unit that limits count in: the IPv4 address, or the /64 that the IPv6 address is in, whose addresses are all
    /// one subscriber's (RFC 6177 §2).
    package var subscriber: NetworkAddress { isIPv4 ? self : NetworkAddress(high: high, low: 0) }

    /// A number that the subscriber has alone, and that is not zero: the upper half of an IPv6 address, or IPv4's place
    /// within 0:ffff::/32, which is nobody's.
    package var subscriberNumber: UInt64 { isIPv4 ? low : max(high, 1) }

    /// The address of a socket; nil for one that is not of the Internet.
    package init?(_ address: SocketAddress) {
        // Both structures begin with family and port, two bytes each; that of IPv6 has four more before the address.
        switch address {
        case .v4(let address):
            self.init(
                ipv4: unsafe withUnsafeBytes(of: address.address) { bytes in
                    unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                })
        case .v6(let address):
            let words = unsafe withUnsafeBytes(of: address.address) { bytes in
                unsafe (
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                )
            }
            self.init(high: words.0, low: words.1)
        case .unixDomainSocket: return nil
        }
    }
}

// MARK: - Text

extension NetworkAddress {
    /// An address as it is written: four decimal numbers, or the forms of RFC 4291 §2.2. Nil for anything else: a
    /// number with a leading zero, which some read as octal; brackets, ports, scopes and white space.
    package init?(_ text: some StringProtocol) {
        var text = Substring(text)
        let address = text.withUTF8 { bytes in unsafe Self(bytes: bytes) }
        guard let address else { return nil }
        self = address
    }

    /// The same of bytes, as a header field holds them.
    package init?(bytes: UnsafeBufferPointer<UInt8>) {
        // Longer text is none: six groups of four digits with colons, and four numbers of three with dots.
        guard (2...45).contains(bytes.count) else { return nil }
        var parser = unsafe AddressParser(bytes: bytes)
        guard let address = unsafe bytes.contains(UInt8(ascii: ":")) ? parser.ipv6() : parser.ipv4() else { return nil }
        self = address
    }
}

extension NetworkAddress: CustomStringConvertible {
    /// As RFC 5952 §4 wants it: lower case, no leading zeros, the longest run of zero groups left out.
    package var description: String {
        isIPv4 ? Self.dotted(UInt32(truncatingIfNeeded: low)) : Self.grouped(high, low)
    }

    private static func dotted(_ value: UInt32) -> String {
        "\(value >> 24).\(value >> 16 & 0xFF).\(value >> 8 & 0xFF).\(value & 0xFF)"
    }

    private static func grouped(_ high: UInt64, _ low: UInt64) -> String {
        let groups = [high, low].flatMap { word in [48, 32, 16, 0].map { word >> $0 & 0xFFFF } }
        let zeros = longestZeros(groups)
        var text = ""
        var index = 0
        while index < groups.count {
            if index == zeros.lowerBound, !zeros.isEmpty {
                text += "::"
                index = zeros.upperBound
                continue
            }
            if !text.isEmpty, !text.hasSuffix("::") { text += ":" }
            text += String(groups[index], radix: 16)
            index += 1
        }
        return text
    }

    /// The first of the longest runs of two or more zero groups; empty where there is none.
    private static func longestZeros(_ groups: [UInt64]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            guard group == 0 else {
                start = index + 1
                continue
            }
            if index + 1 - start > max(longest.count, 1) { longest = start..<index + 1 }
        }
        return longest
    }
}

/// Reads an address from the front of bytes, and wants it to be all of them.
@safe
private struct AddressParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var offset = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

    private var isAtEnd: Bool { unsafe offset >= bytes.count }

    private func byte(at offset: Int) -> UInt8? {
        unsafe bytes.indices.contains(offset) ? bytes[offset] : nil
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard self.byte(at: offset) == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    mutating func ipv4() -> NetworkAddress? {
        guard let value = dottedQuad(), isAtEnd else { return nil }
        return NetworkAddress(ipv4: value)
    }

    private mutating func dottedQuad() -> UInt32? {
        var value: UInt32 = 0
        for part in 0..<4 {
            if part > 0, !take(".") { return nil }
            guard let octet = octet() else { return nil }
            value = value << 8 | octet
        }
        return value
    }

    private mutating func octet() -> UInt32? {
        let start = offset
        var value: UInt32 = 0
        while offset - start < 3, let digit = byte(at: offset), digit &- 0x30 < 10 {
            value = value * 10 + UInt32(digit &- 0x30)
            offset += 1
        }
        let count = offset - start
        guard count > 0, value < 256, count == 1 || byte(at: start) != UInt8(ascii: "0") else { return nil }
        return value
    }

    mutating func ipv6() -> NetworkAddress? {
        // Groups in front of `::` from the top, those behind it from the bottom.
        var front = Groups()
        var back = Groups()
        var isCompressed = false
        if take(":") {
            guard take(":") else { return nil }
            isCompressed = true
        }
        while !isAtEnd {
            guard front.count + back.count < 8, let ended = group(into: &front, &back, isCompressed) else { return nil }
            if ended || isAtEnd { break }
            guard take(":") else { return nil }
            if take(":") {
                guard !isCompressed else { return nil }
                isCompressed = true
            } else if isAtEnd {
                return nil
            }
        }
        let count = front.count + back.count
        guard isAtEnd, isCompressed ? count < 8 : count == 8 else { return nil }
        return front.joined(with: back)
    }

    /// Reads a group, or the four numbers that may stand in place of the last two; whether it was those.
    private mutating func group(into front: inout Groups, _ back: inout Groups, _ isCompressed: Bool) -> Bool? {
        let start = offset
        var value: UInt64 = 0
        while offset - start < 4, let digit = byte(at: offset).flatMap(Self.hexadecimal) {
            value = value << 4 | digit
            offset += 1
        }
        guard offset > start else { return nil }
        guard byte(at: offset) == UInt8(ascii: ".") else {
            if isCompressed { back.append(value) } else { front.append(value) }
            return false
        }
        offset = start
        guard front.count + back.count <= 6, let quad = dottedQuad(), isAtEnd else { return nil }
        for half in [UInt64(quad >> 16), UInt64(quad & 0xFFFF)] {
            if isCompressed { back.append(half) } else { front.append(half) }
        }
        return true
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte &- 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte &- 0x57)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte &- 0x37)
        default: nil
        }
    }

    /// Up to eight groups of sixteen bits, the last one in the lowest bits.
    private struct Groups {
        private var high: UInt64 = 0
        private var low: UInt64 = 0
        private(set) var count = 0

        mutating func append(_ group: UInt64) {
            high = high << 16 | low >> 48
            low = low << 16 | group
            count += 1
        }

        /// The address that begins with these groups and ends with others, with zeros between.
        func joined(with others: Groups) -> NetworkAddress {
            var front = self
            for _ in count..<8 { front.append(0) }
            return NetworkAddress(high: front.high | others.high, low: front.low | others.low)
        }
    }
}
