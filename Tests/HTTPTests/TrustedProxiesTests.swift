import Testing

@testable import HTTP

/// Whose request a proxy passes on: X-Forwarded-For, from its end to the last that is no trusted proxy's.
@Suite struct TrustedProxiesTests {
    private static let proxies = TrustedProxies(
        ["10.0.0.0/8", "2001:db8:1::/48"].compactMap { try? NetworkPrefix($0) })

    private static func client(_ lines: [String], from peer: String = "10.0.0.1") throws -> String {
        var fields = HeaderFields()
        fields.append(name: "X-Other", value: "9.9.9.9")
        for line in lines { fields.append(name: "X-Forwarded-For", value: line) }
        return proxies.client(fields, from: try #require(NetworkAddress(peer))).description
    }

    @Test(arguments: [
        ([], "10.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        // Whatever stands in front of the last untrusted address is made up.
        (["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        (["1.1.1.1,192.0.2.7,10.2.3.4 , 10.9.9.9"], "192.0.2.7"),
        (["1.1.1.1", "192.0.2.7", "10.2.3.4"], "192.0.2.7"),
        (["192.0.2.7, 10.2.3.4", "2001:db8:1::9"], "192.0.2.7"),
        // All of them are proxies: the first one is as near as it gets.
        (["10.7.7.7, 10.2.3.4"], "10.7.7.7"),
        // Ports, brackets and quotes.
        (["192.0.2.7:4711"], "192.0.2.7"), (["[2001:db8::7]:4711"], "2001:db8::7"), (["[2001:db8::7]"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"), (["\"[2001:db8::7]:4711\""], "2001:db8::7"), (["\t192.0.2.7 "], "192.0.2.7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        // Junk ends the walk.
        (["192.0.2.7, unknown"], "10.0.0.1"), (["192.0.2.7, unknown, 10.2.3.4"], "10.2.3.4"),
        (["192.0.2.7,"], "10.0.0.1"), (["192.0.2.7, , 10.2.3.4"], "10.2.3.4"), ([""], "10.0.0.1"),
        (["192.0.2.7", "junk"], "10.0.0.1"), (["192.0.2.07"], "10.0.0.1"), (["192.0.2.7:"], "10.0.0.1"),
        (["192.0.2.7:port"], "10.0.0.1"), (["192.0.2.7:123456"], "10.0.0.1"), (["[192.0.2.7]"], "10.0.0.1"),
        (["[2001:db8::7"], "10.0.0.1"), (["2001:db8::7]"], "10.0.0.1"), (["[2001:db8::7]4711"], "10.0.0.1"),
        (["\"192.0.2.7"], "10.0.0.1"), (["192.0.2.7 10.2.3.4"], "10.0.0.1"), (["localhost"], "10.0.0.1"),
    ])
    func clientIsTheLastThatIsNoProxy(_ lines: [String], _ client: String) throws {
        #expect(try Self.client(lines) == client)
    }

    @Test func longListIsWalkedFromItsEnd() throws {
        let list = Array(repeating: "1.1.1.1", count: 5000).joined(separator: ",")
        #expect(try Self.client([list + ",192.0.2.7"]) == "192.0.2.7")
        let proxies = Array(repeating: "10.1.1.1", count: 5000).joined(separator: ",")
        #expect(try Self.client(["192.0.2.7," + proxies]) == "192.0.2.7")
    }

    @Test func nobodyIsTrustedUnlessNamed() throws {
        #expect(TrustedProxies().isEmpty)
        #expect(!TrustedProxies().contains(try #require(NetworkAddress("127.0.0.1"))))
        #expect(Self.proxies.contains(try #require(NetworkAddress("10.255.0.1"))))
        #expect(Self.proxies.contains(try #require(NetworkAddress("::ffff:10.0.0.1"))))
        #expect(!Self.proxies.contains(try #require(NetworkAddress("11.0.0.1"))))
    }
}
