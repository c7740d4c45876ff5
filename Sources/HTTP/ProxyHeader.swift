package import NIOCore

/// Which versions of the PROXY protocol a listener expects. One that expects it takes no connection without: a header
/// is never guessed at.
package enum ProxyProtocol: String, Sendable, CaseIterable {
    case off
    case v1
    case v2
    /// Either version; their first bytes tell them apart.
    case on

    var allowsText: Bool { self == .v1 || self == .on }
    var allowsBinary: Bool { self == .v2 || self == .on }
}

/// Reads the header of the PROXY protocol (versions 1 and 2, as HAProxy's proxy-protocol.txt defines them), which a
/// proxy puts in front of a connection, from input that arrives in pieces.
///
/// It consumes the header's bytes and no more. It trusts nobody: whether the peer may speak for others is the caller's
/// to know.
package struct ProxyHeader: Sendable {
    /// What the header says.
    package enum Source: Sendable, Equatable {
        /// The connection is another's, from this address.
        case client(NetworkAddress)
        /// The proxy speaks for itself, as in a health check (LOCAL), or can not tell (UNKNOWN, UNSPEC, a Unix socket):
        /// the peer's own address holds.
        case peer
    }

    /// The header is malformed: nothing that follows it can be trusted.
    package struct Fault: Error, Sendable, Equatable {
        package let message: String
    }

    /// A text header without its CR LF has at most so many bytes.
    static let textLimit = 105
    /// Bytes of addresses and further information (TLVs) that a binary header may have. The protocol allows 65,535; what
    /// load balancers send (checksums, identifiers, facts of a TLS session) stays below 1,000.
    package static let binaryLimit = 4096

    private let expected: ProxyProtocol
    private var held: [UInt8] = []
    /// Of a binary header, once it is known: bytes that follow the addresses and are passed over.
    private var state = State.start

    private enum State {
        case start
        case text
        case binary
        /// So many bytes are left of what nobody reads.
        case skipping(Int, Source)
    }

    package init(expecting expected: ProxyProtocol) {
        self.expected = expected
    }

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let text = Array("PROXY ".utf8)

    /// Consumes what belongs to the header; what it says once it is whole, and nil while more must come.
    package mutating func receive(_ input: inout ByteBuffer) throws(Fault) -> Source? {
        while true {
            if case .skipping(let left, let source) = state {
                let count = min(left, input.readableBytes)
                input.moveReaderIndex(forwardBy: count)
                state = .skipping(left - count, source)
                return count == left ? source : nil
            }
            guard let byte = input.readInteger(as: UInt8.self) else { return nil }
            held.append(byte)
            switch state {
            case .start: try begin()
            case .text: if let source = try endText() { return source }
            case .binary: try endBinary()
            case .skipping: break
            }
        }
    }

    /// Tells the versions apart as early as a byte does.
    private mutating func begin() throws(Fault) {
        if expected.allowsText, Self.text.starts(with: held) {
            if held.count == Self.text.count { state = .text }
        } else if expected.allowsBinary, Self.signature.starts(with: held) {
            if held.count == Self.signature.count { state = .binary }
        } else {
            throw Fault(message: "the connection does not begin with a PROXY protocol header of the version expected")
        }
    }

    // MARK: Version 1

    private mutating func endText() throws(Fault) -> Source? {
        guard let last = held.last else { return nil }
        let isAfterReturn = held.count >= 2 && held[held.count - 2] == 0x0D
        if isAfterReturn {
            guard last == 0x0A else { throw Fault(message: "a CR stands alone in a PROXY header") }
            return try Self.readText(held[Self.text.count..<held.count - 2])
        }
        guard last != 0x0A else { throw Fault(message: "an LF stands alone in a PROXY header") }
        guard held.count <= Self.textLimit || last == 0x0D else { throw Fault(message: "a PROXY header is too long") }
        return nil
    }

    /// `TCP4 SP source SP destination SP port SP port`, or `UNKNOWN` with whatever follows it.
    private static func readText(_ bytes: ArraySlice<UInt8>) throws(Fault) -> Source {
        let words = bytes.split(separator: 0x20, omittingEmptySubsequences: false)
        guard let family = words.first else { throw malformed }
        if family.elementsEqual("UNKNOWN".utf8) { return .peer }
        let isIPv4 = family.elementsEqual("TCP4".utf8)
        guard isIPv4 || family.elementsEqual("TCP6".utf8), words.count == 5,
            let source = address(words[1], isIPv4), address(words[2], isIPv4) != nil, isPort(words[3]), isPort(words[4])
        else { throw malformed }
        return .client(source)
    }

    private static var malformed: Fault { Fault(message: "a PROXY header is malformed") }

    /// An address in the notation of its family: one that IPv6 maps is written with colons.
    private static func address(_ bytes: ArraySlice<UInt8>, _ isIPv4: Bool) -> NetworkAddress? {
        guard bytes.contains(UInt8(ascii: ":")) != isIPv4 else { return nil }
        return unsafe bytes.withUnsafeBufferPointer { unsafe NetworkAddress(bytes: $0) }
    }

    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...5).contains(bytes.count), bytes.allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
        if bytes.count > 1, bytes.first == 0x30 { return false }
        return bytes.reduce(0) { $0 * 10 + Int($1 &- 0x30) } <= 65_535
    }

    // MARK: Version 2

    private mutating func endBinary() throws(Fault) {
        let fixed = Self.signature.count + 4
        guard held.count >= fixed else {
            if held.count == Self.signature.count + 1, held[12] != 0x20, held[12] != 0x21 {
                throw Fault(message: "a PROXY header has an unknown version or command")
            }
            return
        }
        let length = Int(held[14]) << 8 | Int(held[15])
        guard length <= Self.binaryLimit else { throw Fault(message: "a PROXY header is too long") }
        if held[12] == 0x20 {
            state = .skipping(length, .peer)
            return
        }
        let family = held[13] >> 4
        let transport = held[13] & 0x0F
        // TCP over IPv4, over IPv6, a Unix stream; zero says that the proxy does not know.
        let size: Int
        switch (family, transport) {
        case (0, 0): size = 0
        case (1, 1): size = 12
        case (2, 1): size = 36
        case (3, 1): size = 216
        default: throw Fault(message: "a PROXY header is of a connection that is no stream")
        }
        guard length >= size else { throw Fault(message: "a PROXY header is too short for its addresses") }
        guard family == 1 || family == 2 else {
            state = .skipping(length, .peer)
            return
        }
        let width = family == 1 ? 4 : 16
        guard held.count == fixed + width else { return }
        let source =
            family == 1
            ? NetworkAddress(ipv4: UInt32(truncatingIfNeeded: Self.number(held[fixed...])))
            : NetworkAddress(high: Self.number(held[fixed..<fixed + 8]), low: Self.number(held[(fixed + 8)...]))
        state = .skipping(length - width, .client(source))
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
