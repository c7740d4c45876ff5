internal import COpenSSL
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

/// Mutual TLS.
@Suite struct ClientCertificateTests {
    private let authority: TestCertificates

    init() throws {
        authority = try TestCertificates(authorityName: "clients' authority")
    }

    private func settings(_ mode: TLSClientAuthentication.Mode, file: String? = nil) throws -> TLSServerSettings {
        let issued = try Fixture.server.get()
        var settings = TLSServerSettings(
            certificates: [.init(chain: issued.certificateFile, key: issued.privateKeyFile)])
        settings.clientAuthentication = .init(authorityFile: file ?? authority.authority.certificateFile, mode: mode)
        return settings
    }

    private func client(_ issued: TestCertificates.Issued?, version: CInt = TLS1_3_VERSION) throws -> RawPeer {
        let client = try RawPeer(version: version)
        guard let issued else { return client }
        #expect(unsafe SSL_use_certificate_file(client.ssl, issued.certificateFile, SSL_FILETYPE_PEM) == 1)
        #expect(unsafe SSL_use_PrivateKey_file(client.ssl, issued.privateKeyFile, SSL_FILETYPE_PEM) == 1)
        return client
    }

    private func issue(validity: Range<Int> = -3600..<3600) throws -> TestCertificates.Issued {
        try authority.issue(names: ["worker-7.example"], addresses: [], validity: validity, usage: "clientAuth")
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION], [TLSClientAuthentication.Mode.required, .optional])
    func aCertificateNamesItsClient(version: CInt, mode: TLSClientAuthentication.Mode) throws {
        let server = try TLSSession(server: TLSServerContext(settings(mode)))
        #expect(try client(issue(), version: version).handshake(with: server).error == nil)
        #expect(server.isEstablished)
        #expect(server.clientCertificateName == "worker-7.example")
    }

    @Test(arguments: [
        (["URI:spiffe://mesh/ns/a", "email:a@b.example", "DNS:a.example"], "a.example"),
        (["email:a@b.example", "URI:spiffe://mesh/ns/a"], "spiffe://mesh/ns/a"),
        (["email:a@b.example"], "a@b.example"), (["IP:192.0.2.1"], "subject"), ([], "subject"),
    ])
    func theChoiceOfTheName(alternatives: [String], name: String) throws {
        let issued = try authority.issue(
            names: [], addresses: [], usage: "clientAuth", others: alternatives, subject: "subject")
        let server = try TLSSession(server: TLSServerContext(settings(.required)))
        #expect(try client(issued).handshake(with: server).error == nil)
        #expect(server.clientCertificateName == name)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func withoutACertificate(version: CInt) throws {
        let lax = try TLSSession(server: TLSServerContext(settings(.optional)))
        #expect(try client(nil, version: version).handshake(with: lax).error == nil)
        #expect(lax.isEstablished)
        #expect(lax.clientCertificateName == nil)
        let strict = try TLSSession(server: TLSServerContext(settings(.required)))
        let error = try client(nil, version: version).handshake(with: strict).error
        #expect(error?.code == .clientCertificateMissing)
        #expect(!strict.isEstablished)
    }

    @Test(arguments: [TLSClientAuthentication.Mode.required, .optional])
    func strangersAndTheExpiredAreRefused(mode: TLSClientAuthentication.Mode) throws {
        let others = try TestCertificates()
        let stranger = try others.issue(names: ["x"], addresses: [], usage: "clientAuth")
        let forServers = try authority.issue(names: ["x"], addresses: [])
        let expired = try issue(validity: -7200 ..< -3600)
        for issued in [stranger, forServers, expired] {
            let server = try TLSSession(server: TLSServerContext(settings(mode)))
            let error = try client(issued).handshake(with: server).error
            #expect(error?.failureReason == .certificateInvalid)
            #expect(server.clientCertificateName == nil)
        }
    }

    /// The session of a client after its first handshake.
    private func session(_ context: TLSServerContext, _ issued: TestCertificates.Issued, _ version: CInt) throws
        -> OpaquePointer
    {
        let first = try client(issued, version: version)
        #expect(first.handshake(with: try TLSSession(server: context)).error == nil)
        _ = first.receive()
        // Otherwise OpenSSL takes the connection for one that broke, and does not resume its session.
        unsafe SSL_set_shutdown(first.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        return unsafe try #require(unsafe SSL_get1_session(first.ssl))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func resumptionKeepsTheNameAndEndsWithTheAuthority(version: CInt) throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/clients.pem"
        try write(authority.authority.certificate, to: file)
        let settings = try settings(.required, file: file)
        let context = try TLSServerContext(settings)
        let issued = try issue()
        let session = unsafe try session(context, issued, version)
        defer { unsafe SSL_SESSION_free(session) }
        func resume(_ context: TLSServerContext) throws -> (TLSSession, TLSError?) {
            let client = try client(issued, version: version)
            #expect(unsafe SSL_set_session(client.ssl, session) == 1)
            let server = try TLSSession(server: context)
            defer { unsafe SSL_set_shutdown(client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
            return (server, client.handshake(with: server).error)
        }
        let (resumed, error) = try resume(context)
        #expect(error == nil)
        #expect(resumed.wasResumed)
        #expect(resumed.clientCertificateName == "worker-7.example")
        // Reloaded without a change it goes on; the authority removed, the ticket opens nothing.
        #expect(try resume(TLSServerContext(settings, replacing: context)).0.wasResumed)
        try write(TestCertificates().authority.certificate, to: file)
        let (refused, failure) = try resume(TLSServerContext(settings, replacing: context))
        #expect(!refused.isEstablished)
        #expect(failure?.failureReason == .certificateInvalid)
    }

    @Test func aBadAuthorityFileLeavesTheOldInForce() throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/clients.pem"
        try write(authority.authority.certificate, to: file)
        let settings = try settings(.required, file: file)
        let context = try TLSServerContext(settings)
        try write(Array("nothing".utf8), to: file)
        #expect(throws: TLSError.self) { try TLSServerContext(settings) }
        let kept = try TLSServerContext(settings, replacing: context)
        #expect(kept.report.problems.count == 1)
        let server = try TLSSession(server: kept)
        #expect(try client(issue()).handshake(with: server).error == nil)
        #expect(server.clientCertificateName != nil)
    }
}
