/// The proxies whose word is taken for who a client is (`TRUSTED_PROXIES`).
package struct TrustedProxies: Sendable, Equatable {
    private let blocks: [NetworkPrefix]

    package init(_ blocks: [NetworkPrefix] = []) {
        self.blocks = blocks
    }

    package var isEmpty: Bool { blocks.isEmpty }

    package func contains(_ address: NetworkAddress) -> Bool {
        blocks.contains { $0.contains(address) }
    }

    /// The client's address by X-Forwarded-For, which every proxy appends the address of its peer to: the last one that
    /// is no trusted proxy's. All before it can be made up.
    ///
    /// Several field lines count as one list (RFC 9110 §5.3). What is no address ends the walk: the last address behind
    /// it is the client's then. `Forwarded` (RFC 7239) is not read: a proxy that writes the one field passes the other
    /// on as the client has made it up.
    ///
    /// - Parameter peer: who sent the request, a trusted proxy.
    package func client(_ fields: HeaderFields, from peer: NetworkAddress) -> NetworkAddress {
        var client = peer
        for index in (0..<fields.count).reversed() where fields.isNamed(index, "x-forwarded-for") {
            if walk(fields.valueBytes(at: index)[...], &client) { break }
        }
        return client
    }

    /// Walks one field line from its end; whether that ended the walk.
    private func walk(_ value: ArraySlice<UInt8>, _ client: inout NetworkAddress) -> Bool {
        var rest = value
        while true {
            let comma = rest.lastIndex(of: UInt8(ascii: ","))
            guard let address = Self.address(rest[(comma.map { $0 + 1 } ?? rest.startIndex)...]) else { return true }
            client = address
            guard contains(address) else { return true }
            guard let comma else { return false }
            rest = rest[..<comma]
        }
    }

    /// An address as proxies write it: alone, in brackets if it is of IPv6, with or without a port, in quotes or not.
    private static func address(_ element: ArraySlice<UInt8>) -> NetworkAddress? {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var text = element.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text = text.dropLast() }
        if text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") {
            text = text.dropFirst().dropLast()
        }
        let colon = UInt8(ascii: ":")
        if text.first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")), isPort(text[(close + 1)...]) else { return nil }
            text = text[..<close].dropFirst()
            guard text.contains(colon) else { return nil }
        } else if let first = text.firstIndex(of: colon), !text[(first + 1)...].contains(colon) {
            // With one colon it is IPv4 and a port; IPv6 has two at least.
            guard isPort(text[first...]) else { return nil }
            text = text[..<first]
        }
        return unsafe text.withUnsafeBufferPointer { unsafe NetworkAddress(bytes: $0) }
    }

    /// Nothing, or a colon and a port.
    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        return first == UInt8(ascii: ":") && (2...6).contains(bytes.count)
            && bytes.dropFirst().allSatisfy { $0 &- 0x30 < 10 }
    }
}
