import NIOCore
import Testing

@testable import HTTP

struct NetworkAddressTests {
    /// Texts, and how the address that they mean is written.
    static let texts: [(String, String)] = [
        ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:0:2:2:0:0:3", "1::2:2:0:0:3"), ("0:0:0:0:0:0:0:0", "::"),
        ("::ffff:10.1.2.3", "10.1.2.3"), ("::FFFF:0a01:0203", "10.1.2.3"), ("0:0:0:0:0:ffff:10.1.2.3", "10.1.2.3"),
        ("64:ff9b::10.1.2.3", "64:ff9b::a01:203"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("::1.2.3.4", "::102:304"), ("fe80::ffff:1.2.3.4", "fe80::ffff:102:304"),
    ]

    @Test(arguments: texts) func addressesAreRead(_ text: String, _ written: String) throws {
        let address = try #require(NetworkAddress(text))
        #expect(address.description == written)
        #expect(NetworkAddress(written) == address)
    }

    @Test(
        arguments: [
            "", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.256",
            "1.2.3.4 ",
            " 1.2.3.4", "1.2.3.-4", "1.2.3.4:80", "0x1.2.3.4", "1.2.3.1111", "[::1]", "::1%eth0", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:7:",
            ":1:2:3:4:5:6:7",
            "12345::", "g::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "::1.2.3.04", "1:2::3:",
            "1:2:3:4:5:6:7:8:", "::ffff:1.2.3.4.", String(repeating: "1", count: 46), "１.2.3.4",
        ])
    func whatIsNoAddressIsRefused(_ text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test func socketsGiveTheAddressThatTextGives() throws {
        for text in ["127.0.0.1", "203.0.113.9", "::1", "2001:db8:1:2:3:4:5:6", "::ffff:192.0.2.1"] {
            let socket = try SocketAddress(ipAddress: text, port: 443)
            #expect(NetworkAddress(socket) == NetworkAddress(text))
        }
        #expect(try NetworkAddress(SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
    }

    @Test func subscribersAreAddressesOfIPv4AndBlocksOfIPv6() {
        #expect(NetworkAddress("192.0.2.1")?.subscriber == NetworkAddress("192.0.2.1"))
        #expect(NetworkAddress("::ffff:192.0.2.1")?.subscriber == NetworkAddress("192.0.2.1"))
        #expect(NetworkAddress("2001:db8:1:2:3:4:5:6")?.subscriber == NetworkAddress("2001:db8:1:2::"))
        #expect(NetworkAddress("2001:db8:1:2::1")?.subscriber != NetworkAddress("2001:db8:1:3::1")?.subscriber)
    }

    @Test func loopbackIsTold() {
        for text in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            #expect(NetworkAddress(text)?.isLoopback == true)
        }
        for text in ["128.0.0.1", "::", "::2", "1::1", "10.0.0.127"] {
            #expect(NetworkAddress(text)?.isLoopback == false)
        }
    }
}

struct NetworkPrefixTests {
    private func prefix(_ text: String) throws -> NetworkPrefix { try NetworkPrefix(text) }

    @Test(
        arguments: [
            (
                "10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                ["9.255.255.255", "11.0.0.0", "::a00:1"]
            ),
            ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8", "::c000:207"]),
            ("192.0.2.6/31", ["192.0.2.6", "192.0.2.7"], ["192.0.2.5", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1", "2001:db8::"]),
            ("::/0", ["::", "ffff::", "::1"], ["0.0.0.0", "::ffff:10.0.0.1"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db9::", "2001:db7:ffff::"]),
            ("2001:db8::/65", ["2001:db8::1"], ["2001:db8:0:0:8000::"]),
            ("2001:db8:0:1::/64", ["2001:db8:0:1:ffff::"], ["2001:db8:0:2::", "2001:db8::"]),
            ("::1", ["::1"], ["::", "::2"]), ("::ffff:10.0.0.0/104", ["10.9.9.9"], ["11.0.0.0"]),
            ("::ffff:0:0/96", ["1.2.3.4"], ["::1"]),
        ] as [(String, [String], [String])])
    func blocksHoldTheirAddresses(_ text: String, _ inside: [String], _ outside: [String]) throws {
        let block = try prefix(text)
        for text in inside { #expect(block.contains(try #require(NetworkAddress(text))), "\(text)") }
        for text in outside { #expect(!block.contains(try #require(NetworkAddress(text))), "\(text)") }
    }

    @Test func blocksAreWrittenShort() throws {
        #expect(try prefix("10.0.0.0/8").description == "10.0.0.0/8")
        #expect(try prefix("::ffff:10.0.0.0/104").description == "10.0.0.0/8")
        #expect(try prefix("10.0.0.1/32").description == "10.0.0.1")
        #expect(try prefix("2001:DB8:0::/48").description == "2001:db8::/48")
        #expect(try prefix("::/0").description == "::/0")
        #expect(try prefix("10.0.0.1/32") == prefix("10.0.0.1"))
    }

    @Test(
        arguments: [
            ("", "neither"), ("/8", "neither"), ("localhost", "neither"), ("10.0.0.0/", "0...32"),
            ("10.0.0.0/33", "0...32"), ("10.0.0.0/-1", "0...32"), ("10.0.0.0/+8", "0...32"), ("10.0.0.0/8/8", "0...32"),
            ("10.0.0.0/0x8", "0...32"), ("10.0.0.0/255.0.0.0", "0...32"), ("::/129", "0...128"),
            ("::/99999999999999999999", "0...128"), ("10.0.0.1/8", "write 10.0.0.0/8 for the block, or 10.0.0.1 for"),
            ("2001:db8::1/64", "write 2001:db8::/64"), ("::ffff:10.0.0.0/90", "mixes"),
        ])
    func whatIsNoBlockIsExplained(_ text: String, _ explanation: String) {
        let fault = #expect(throws: NetworkPrefix.Fault.self) { try prefix(text) }
        #expect(fault?.phrase.contains(explanation) == true, "\(fault?.phrase ?? "")")
    }
}
