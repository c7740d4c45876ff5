internal import COpenSSL
internal import Foundation
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

/// What an operator can get wrong.
@Suite struct CertificateFileTests {
    private func failure(certificate: String, key: String) throws -> TLSError? {
        #expect(throws: TLSError.self) { try TLSServerContext(certificateChainFile: certificate, privateKeyFile: key) }
    }

    private func write(_ text: String) throws -> String {
        let path = try Fixture.certificates.get().directory + "/\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test func files() throws {
        let issued = try Fixture.server.get()
        let context = try TLSServerContext(
            certificateChainFile: issued.certificateFile, privateKeyFile: issued.privateKeyFile)
        try Link(context, Fixture.clientContext()).handshake()
    }

    @Test func oneFileForBoth() throws {
        let issued = try Fixture.server.get()
        let both = try write(String(decoding: issued.privateKey + issued.certificate, as: UTF8.self))
        let context = try TLSServerContext(certificateChainFile: both, privateKeyFile: both)
        try Link(context, Fixture.clientContext()).handshake()
    }

    @Test func mismatch() throws {
        let other = try Fixture.certificates.get().issue()
        let issued = try Fixture.server.get()
        let error = try failure(certificate: issued.certificateFile, key: other.privateKeyFile)
        #expect(error?.code == .keyMismatch)
        #expect(error?.reason.contains(issued.certificateFile) == true)
        #expect(error?.reason.contains(other.privateKeyFile) == true)
        let rsa = try Fixture.certificates.get().issue(key: .rsa2048)
        #expect(try failure(certificate: issued.certificateFile, key: rsa.privateKeyFile)?.code == .keyMismatch)
    }

    @Test func missing() throws {
        let issued = try Fixture.server.get()
        let error = try failure(certificate: "/nonexistent/server.pem", key: issued.privateKeyFile)
        #expect(error?.code == .unreadableFile)
        #expect(error?.reason == "cannot read /nonexistent/server.pem: No such file or directory")
    }

    @Test func aDirectory() throws {
        let issued = try Fixture.server.get()
        let directory = try Fixture.certificates.get().directory
        #expect(try failure(certificate: directory, key: issued.privateKeyFile)?.code == .unreadableFile)
    }

    @Test func notPEM() throws {
        let issued = try Fixture.server.get()
        let text = try write("hello")
        #expect(try failure(certificate: text, key: issued.privateKeyFile)?.code == .unusableCertificate)
        #expect(try failure(certificate: issued.certificateFile, key: text)?.code == .unusablePrivateKey)
        let damaged = try write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        #expect(try failure(certificate: damaged, key: issued.privateKeyFile)?.code == .unusableCertificate)
        #expect(throws: TLSError.self) { try TLSClientContext(additionalTrustFile: text) }
    }

    @Test func encryptedKey() throws {
        let issued = try Fixture.server.get()
        let key = try write(String(decoding: encrypted(issued.privateKey), as: UTF8.self))
        let error = try failure(certificate: issued.certificateFile, key: key)
        #expect(error?.code == .encryptedPrivateKey)
        #expect(error?.reason.contains(key) == true)
    }

    private func encrypted(_ pem: [UInt8]) throws -> [UInt8] {
        let input = unsafe try #require(unsafe BIO_new_mem_buf(pem, CInt(pem.count)))
        defer { unsafe BIO_free(input) }
        let key = unsafe try #require(unsafe PEM_read_bio_PrivateKey(input, nil, nil, nil))
        defer { unsafe EVP_PKEY_free(key) }
        let output = unsafe try #require(unsafe BIO_new(BIO_s_mem()))
        defer { unsafe BIO_free(output) }
        let passphrase = Array("secret".utf8)
        #expect(
            unsafe PEM_write_bio_PrivateKey(
                output, key, EVP_aes_128_cbc(), passphrase, CInt(passphrase.count), nil, nil) == 1)
        var data: UnsafeMutablePointer<CChar>?
        let count = unsafe gw_BIO_get_mem_data(output, &data)
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: count))
    }
}
