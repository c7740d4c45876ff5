internal import TLS
internal import TestSupport
internal import Testing

@Suite struct CertificateNamesTests {
    private func session(_ names: [String], _ addresses: [String] = []) throws -> TLSSession {
        let issued = try Fixture.certificates.get().issue(names: names, addresses: addresses)
        var settings = TLSServerSettings(
            certificates: [.init(chain: issued.certificateFile, key: issued.privateKeyFile)])
        settings.unknownHost = .misdirected
        return try TLSSession(server: TLSServerContext(settings))
    }

    @Test(arguments: [
        ("example.test", true), ("EXAMPLE.test", true), ("example.test.", true), ("example.test:8443", true),
        ("a.example.test", true), ("a.b.example.test", false), (".example.test", false), ("test", false),
        ("xexample.test", false), ("other.test", false), ("", false), (":", false),
        ("127.0.0.1", true), ("127.0.0.1:8080", true), ("127.0.0.2", false), ("[::1]", true), ("[::1]:8080", true),
        ("[0:0:0:0:0:0:0:1]:8080", true), ("[::2]", false), ("127.1", false), ("2130706433", false),
    ])
    func authorities(authority: String, isCarried: Bool) throws {
        let session = try session(["Example.test", "*.example.test"], ["127.0.0.1", "::1"])
        #expect(session.requiresKnownNames)
        #expect(session.carries(authority: authority) == isCarried)
    }

    @Test func theDevelopmentCertificateServesTheMachineItself() throws {
        let session = try session(["localhost"], ["127.0.0.1", "::1"])
        for authority in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:65535"] {
            #expect(session.carries(authority: authority))
        }
    }
}
