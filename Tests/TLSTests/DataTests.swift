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

    /// A record that arrives in two parts, at every boundary, with nothing at all received in between.
    @Test func nothingReceivedWithinARecord() throws {
        let link = try establishedLink()
        for boundary in 0...27 {
            var (data, record) = (ByteBuffer(string: "hello"), ByteBuffer())
            try link.client.send(&data, into: &record)
            let first = record.readSlice(length: boundary)
            let head = try #require(first)
            var received = ByteBuffer()
            for part in [ByteBuffer(), head, ByteBuffer(), ByteBuffer(), record, ByteBuffer()] {
                var (plaintext, output, error) = link.server.feed(part)
                #expect(error == nil)
                #expect(output.readableBytes == 0)
                received.writeBuffer(&plaintext)
            }
            #expect(received == ByteBuffer(string: "hello"))
        }
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
