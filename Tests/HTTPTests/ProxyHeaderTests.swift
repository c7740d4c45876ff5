import NIOCore
import Testing

@testable import HTTP

/// The PROXY protocol: what is read, whole and byte by byte, and what is refused.
@Suite struct ProxyHeaderTests {
    private enum Outcome: Equatable {
        case source(ProxyHeader.Source, rest: [UInt8])
        case needsMore
        case fault
    }

    private static func read(_ bytes: [UInt8], _ expected: ProxyProtocol = .on, pieces: Int = .max) -> Outcome {
        var header = ProxyHeader(expecting: expected)
        var rest = bytes[...]
        do throws(ProxyHeader.Fault) {
            while !rest.isEmpty {
                let piece = rest.prefix(pieces)
                rest = rest.dropFirst(pieces)
                var input = ByteBuffer(bytes: piece)
                if let source = try header.receive(&input) {
                    return .source(source, rest: Array(input.readableBytesView) + rest)
                }
                guard input.readableBytes == 0 else { return .fault }
            }
            return .needsMore
        } catch {
            return .fault
        }
    }

    /// The same, however it is cut.
    private static func readAll(_ bytes: [UInt8], _ expected: ProxyProtocol = .on) -> Outcome {
        let whole = read(bytes, expected)
        for pieces in 1...max(1, min(bytes.count, 20)) {
            let cut = read(bytes, expected, pieces: pieces)
            if cut != whole { Issue.record("pieces of \(pieces): \(cut) in place of \(whole)") }
        }
        return whole
    }

    private static func text(_ line: String) -> [UInt8] { Array(line.utf8) }

    private static func binary(_ command: UInt8, _ family: UInt8, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
        let count = length ?? body.count
        return [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, command, family]
            + [UInt8(count >> 8), UInt8(count & 0xFF)] + body
    }

    private static func address(_ text: String) throws -> NetworkAddress { try #require(NetworkAddress(text)) }

    private static let next: [UInt8] = [0x16, 0x03, 0x01]
    private static let ipv4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB]
    private static let ipv6: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [7] + Array(repeating: 0, count: 15) + [1]
        + [0x30, 0x39, 0x01, 0xBB]

    // MARK: Version 1

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", "192.0.2.7"),
        ("PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n", "192.0.2.7"),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 12345 443\r\n", "2001:db8::7"),
        ("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 12345 443\r\n", "192.0.2.7"),
        (
            "PROXY TCP6 ffff:f1ff:ffff:ffff:ffff:ffff:ffff:ffff ffff:f2ff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "ffff:f1ff:ffff:ffff:ffff:ffff:ffff:ffff"
        ),
    ])
    func textNamesTheClient(_ line: String, _ client: String) throws {
        let outcome = Self.readAll(Self.text(line) + Self.next)
        #expect(outcome == .source(.client(try Self.address(client)), rest: Self.next))
        #expect(Self.read(Self.text(line), .v2) == .fault)
    }

    @Test(arguments: [
        "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n",
    ])
    func textThatDoesNotKnowIsThePeer(_ line: String) {
        #expect(Self.readAll(Self.text(line) + Self.next) == .source(.peer, rest: Self.next))
    }

    @Test(arguments: [
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\n", "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\rx", "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443 \r\n",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", "PROXY TCP4  192.0.2.7 198.51.100.1 12345 443\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 12345 443\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 012345 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345 65536\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 12345 +443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1  443\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 12345 443\r\n", "PROXY TCP4 2001:db8::7 2001:db8::1 12345 443\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 12345 443\r\n", "PROXY TCP6 2001:db8::7%eth0 ::1 12345 443\r\n",
        "PROXY TCP5 192.0.2.7 198.51.100.1 12345 443\r\n", "PROXY tcp4 192.0.2.7 198.51.100.1 12345 443\r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", "PROXY\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
        "PROXY UNKNOWNS\r\n", "GET / HTTP/1.1\r\n", "PROXY\tTCP4 192.0.2.7 198.51.100.1 12345 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\0\r\n",
        "PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n",
    ])
    func malformedTextIsRefused(_ line: String) {
        #expect(Self.readAll(Self.text(line) + Self.next) == .fault)
    }

    /// A line without an end is given up as soon as it is too long for one.
    @Test func endlessTextIsRefused() {
        let line = Self.text("PROXY UNKNOWN " + String(repeating: "x", count: 92))
        #expect(line.count == 106)
        #expect(Self.read(line) == .fault)
        #expect(Self.read(line.dropLast()) == .needsMore)
    }

    // MARK: Version 2

    @Test func binaryNamesTheClient() throws {
        let four = Self.binary(0x21, 0x11, Self.ipv4)
        #expect(Self.readAll(four + Self.next) == .source(.client(try Self.address("192.0.2.7")), rest: Self.next))
        let six = Self.binary(0x21, 0x21, Self.ipv6)
        #expect(Self.readAll(six + Self.next) == .source(.client(try Self.address("2001:db8::7")), rest: Self.next))
        #expect(Self.read(four, .v1) == .fault)
        #expect(Self.read(four, .v2) == .source(.client(try Self.address("192.0.2.7")), rest: []))
    }

    @Test func furtherInformationIsPassedOver() throws {
        let information: [UInt8] = [0x03, 0x00, 0x04, 1, 2, 3, 4, 0x04, 0x00, 0x02, 0, 0]
        let header = Self.binary(0x21, 0x11, Self.ipv4 + information)
        #expect(Self.readAll(header + Self.next) == .source(.client(try Self.address("192.0.2.7")), rest: Self.next))
        // Even where it makes no sense: its length is what counts.
        let junk = Self.binary(0x21, 0x11, Self.ipv4 + [0xEA, 0xFF, 0xFF, 1])
        #expect(Self.readAll(junk + Self.next) == .source(.client(try Self.address("192.0.2.7")), rest: Self.next))
    }

    @Test(arguments: [
        binary(0x20, 0x00, []), binary(0x20, 0x11, ipv4), binary(0x20, 0xFF, [1, 2, 3]), binary(0x21, 0x00, []),
        binary(0x21, 0x00, [1, 2, 3, 4]), binary(0x21, 0x31, Array(repeating: 0x2F, count: 216)),
    ])
    func binaryThatIsNobodysIsThePeer(_ header: [UInt8]) {
        #expect(Self.readAll(header + Self.next) == .source(.peer, rest: Self.next))
    }

    @Test(arguments: [
        binary(0x22, 0x11, ipv4), binary(0x11, 0x11, ipv4), binary(0x31, 0x11, ipv4), binary(0x21, 0x12, ipv4),
        binary(0x21, 0x41, ipv4), binary(0x21, 0x10, ipv4), binary(0x21, 0x11, Array(ipv4.dropLast())),
        binary(0x21, 0x21, Array(ipv6.dropLast())), binary(0x21, 0x31, Array(repeating: 0, count: 215)),
        binary(0x21, 0x11, ipv4, length: ProxyHeader.binaryLimit + 1), binary(0x20, 0x00, [], length: 65_535),
    ])
    func malformedBinaryIsRefused(_ header: [UInt8]) {
        #expect(Self.readAll(header + Self.next) == .fault)
    }

    @Test func everyPrefixNeedsMore() {
        for header in [
            Self.text("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n"),
            Self.binary(0x21, 0x11, Self.ipv4 + [4, 0, 0]),
            Self.binary(0x20, 0x00, [1, 2, 3]),
        ] {
            for count in 0..<header.count { #expect(Self.readAll(Array(header[..<count])) == .needsMore) }
        }
    }
}
