internal import COpenSSL
internal import NIOCore
internal import TLS
internal import Testing

/// What a peer may ask for in the middle of a session.
@Suite struct PostHandshakeTests {
    private func connect(_ version: CInt) throws -> (RawPeer, TLSSession) {
        let server = try TLSSession(server: Fixture.serverContext())
        let client = try RawPeer(version: version)
        let (error, _) = client.handshake(with: server)
        #expect(error == nil)
        #expect(server.isEstablished)
        return (client, server)
    }

    @Test func renegotiationIsRefused() throws {
        let (client, server) = try connect(TLS1_2_VERSION)
        #expect(unsafe SSL_renegotiate(client.ssl) == 1)
        #expect(!client.handshake())
        let (plaintext, output, error) = server.feed(client.takeOutput())
        #expect(plaintext.readableBytes == 0)
        // Either the session ends, or the client is told that this does not happen: with an alert in both cases.
        #expect(output.readableBytes > 0)
        client.deliver(output)
        #expect(!client.handshake())
        let reason = gw_ERR_get_reason(ERR_peek_error())
        #expect(error != nil || reason == SSL_R_NO_RENEGOTIATION)
    }

    @Test func keyUpdatesAreAnswered() throws {
        let (client, server) = try connect(TLS1_3_VERSION)
        for round in 0..<5 {
            #expect(unsafe SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
            #expect(client.send("round \(round)"))
            let (plaintext, output, error) = server.feed(client.takeOutput())
            #expect(error == nil)
            #expect(plaintext == ByteBuffer(string: "round \(round)"))
            #expect(output.readableBytes == 0)
            var (data, answer) = (ByteBuffer(string: "answer"), ByteBuffer())
            try server.send(&data, into: &answer)
            // The server's own key update, then the data: two records.
            #expect(answer.readableBytes == 5 + 5 + 17 + 5 + 6 + 17)
            client.deliver(answer)
            #expect(client.receive() == Array("answer".utf8))
        }
    }

    @Test func keyUpdateFloodEndsTheSession() throws {
        let (client, server) = try connect(TLS1_3_VERSION)
        var flood = ByteBuffer()
        for _ in 0..<500 {
            #expect(unsafe SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
            #expect(client.handshake())
            var record = client.takeOutput()
            flood.writeBuffer(&record)
        }
        let (_, _, error) = server.feed(flood)
        #expect(error?.code == .recordFlood)
        #expect(error?.failureReason.rawValue == "record_flood")
    }

    @Test func keyUpdatesOneByOneAreCountedToo() throws {
        let (client, server) = try connect(TLS1_3_VERSION)
        var count = 0
        while count < 500 {
            #expect(unsafe SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
            #expect(client.handshake())
            if server.feed(client.takeOutput()).error != nil { break }
            count += 1
        }
        // The record that ended the handshake counts too.
        #expect((98...100).contains(count))
    }

    @Test func keyUpdatesOverTimeAreCountedUntilDataComes() throws {
        let (client, server) = try connect(TLS1_3_VERSION)
        var now = NIODeadline.now()
        func update() throws -> Bool {
            #expect(unsafe SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
            #expect(client.handshake())
            now = now + .milliseconds(50)
            return server.feed(client.takeOutput(), now: now).error == nil
        }
        for _ in 0..<900 { #expect(try update()) }
        #expect(client.send("data"))
        #expect(server.feed(client.takeOutput(), now: now).error == nil)
        for _ in 0..<900 { #expect(try update()) }
        var more = 0
        while more < 500, try update() { more += 1 }
        #expect((98...101).contains(more))
    }

    @Test func renegotiationFloodEndsTheSession() throws {
        let (client, server) = try connect(TLS1_2_VERSION)
        // What the first attempt sends, sent again: an attacker needs no answers. Each is sealed under a number of its own,
        // so it has to be made anew.
        var error: TLSError?
        for _ in 0..<500 where error == nil {
            _ = unsafe SSL_renegotiate(client.ssl)
            _ = client.handshake()
            let flight = client.takeOutput()
            guard flight.readableBytes > 0 else { break }
            let (_, output, failure) = server.feed(flight)
            error = failure
            client.deliver(output)
        }
        // The first refusal ends either side's session, or the flood does.
        let mayGoOn = error == nil && client.send("x") && server.feed(client.takeOutput()).error == nil
        #expect(!mayGoOn)
    }

    @Test func tinyRecordsFloodEndsTheSession() throws {
        let (client, server) = try connect(TLS1_3_VERSION)
        var now = NIODeadline.now()
        func send(_ count: Int) -> TLSError? {
            for _ in 0..<count {
                guard client.send("x") else { return nil }
            }
            return server.feed(client.takeOutput(), now: now).error
        }
        for _ in 0..<3 {
            #expect(send(9_000) == nil)
            now = now + .seconds(1)
        }
        #expect(send(9_000) == nil)
        #expect(send(2_000)?.code == .recordFlood)
    }

    @Test func emptyRecordsFloodEndsTheSession() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let client = try RawPeer(version: TLS1_2_VERSION)
        #expect(client.handshake(with: server).error == nil)
        // Empty records in the clear are none of the session's: whatever OpenSSL makes of them, it is the end.
        var flood = ByteBuffer()
        for _ in 0..<100 { flood.writeBytes([23, 3, 3, 0, 0]) }
        #expect(server.feed(flood).error != nil)
    }
}
