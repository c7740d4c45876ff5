internal import COpenSSL
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

/// Which certificate a client is shown.
@Suite struct ServerNameTests {
    private static func files(_ issued: TestCertificates.Issued) -> TLSCertificateFiles {
        TLSCertificateFiles(chain: issued.certificateFile, key: issued.privateKeyFile)
    }

    private func issue(_ names: [String], _ key: TestCertificates.Key = .ecdsaP256) throws -> TLSCertificateFiles {
        try Self.files(Fixture.certificates.get().issue(names: names, addresses: [], key: key))
    }

    /// Makes a handshake; the subject of the certificate that the client was shown, and what the server threw.
    private func names(
        _ context: TLSServerContext, asking name: String?, version: CInt = TLS1_3_VERSION, suites: String = "ALL"
    ) throws -> (shown: String?, server: TLSSession, error: TLSError?, answer: ByteBuffer) {
        let client = try RawPeer(version: version, suites: suites)
        if let name { #expect(unsafe gw_SSL_set_tlsext_host_name(client.ssl, name) == 1) }
        let server = try TLSSession(server: context)
        let (error, answer) = client.handshake(with: server)
        guard let certificate = unsafe SSL_get1_peer_certificate(client.ssl) else {
            return (nil, server, error, answer)
        }
        defer { unsafe X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        let length = unsafe X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, &text, CInt(text.count))
        let name = String(decoding: text.prefix(max(0, Int(length))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (name, server, error, answer)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func theNameChooses(version: CInt) throws {
        let context = try TLSServerContext(
            TLSServerSettings(certificates: [
                issue(["first.test"]), issue(["second.test", "*.second.test"]), issue(["a.second.test"]),
            ]))
        for (asked, shown) in [
            ("first.test", "first.test"), ("SECOND.test", "second.test"), ("b.second.test", "second.test"),
            ("a.second.test", "a.second.test"), ("c.b.second.test", "first.test"), ("other.test", "first.test"),
            ("127.0.0.1", "first.test"), (nil, "first.test"),
        ] as [(String?, String)] {
            let found = try names(context, asking: asked, version: version)
            #expect(found.error == nil)
            #expect(found.shown == shown, "\(asked ?? "no name")")
            #expect(found.server.serverName == asked)
        }
    }

    @Test func bothKindsOfKeyAreAtHandForTheSameNames() throws {
        let context = try TLSServerContext(
            TLSServerSettings(certificates: [issue(["both.test"]), issue(["both.test"], .rsa2048)]))
        for (suites, kind) in [("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA"), ("ECDHE-RSA-AES128-GCM-SHA256", "RSA")] {
            for name in ["both.test", nil] {
                let found = try names(context, asking: name, version: TLS1_2_VERSION, suites: suites)
                #expect(found.error == nil)
                #expect(found.server.cipher.contains(kind))
            }
        }
        #expect(context.certificateFacts.map(\.keyKind) == ["ECDSA", "RSA"])
    }

    @Test func chainsBelongToTheirCertificates() throws {
        let authority = try Fixture.certificates.get().authority
        let directory = try TemporaryDirectory()
        let (first, second) = try (Fixture.certificates.get().issue(), Fixture.certificates.get().issue(key: .rsa2048))
        let chain = "\(directory.path)/chain.pem"
        try write(second.certificate + authority.certificate, to: chain)
        let context = try TLSServerContext(
            TLSServerSettings(certificates: [
                Self.files(first), TLSCertificateFiles(chain: chain, key: second.privateKeyFile),
            ]))
        for (suites, length) in [("ECDHE-ECDSA-AES128-GCM-SHA256", 1), ("ECDHE-RSA-AES128-GCM-SHA256", 2)] {
            let client = try RawPeer(version: TLS1_2_VERSION, suites: suites)
            #expect(client.handshake(with: try TLSSession(server: context)).error == nil)
            #expect(unsafe OPENSSL_sk_num(SSL_get_peer_cert_chain(client.ssl)) == CInt(length))
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func unknownNamesAreRejectedIfSo(version: CInt) throws {
        var settings = try TLSServerSettings(certificates: [issue(["known.test"])])
        settings.unknownHost = .reject
        let context = try TLSServerContext(settings)
        let refused = try names(context, asking: "unknown.test", version: version)
        #expect(refused.error?.code == .unrecognizedName)
        #expect(refused.error?.failureReason.rawValue == "unrecognized_name")
        // fatal(2), unrecognized_name(112)
        #expect(refused.answer.readableBytesView.elementsEqual([21, 3, 3, 0, 2, 2, 112]))
        for name in ["known.test", "127.0.0.1", nil] {
            #expect(try names(context, asking: name, version: version).error == nil)
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func sessionsResumeForEachName(version: CInt) throws {
        let context = try TLSServerContext(
            TLSServerSettings(certificates: [issue(["first.test"]), issue(["second.test"])]))
        let first = try RawPeer(version: version)
        #expect(unsafe gw_SSL_set_tlsext_host_name(first.ssl, "second.test") == 1)
        #expect(first.handshake(with: try TLSSession(server: context)).error == nil)
        _ = first.receive()
        let session = unsafe try #require(unsafe SSL_get1_session(first.ssl))
        defer { unsafe SSL_SESSION_free(session) }
        let second = try RawPeer(version: version)
        #expect(unsafe gw_SSL_set_tlsext_host_name(second.ssl, "second.test") == 1)
        #expect(unsafe SSL_set_session(second.ssl, session) == 1)
        let server = try TLSSession(server: context)
        #expect(second.handshake(with: server).error == nil)
        #expect(server.wasResumed)
    }

    @Test func modernSpeaksTLS13Only() throws {
        var settings = try TLSServerSettings(certificates: [issue(["localhost"])])
        settings.profile = .modern
        let context = try TLSServerContext(settings)
        let old = try names(context, asking: nil, version: TLS1_2_VERSION)
        #expect(old.error?.code == .unsupportedVersion)
        #expect(old.answer.readableBytesView.elementsEqual([21, 3, 3, 0, 2, 2, 70]))
        let new = try names(context, asking: nil)
        #expect(new.error == nil)
        #expect(new.server.group == "x25519")
    }
}
