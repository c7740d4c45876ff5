internal import COpenSSL
internal import NIOCore
internal import TLS
internal import Testing

@Suite struct DataTests {
    private func establishedLink() throws -> Link {
        let link = try Link(Fixture.serverContext(), Fixture.clientContext())
        try link.handshake()
        return link
    }

    private func randomBytes(_ count: Int) throws -> ByteBuffer {
        try ByteBuffer(bytes: secureRandomBytes(count))
    }

    @Test(arguments: [nil, 1, 1000])
    func smallMessages(pieceSize: Int?) throws {
        let link = try establishedLink()
        link.pieceSize = pieceSize
        for text in ["a", "hello", String(repeating: "x", count: 300)] {
            link.serverReceived.clear()
            link.clientReceived.clear()
            try link.sendFromClient(ByteBuffer(string: text))
            try link.sendFromServer(ByteBuffer(string: text + "!"))
            #expect(link.serverReceived == ByteBuffer(string: text))
            #expect(link.clientReceived == ByteBuffer(string: text + "!"))
        }
    }

    @Test func oneMiBBothWaysInRandomPieces() throws {
        let link = try establishedLink()
        let (up, down) = try (randomBytes(1 << 20), randomBytes(1 << 20))
        var (upRest, downRest) = (up, down)
        while upRest.readableBytes > 0 || downRest.readableBytes > 0 {
            link.pieceSize = Int.random(in: 500...40_000)
            if let part = upRest.readSlice(length: min(upRest.readableBytes, Int.random(in: 1...100_000))) {
                try link.sendFromClient(part)
            }
            if let part = downRest.readSlice(length: min(downRest.readableBytes, Int.random(in: 1...100_000))) {
                try link.sendFromServer(part)
            }
        }
        #expect(link.serverReceived == up)
        #expect(link.clientReceived == down)
    }

    @Test func fewestRecords() throws {
        let link = try establishedLink()
        var (data, output) = (try randomBytes((32 << 10) + 1), ByteBuffer())
        try link.server.send(&data, into: &output)
        #expect(data.readableBytes == 0)
        var lengths: [UInt16] = []
        while let header = output.readBytes(length: 5) {
            #expect(header.prefix(3) == [23, 3, 3])
            let length = UInt16(header[3]) << 8 | UInt16(header[4])
            output.moveReaderIndex(forwardBy: Int(length))
            lengths.append(length)
        }
        // Content type and tag are 17 bytes.
        #expect(lengths == [16401, 16401, 18])
        #expect(output.readableBytes == 0)
    }

    @Test func whatIsGivenIsAppendedTo() throws {
        let link = try establishedLink()
        link.serverReceived.writeString("before ")
        try link.sendFromClient(ByteBuffer(string: "after"))
        #expect(link.serverReceived == ByteBuffer(string: "before after"))
        var (data, output) = (ByteBuffer(string: "x"), ByteBuffer(string: "frame"))
        try link.client.send(&data, into: &output)
        #expect(output.readString(length: 5) == "frame")
        #expect(output.readableBytes == 1 + 22)
    }

    @Test func sendingNothingWritesNothing() throws {
        let link = try establishedLink()
        var (data, output) = (ByteBuffer(), ByteBuffer())
        try link.client.send(&data, into: &output)
        #expect(output.readableBytes == 0)
    }

    @Test func damagedRecordFailsWithAnAlert() throws {
        let link = try establishedLink()
        var (data, record) = (ByteBuffer(string: "hello"), ByteBuffer())
        try link.client.send(&data, into: &record)
        var bytes = Array(record.readableBytesView)
        bytes[10] ^= 1
        let (plaintext, output, error) = link.server.feed(ByteBuffer(bytes: bytes))
        #expect(plaintext.readableBytes == 0)
        #expect(error?.code == .protocolViolation)
        #expect(output.readableBytes > 0)
        #expect(!link.server.receiveEnd())
    }

    @Test(arguments: [nil, 1])
    func closeNotify(pieceSize: Int?) throws {
        let link = try establishedLink()
        link.pieceSize = pieceSize
        #expect(!link.client.isClosedByPeer)
        try link.closeServer()
        #expect(link.client.isClosedByPeer)
        #expect(link.client.receiveEnd())
        // The other direction is still open, and its end was not announced.
        try link.sendFromClient(ByteBuffer(string: "last"))
        #expect(link.serverReceived == ByteBuffer(string: "last"))
        #expect(!link.server.receiveEnd())
        try link.closeClient()
        #expect(link.server.receiveEnd())
        // Once each.
        var output = ByteBuffer()
        link.server.close(into: &output)
        #expect(output.readableBytes == 0)
        var data = ByteBuffer(string: "x")
        let error = #expect(throws: TLSError.self) { try link.server.send(&data, into: &output) }
        #expect(error?.code == .notWritable)
    }

    @Test func whatFollowsCloseNotifyIsIgnored() throws {
        let link = try establishedLink()
        var (data, output) = (ByteBuffer(string: "data"), ByteBuffer())
        try link.client.send(&data, into: &output)
        link.client.close(into: &output)
        output.writeString("anything at all")
        let (plaintext, _, error) = link.server.feed(output)
        #expect(plaintext == ByteBuffer(string: "data"))
        #expect(error == nil)
        #expect(link.server.isClosedByPeer)
        let more = link.server.feed(ByteBuffer(string: "more"))
        #expect(more.plaintext.readableBytes == 0)
        #expect(more.error == nil)
    }
}

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
        #expect(error?.code == .protocolViolation)
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
        #expect((126...128).contains(count))
    }
}
