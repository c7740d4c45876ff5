/// A block of addresses, as CIDR writes it: `10.0.0.0/8`, `2001:db8::/32`, or one address alone (RFC 4632 §3.1,
/// RFC 4291 §2.3).
///
/// IPv4 addresses are in IPv4 blocks only, however they arrive: `::/0` is all of IPv6, `0.0.0.0/0` all of IPv4.
package struct NetworkPrefix: Hashable, Sendable {
    /// The first address of the block.
    package let address: NetworkAddress
    /// How many leading bits all addresses of the block share: up to 32 for IPv4 and 128 for IPv6.
    package let length: Int

    private let highMask: UInt64
    private let lowMask: UInt64

    /// What is wrong with the text of a block: a phrase that follows it.
    package struct Fault: Error, Equatable, Sendable {
        package let phrase: String
    }

    /// A block that holds one address.
    package init(_ address: NetworkAddress) {
        self.init(address, bits: 128)
    }

    /// - Parameter bits: in 0...128, counted in sixteen bytes whatever the family.
    private init(_ address: NetworkAddress, bits: Int) {
        highMask = Self.mask(bits)
        lowMask = Self.mask(bits - 64)
        self.address = NetworkAddress(high: address.high & highMask, low: address.low & lowMask)
        length = address.isIPv4 ? bits - 96 : bits
    }

    /// Reads a block. `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
    ///
    /// - Throws: what is wrong with it. Bits beyond the length are refused: who wrote them meant another block, or the
    ///   address alone.
    package init(_ text: some StringProtocol) throws(Fault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = NetworkAddress(first) else {
            throw Fault(phrase: "is neither an IP address nor a block of them such as 10.0.0.0/8 or 2001:db8::/32")
        }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        let isMapped = address.isIPv4 && first.contains(":")
        let most = address.isIPv4 && !isMapped ? 32 : 128
        let isNumber = (1...3).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy { $0 &- 0x30 < 10 }
        guard isNumber, let written = Int(parts[1]), written <= most else {
            throw Fault(phrase: "has no length in 0...\(most) behind its slash")
        }
        guard !isMapped || written >= 96 else {
            throw Fault(phrase: "mixes IPv4 and IPv6: write two blocks")
        }
        self.init(address, bits: most == 32 ? written + 96 : written)
        guard self.address == address else {
            throw Fault(
                phrase: "has bits beyond its length: write \(self) for the block, or \(address) for the address alone")
        }
    }

    package func contains(_ address: NetworkAddress) -> Bool {
        address.high & highMask == self.address.high && address.low & lowMask == self.address.low
            && address.isIPv4 == self.address.isIPv4
    }

    /// So many leading ones; none for less than zero, all for more than 64.
    private static func mask(_ bits: Int) -> UInt64 {
        bits <= 0 ? 0 : ~0 << UInt64(max(0, 64 - bits))
    }
}

extension NetworkPrefix: CustomStringConvertible {
    package var description: String {
        length == (address.isIPv4 ? 32 : 128) ? address.description : "\(address)/\(length)"
    }
}
