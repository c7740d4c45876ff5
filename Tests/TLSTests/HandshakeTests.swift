internal import COpenSSL
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

@Suite struct HandshakeTests {
    @Test(arguments: [nil, 1, 7])
    func tls13(pieceSize: Int?) throws {
        let link = try Link(Fixture.serverContext(), Fixture.clientContext(), pieceSize: pieceSize)
        try link.handshake()
        for session in [link.client, link.server] {
            #expect(session.isEstablished)
            #expect(session.version == "TLSv1.3")
            #expect(session.cipher == "TLS_AES_128_GCM_SHA256")
            #expect(session.negotiatedProtocol == .http2)
            #expect(session.serverName == "localhost")
            #expect(!session.wasResumed)
        }
    }

    @Test(arguments: [TestCertificates.Key.ecdsaP256, .rsa2048], [nil, 1])
    func tls12(key: TestCertificates.Key, pieceSize: Int?) throws {
        let issued = try Fixture.certificates.get().issue(key: key)
        let server = try TLSSession(server: Fixture.serverContext(issued))
        let client = try RawPeer(version: TLS1_2_VERSION)
        var isDone = false
        for _ in 0..<4 where !isDone {
            isDone = client.handshake()
            var flight = client.takeOutput()
            while let piece = flight.readSlice(length: min(flight.readableBytes, pieceSize ?? .max)),
                piece.readableBytes > 0
            {
                let (_, output, error) = server.feed(piece)
                #expect(error == nil)
                client.deliver(output)
            }
        }
        #expect(isDone)
        #expect(server.isEstablished)
        #expect(server.version == "TLSv1.2")
        #expect(server.cipher.hasPrefix("TLS_ECDHE_"))
        #expect(server.negotiatedProtocol == nil)
        #expect(server.serverName == nil)
        #expect(client.send("hello"))
        #expect(server.feed(client.takeOutput()).plaintext == ByteBuffer(string: "hello"))
    }

    @Test func tls11IsRefusedWithAnAlert() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let (error, answer) = try RawPeer(version: TLS1_1_VERSION).handshake(with: server)
        #expect(error?.code == .unsupportedVersion)
        // A fatal alert, protocol_version (RFC 8446 §6.2).
        #expect(answer.readableBytesView.suffix(2).elementsEqual([2, 70]))
        #expect(!server.isEstablished)
    }

    /// The six suites of Mozilla's intermediate configuration that fit the key, and a selection of those that it lacks.
    @Test(arguments: [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", true), ("ECDHE-RSA-AES128-GCM-SHA256", false),
        ("ECDHE-ECDSA-AES128-SHA256", false), ("ECDHE-ECDSA-AES256-SHA", false), ("AES128-GCM-SHA256", false),
        ("DHE-RSA-AES128-GCM-SHA256", false), ("AECDH-AES128-SHA", false),
    ])
    func tls12Suites(suite: String, isAccepted: Bool) throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let (error, answer) = try RawPeer(version: TLS1_2_VERSION, suites: suite).handshake(with: server)
        #expect(server.isEstablished == isAccepted)
        if !isAccepted {
            #expect(error?.code == .nothingInCommon)
            #expect(answer.readableBytesView.suffix(2).elementsEqual([2, 40]))
        }
    }

    @Test(arguments: [
        ([ApplicationProtocol.http2], [ApplicationProtocol.http2, .http1], ApplicationProtocol.http2),
        ([.http1], [.http2, .http1], .http1),
        ([.http1, .http2], [.http2, .http1], .http2),
        ([.http2, .http1], [.http1], .http1),
        ([.http1_0], [.http2, .http1, .http1_0], .http1_0),
        ([], [.http2, .http1], nil),
    ])
    func applicationProtocol(
        offered: [ApplicationProtocol], spoken: [ApplicationProtocol], expected: ApplicationProtocol?
    ) throws {
        let link = try Link(Fixture.serverContext(alpn: spoken), Fixture.clientContext(alpn: offered))
        try link.handshake()
        #expect(link.server.negotiatedProtocol == expected)
        #expect(link.client.negotiatedProtocol == expected)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func otherApplicationProtocolsAreRefusedWithAnAlert(version: CInt) throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let client = try RawPeer(version: version, alpn: [3] + Array("ftp".utf8))
        let (error, answer) = client.handshake(with: server)
        #expect(error?.code == .noApplicationProtocol)
        // alert(21), TLS 1.2 on the record layer, two bytes: fatal(2), no_application_protocol(120).
        #expect(answer.readableBytesView.elementsEqual([21, 3, 3, 0, 2, 2, 120]))
    }

    @Test func aChoiceThatWasNotOfferedIsRefused() throws {
        let issued = try Fixture.server.get()
        let server = try RawPeer(choosingHTTP2: issued)
        let client = try TLSSession(client: Fixture.clientContext(alpn: [.http1]), serverName: "localhost")
        var (flight, answer, plaintext) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        try client.start(into: &flight)
        server.deliver(flight)
        #expect(!server.handshake())
        var reply = server.takeOutput()
        let error = #expect(throws: TLSError.self) {
            try client.receive(&reply, plaintext: &plaintext, output: &answer)
        }
        #expect([.protocolViolation, .handshakeFailure].contains(error?.code))
        #expect(throws: TLSError.self) { try client.send(&plaintext, into: &answer) }
    }

    @Test func serverWithoutProtocolsIgnoresOffers() throws {
        let link = try Link(Fixture.serverContext(alpn: []), Fixture.clientContext())
        try link.handshake()
        #expect(link.client.negotiatedProtocol == nil)
    }

    @Test func garbageFailsWithAnAlert() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        // A handshake record of which the content is no ClientHello.
        let garbage = ByteBuffer(bytes: [22, 3, 1, 0, 5, 1, 0, 0, 1, 0xFF])
        let (_, output, error) = server.feed(garbage)
        #expect(error?.code == .handshakeFailure)
        #expect(output.readableBytesView.first == 21)
        // From here on: the same error, no output, no crash.
        let again = server.feed(garbage)
        #expect(again.error == error)
        #expect(again.output.readableBytes == 0)
        var (data, out) = (ByteBuffer(string: "x"), ByteBuffer())
        #expect(throws: TLSError.self) { try server.send(&data, into: &out) }
        server.close(into: &out)
        #expect(out.readableBytes == 0)
        #expect(!server.receiveEnd())
    }

    @Test func randomBytesNeverEstablish() throws {
        let context = try Fixture.serverContext()
        var generator = SystemRandomNumberGenerator()
        for length in 0..<200 {
            let server = try TLSSession(server: context)
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // With and without the beginning of a handshake record.
            for header in [[], [22, 3, 1, 0, 255]] as [[UInt8]] {
                #expect(server.feed(ByteBuffer(bytes: header + bytes)).plaintext.readableBytes == 0)
            }
            #expect(!server.isEstablished)
        }
    }

    @Test func plainHTTPIsNamed() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let (_, _, error) = server.feed(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        #expect(error?.code == .plainHTTP)
    }

    /// Every byte of a client's first flight, damaged: the server throws or waits, and never crashes.
    @Test func damagedClientHello() throws {
        let serverContext = try Fixture.serverContext()
        var hello = ByteBuffer()
        try TLSSession(client: Fixture.clientContext(), serverName: "localhost").start(into: &hello)
        for index in 0..<hello.readableBytes {
            var bytes = Array(hello.readableBytesView)
            bytes[index] ^= 0xFF
            let server = try TLSSession(server: serverContext)
            _ = server.feed(ByteBuffer(bytes: bytes))
            #expect(!server.isEstablished)
        }
    }

    @Test func nothingIsSentBeforeTheHandshakeIsDone() throws {
        let client = try TLSSession(client: Fixture.clientContext(), serverName: "localhost")
        var (data, output) = (ByteBuffer(string: "x"), ByteBuffer())
        let error = #expect(throws: TLSError.self) { try client.send(&data, into: &output) }
        #expect(error?.code == .notWritable)
        #expect(data.readableBytes == 1)
        #expect(output.readableBytes == 0)
    }
}
