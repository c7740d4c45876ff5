internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

/// What the client makes of a server's certificate.
@Suite struct VerificationTests {
    private func fault(
        _ issued: TestCertificates.Issued, name: String, client: TLSClientContext? = nil
    ) throws -> TLSError? {
        let link = try Link(Fixture.serverContext(issued), client ?? Fixture.clientContext(), name: name)
        let error = #expect(throws: TLSError.self) { try link.handshake() }
        #expect(!link.client.isEstablished)
        #expect(!link.server.isEstablished)
        return error
    }

    @Test func anotherHostName() throws {
        let issued = try Fixture.certificates.get().issue(names: ["one.test"])
        let error = try fault(issued, name: "two.test")
        #expect(error?.code == .certificateInvalid(.nameMismatch))
        #expect(error?.reason.contains("two.test") == true)
    }

    @Test func wildcardsCoverOneLabel() throws {
        let issued = try Fixture.certificates.get().issue(names: ["*.example.test"])
        try Link(Fixture.serverContext(issued), Fixture.clientContext(), name: "a.example.test").handshake()
        #expect(try fault(issued, name: "a.b.example.test")?.code == .certificateInvalid(.nameMismatch))
    }

    @Test func expired() throws {
        let issued = try Fixture.certificates.get().issue(validity: -7200 ..< -3600)
        #expect(try fault(issued, name: "localhost")?.code == .certificateInvalid(.expired))
    }

    @Test func notYetValid() throws {
        let issued = try Fixture.certificates.get().issue(validity: 3600..<7200)
        #expect(try fault(issued, name: "localhost")?.code == .certificateInvalid(.notYetValid))
    }

    @Test func unknownAuthority() throws {
        let error = try fault(Fixture.server.get(), name: "localhost", client: TLSClientContext())
        #expect(error?.code == .certificateInvalid(.unknownAuthority))
        #expect(error?.reason.contains("UPSTREAM_CA_FILE") == true)
    }

    @Test func selfSigned() throws {
        let stranger = try TestCertificates(authorityName: "stranger")
        let error = try fault(stranger.authority, name: "localhost")
        #expect(error?.code == .certificateInvalid(.unknownAuthority))
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func addresses(address: String) throws {
        let issued = try Fixture.certificates.get().issue(names: ["localhost"], addresses: [address])
        let link = try Link(Fixture.serverContext(issued), Fixture.clientContext(), name: address)
        try link.handshake()
        #expect(link.client.isEstablished)
        // SNI has no form for an address (RFC 6066 §3).
        #expect(link.server.serverName == nil)
        #expect(try fault(issued, name: "127.0.0.2")?.code == .certificateInvalid(.nameMismatch))
    }

    @Test(arguments: ["", "a\0b", String(repeating: "a", count: 254)])
    func unusableServerName(name: String) throws {
        let context = try Fixture.clientContext()
        let error = #expect(throws: TLSError.self) { try TLSSession(client: context, serverName: name) }
        #expect(error?.code == .invalidServerName)
    }

    /// The alert that the client leaves tells the server why.
    @Test func theServerHearsOfIt() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let client = try TLSSession(client: Fixture.clientContext(), serverName: "other.test")
        var (toServer, toClient, plaintext) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        try client.start(into: &toServer)
        try server.receive(&toServer, plaintext: &plaintext, output: &toClient)
        toServer.clear()
        #expect(throws: TLSError.self) { try client.receive(&toClient, plaintext: &plaintext, output: &toServer) }
        #expect(toServer.readableBytes > 0)
        // certificate_unknown(46) or bad_certificate(42), sealed with the handshake's keys.
        guard case .peerAlert(let alert)? = server.feed(toServer).error?.code else {
            Issue.record("no alert arrived")
            return
        }
        #expect([42, 46].contains(alert))
    }
}
