import NIOCore
import Testing

@testable import HTTP

/// A response that must be delivered, and whether the connection can be used after it.
struct GoodResponse: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let input: String
    let transcript: [String]
    let keepsAlive: Bool
    var method = "GET"

    init(_ input: String, _ transcript: [String], keepsAlive: Bool = true, method: String = "GET") {
        testDescription = input.debugDescription
        self.input = input
        self.transcript = transcript
        self.keepsAlive = keepsAlive
        self.method = method
    }
}

struct HTTP1ClientTests {
    static let hello = ["head 200", "body hello", "end"]

    private func client(_ method: String = "GET") throws -> HTTP1Client {
        let client = HTTP1Client(limits: HTTPLimits())
        let id = client.send(RequestHead(method: method, authority: "a", path: "/"), body: ByteBuffer())
        #expect(id == StreamID(1))
        var output = ByteBuffer()
        #expect(client.writeOutput(into: &output, limit: 1000))
        #expect(transcript(client) == ["drained"])
        return client
    }

    private func transcript(_ client: HTTP1Client) -> [String] {
        var lines: [String] = []
        while let event = client.nextEvent() {
            switch event {
            case .head(_, let head): lines.append("head \(head.status)")
            case .body(_, let bytes):
                if let last = lines.last, last.hasPrefix("body ") {
                    lines[lines.count - 1] = last + String(buffer: bytes)
                } else {
                    lines.append("body " + String(buffer: bytes))
                }
            case .end: lines.append("end")
            case .drained: lines.append("drained")
            case .failed(_, let failure):
                switch failure.reason {
                case .connectionClosed: lines.append("failed closed")
                case .protocolError: lines.append("failed protocol")
                case .reset: lines.append("failed reset")
                }
                if failure.isUnprocessed { lines.append("unprocessed") }
            }
        }
        return lines
    }

    private func feed(_ client: HTTP1Client, _ bytes: some Collection<UInt8>) throws {
        var input = ByteBuffer(bytes: bytes)
        try client.receive(&input, now: .uptimeNanoseconds(0))
        #expect(input.readableBytes == 0)
    }

    static let good: [GoodResponse] = [
        GoodResponse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodResponse("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodResponse("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodResponse("HTTP/1.1 200 Tr\u{E8}s bien\r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodResponse(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", hello, keepsAlive: false),
        GoodResponse("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", hello, keepsAlive: false),
        GoodResponse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodResponse(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nA: b\r\n\r\n", hello),
        GoodResponse("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", ["head 404", "end"]),
        GoodResponse("HTTP/1.1 204 No\r\n\r\n", ["head 204", "end"]),
        GoodResponse("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", ["head 204", "end"]),
        GoodResponse("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", ["head 304", "end"]),
        GoodResponse("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", ["head 304", "end"]),
        GoodResponse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ["head 200", "end"], method: "HEAD"),
        GoodResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ["head 200", "end"], method: "HEAD"),
        GoodResponse("HTTP/1.1 200 OK\r\n\r\n", ["head 200", "end"], method: "HEAD"),
        GoodResponse(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            hello),
        GoodResponse(
            String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: 8) + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            hello),
    ]

    @Test(arguments: good)
    func deliversResponsesHoweverTheyAreCut(_ response: GoodResponse) throws {
        for pieces in cuts(of: latin1(response.input)) {
            let client = try client(response.method)
            #expect(!client.hasReceivedResponseBytes)
            for piece in pieces {
                #expect(client.openStreams == 1)
                #expect(client.capacity == 0)
                try feed(client, piece)
                #expect(client.hasReceivedResponseBytes)
            }
            #expect(transcript(client) == response.transcript)
            #expect(client.openStreams == 0)
            #expect(client.capacity == (response.keepsAlive ? 1 : 0))
            #expect(client.isFinished == !response.keepsAlive)
            client.receiveEnd(clean: true)
            #expect(transcript(client) == [])
            #expect(client.isFinished)
        }
    }

    static let bad = [
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: 9),
        "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n",
        "hello world\r\n",
        "HTTP/1.1 200 O\u{0}K\r\n", "HTTP/1.1 200 OK\r\n X: y\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \u{0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 101) + "\r\n",
        "HTTP/1.1 200 " + String(repeating: "K", count: 9000),
    ]

    @Test(arguments: bad)
    func failsAndFinishesOnADoubtfulResponse(_ response: String) throws {
        let bytes = latin1(response)
        for size in [1, 2, 3, 7, bytes.count] {
            let client = try client()
            var rest = bytes[...]
            #expect(throws: ConnectionFault.self) {
                while !rest.isEmpty {
                    try feed(client, rest.prefix(size))
                    rest = rest.dropFirst(size)
                }
            }
            #expect(transcript(client).last == "failed protocol")
            #expect(client.isFinished)
            #expect(client.capacity == 0)
            #expect(client.openStreams == 0)
            client.receiveEnd(clean: true)
            #expect(transcript(client) == [])
        }
    }

    @Test(arguments: [true, false])
    func aResponseThatEndsWithTheConnectionIsWholeOnlyWhenItEndsCleanly(_ clean: Bool) throws {
        let client = try client()
        try feed(client, "HTTP/1.1 200 OK\r\n\r\nhel".utf8)
        try feed(client, "lo".utf8)
        #expect(transcript(client) == ["head 200", "body hello"])
        #expect(client.openStreams == 1)
        client.receiveEnd(clean: clean)
        #expect(transcript(client) == [clean ? "end" : "failed closed"])
        #expect(client.isFinished)
    }

    @Test(arguments: [
        "", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func anEndInMidMessageFails(_ start: String) throws {
        let client = try client()
        try feed(client, start.utf8)
        #expect(client.hasReceivedResponseBytes == !start.isEmpty)
        client.receiveEnd(clean: true)
        #expect(transcript(client).last == "failed closed")
        #expect(client.isFinished)
    }

    @Test func bytesPastTheResponseEndTheConnection() throws {
        let client = try client()
        try feed(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n".utf8)
        #expect(transcript(client) == Self.hello)
        #expect(client.isFinished)
        #expect(client.send(RequestHead(method: "GET", authority: "a", path: "/"), body: ByteBuffer()) == nil)
    }

    @Test func unaskedBytesEndTheConnection() throws {
        let client = HTTP1Client(limits: HTTPLimits())
        try feed(client, "HTTP/1.1 408 Timeout\r\n\r\n".utf8)
        #expect(client.isFinished)
        #expect(transcript(client) == [])
    }

    @Test func aResponseBeforeTheRequestIsOutEndsTheConnection() throws {
        let client = HTTP1Client(limits: HTTPLimits())
        let body = ByteBuffer(repeating: 0x61, count: 1000)
        #expect(client.send(RequestHead(method: "POST", authority: "a", path: "/"), body: body) != nil)
        var output = ByteBuffer()
        #expect(client.writeOutput(into: &output, limit: 100))
        try feed(client, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n".utf8)
        #expect(transcript(client) == ["head 413", "end"])
        #expect(client.isFinished)
        #expect(!client.writeOutput(into: &output, limit: 100))
    }

    @Test func writesACanonicalRequest() throws {
        let client = HTTP1Client(limits: HTTPLimits())
        var fields = HeaderFields()
        fields.append("Accept", "x")
        fields.append("Host", "evil")
        fields.append("Transfer-Encoding", "chunked")
        fields.append("Content-Length", "99")
        fields.append("Connection", "close")
        fields.append("x-bad", "a\r\nb: c")
        let head = RequestHead(method: "POST", authority: "a:8", path: "/p?q", fields: fields)
        _ = client.send(head, body: ByteBuffer(string: "0123456789"))
        #expect(client.capacity == 0)
        #expect(client.send(head, body: ByteBuffer()) == nil)
        var output = ByteBuffer()
        while client.writeOutput(into: &output, limit: 4) {}
        #expect(
            String(buffer: output)
                == "POST /p?q HTTP/1.1\r\nhost: a:8\r\nAccept: x\r\ncontent-length: 10\r\n\r\n0123456789")
        #expect(transcript(client) == ["drained"])
    }

    @Test(arguments: [
        ("GET", ""), ("HEAD", ""), ("DELETE", ""), ("POST", "content-length: 0\r\n"), ("PUT", "content-length: 0\r\n"),
    ])
    func saysTheLengthOfAnEmptyBodyWhereOneIsExpected(_ method: String, _ field: String) throws {
        let client = HTTP1Client(limits: HTTPLimits())
        _ = client.send(RequestHead(method: method, authority: "a", path: "/"), body: ByteBuffer())
        var output = ByteBuffer()
        while client.writeOutput(into: &output, limit: 1000) {}
        #expect(String(buffer: output) == "\(method) / HTTP/1.1\r\nhost: a\r\n\(field)\r\n")
    }

    @Test func usesTheConnectionAgain() throws {
        let client = try client()
        for ordinal in 2...4 {
            try feed(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8)
            #expect(transcript(client) == Self.hello)
            #expect(client.capacity == 1)
            let id = client.send(RequestHead(method: "GET", authority: "a", path: "/"), body: ByteBuffer())
            #expect(id == StreamID(Int32(ordinal)))
            #expect(!client.hasReceivedResponseBytes)
            var output = ByteBuffer()
            while client.writeOutput(into: &output, limit: 1000) {}
            #expect(transcript(client) == ["drained"])
        }
    }

    @Test func aCancelledRequestEndsTheConnectionSilently() throws {
        let client = try client()
        try feed(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe".utf8)
        #expect(transcript(client) == ["head 200", "body he"])
        client.cancel(StreamID(7))
        #expect(!client.isFinished)
        client.cancel(StreamID(1))
        #expect(client.isFinished)
        try feed(client, "llo".utf8)
        client.receiveEnd(clean: false)
        #expect(transcript(client) == [])
    }

    @Test func pausesReadingWhileTheBodyIsNotConsumed() throws {
        let client = try client()
        try feed(client, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".utf8)
        try feed(client, [UInt8](repeating: 0x61, count: 70_000))
        #expect(client.wantsReadPaused)
        client.consume(StreamID(1), 10_000)
        #expect(!client.wantsReadPaused)
    }
}
