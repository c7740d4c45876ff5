import NIOCore
import Testing

@testable import HTTP

/// What an `HTTP1Server` writes, byte for byte.
struct HTTP1ResponseTests {
    private let id = StreamID(1)

    private func driver(_ request: String) throws -> ServerDriver {
        var driver = ServerDriver()
        driver.answers = false
        try driver.feed(request)
        _ = driver.takeOutput()
        return driver
    }

    private func get(_ method: String = "GET", version: String = "1.1") throws -> ServerDriver {
        try driver("\(method) / HTTP/\(version)\r\nHost: a\r\n\r\n")
    }

    private func append(_ text: String, to driver: ServerDriver) {
        driver.server.write(id) { $0.writeString(text) }
    }

    @Test func countsABodyOfKnownLength() throws {
        var driver = try get()
        var fields = HeaderFields()
        fields.append("content-type", "text/plain")
        driver.server.respond(id, ResponseHead(status: 200, fields: fields, contentLength: 5), end: false)
        append("he", to: driver)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhe")
        append("llo", to: driver)
        #expect(driver.flush() == "llo")
        driver.server.end(id)
        #expect(driver.flush() == "")
        driver.run()
        #expect(driver.transcript == ["head 1 GET a /", "end 1", "drained 1", "drained 1", "closed 1"])
        #expect(!driver.server.isFinished)
    }

    @Test func chunksABodyOfUnknownLengthOnceAnOutput() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        append("a", to: driver)
        append("bc", to: driver)
        #expect(driver.server.queuedBytes(id) == 3)
        #expect(driver.flush() == "3\r\nabc\r\n")
        #expect(driver.server.queuedBytes(id) == 0)
        append(String(repeating: "x", count: 0x1F3), to: driver)
        #expect(driver.flush().hasPrefix("1f3\r\nxxx"))
        append("z", to: driver)
        driver.server.end(id)
        #expect(driver.flush() == "1\r\nz\r\n0\r\n\r\n")
        driver.run()
        #expect(driver.transcript == ["head 1 GET a /", "end 1", "drained 1", "drained 1", "closed 1"])
    }

    @Test func writesALastChunkOfItsOwnWhenNothingIsQueued() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        append("a", to: driver)
        driver.flush()
        driver.server.end(id)
        #expect(driver.flush() == "0\r\n\r\n")
    }

    @Test func countsABodyThatIsEndedBeforeTheHeadIsOut() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        append("abc", to: driver)
        driver.server.end(id)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc")
    }

    @Test func keepsToTheOutputLimit() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        driver.flush()
        append("0123456789", to: driver)
        driver.server.end(id)
        var output = ByteBuffer()
        #expect(driver.server.writeOutput(into: &output, limit: 4))
        #expect(String(buffer: output) == "4\r\n0123\r\n")
        #expect(driver.server.queuedBytes(id) == 6)
        #expect(driver.flush(limit: 4) == "4\r\n4567\r\n2\r\n89\r\n0\r\n\r\n")
    }

    @Test(
        arguments: [
            ("HEAD", 200, 5, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
            ("HEAD", 200, nil, "HTTP/1.1 200 OK\r\n\r\n"),
            ("HEAD", 404, 5, "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n"),
            ("GET", 204, nil, "HTTP/1.1 204 No Content\r\n\r\n"),
            ("GET", 204, 5, "HTTP/1.1 204 No Content\r\n\r\n"),
            ("GET", 304, nil, "HTTP/1.1 304 Not Modified\r\n\r\n"),
            ("GET", 304, 5, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
            ("GET", 299, 5, "HTTP/1.1 299 \r\ncontent-length: 5\r\n\r\nhello"),
        ] as [(String, Int, Int?, String)])
    func framesByMethodAndStatus(_ method: String, _ status: Int, _ length: Int?, _ expected: String) throws {
        var driver = try get(method)
        driver.server.respond(id, ResponseHead(status: status, contentLength: length), end: false)
        append("hello", to: driver)
        driver.server.end(id)
        #expect(driver.flush() == expected)
        driver.run()
        #expect(driver.transcript.last == "closed 1")
        // The connection goes on.
        try driver.feed("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.transcript.last == "end 2")
    }

    @Test func endsWithTheConnectionForHTTP10() throws {
        var driver = try get(version: "1.0")
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        append("abc", to: driver)
        #expect(driver.flush() == "abc")
        #expect(!driver.server.isFinished)
        driver.server.end(id)
        #expect(driver.flush() == "")
        #expect(driver.server.isFinished)
    }

    @Test func respondsWithoutABody() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 404), end: true)
        #expect(driver.flush() == "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    }

    @Test func neverSendsMoreThanContentLengthPromised() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200, contentLength: 3), end: false)
        append("abcdef", to: driver)
        driver.server.end(id)
        #expect(driver.flush().hasSuffix("\r\n\r\nabc"))
        #expect(!driver.server.isFinished)
    }

    @Test func closesWhenLessCameThanContentLengthPromised() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200, contentLength: 5), end: false)
        append("abc", to: driver)
        driver.server.end(id)
        #expect(driver.flush().hasSuffix("\r\n\r\nabc"))
        #expect(driver.server.isFinished)
        driver.run()
        #expect(driver.transcript.last == "reset 1")
    }

    @Test func leavesOutFieldsThatCouldForgeTheMessage() throws {
        var driver = try get()
        var fields = HeaderFields()
        fields.append("x-good", "a\tb\u{E9}")
        fields.append("x-bad", "a\r\nset-cookie: b")
        fields.append("x-nul", "a\u{0}")
        fields.append(name: "x bad", value: "a")
        fields.append(name: "", value: "a")
        fields.append("Content-Length", "7")
        fields.append("transfer-encoding", "chunked")
        fields.append("connection", "close")
        driver.server.respond(id, ResponseHead(status: 200, fields: fields, contentLength: 0), end: true)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\nx-good: a\tb\u{E9}\r\ncontent-length: 0\r\n\r\n")
    }

    // MARK: Aborts

    @Test func anAbortedChunkedResponseHasNoLastChunk() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        append("a", to: driver)
        driver.flush()
        append("error", to: driver)
        driver.server.abort(id, .internalError)
        // What was queued still goes out, and nothing after it.
        #expect(!driver.server.isFinished)
        append("more", to: driver)
        driver.server.end(id)
        #expect(driver.flush() == "5\r\nerror\r\n")
        #expect(driver.server.isFinished)
        driver.run()
        #expect(driver.transcript.last == "reset 1")
        #expect(driver.server.openStreams == 0)
    }

    @Test func aCancelledResponseEndsAtOnce() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200, contentLength: 10), end: false)
        append("a", to: driver)
        driver.flush()
        append("b", to: driver)
        driver.server.abort(id, .cancel)
        #expect(driver.server.isFinished)
        #expect(driver.flush() == "")
    }

    @Test(arguments: [AbortReason.internalError, .cancel])
    func anAbortBeforeTheResponseSendsNothing(_ reason: AbortReason) throws {
        var driver = try get()
        driver.server.abort(id, reason)
        #expect(driver.server.isFinished)
        driver.server.respond(id, ResponseHead(status: 200), end: true)
        #expect(driver.flush() == "")
        try driver.feed("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.heads.count == 1)
    }

    // MARK: The connection's life

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "Connection: keep-alive\r\n", true), ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: CLOSE\r\n", false), ("1.1", "Connection: x, close\r\n", false),
        ("1.1", "Connection: x\r\nConnection: close\r\n", false), ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection: keep-alive, close\r\n", false), ("1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", true),
        ("1.0", "", false), ("1.0", "Connection: keep-alive\r\n", false), ("1.0", "Connection: close\r\n", false),
    ])
    func keepsTheConnectionAsAsked(_ version: String, _ fields: String, _ keeps: Bool) throws {
        var driver = try driver("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        driver.server.respond(id, ResponseHead(status: 200), end: true)
        let close = keeps ? "" : "connection: close\r\n"
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\(close)\r\n")
        driver.run()
        #expect(driver.server.isFinished == !keeps)
        #expect(driver.heads.count == (keeps ? 2 : 1))
        #expect(driver.transcript.contains("closed 1"))
    }

    @Test func answersPipelinedRequestsInOrder() throws {
        var driver = try driver(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
        for index in 1...3 {
            #expect(driver.heads.count == index)
            #expect(driver.server.openStreams == 1)
            let id = StreamID(Int32(index))
            // Answers to requests that are over, or not there yet, are ignored.
            driver.server.respond(StreamID(Int32(index - 1)), ResponseHead(status: 500), end: true)
            driver.server.respond(StreamID(Int32(index + 1)), ResponseHead(status: 500), end: true)
            driver.server.respond(id, ResponseHead(status: 200, contentLength: 1), end: false)
            #expect(driver.flush() == "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n")
            driver.run()
            #expect(driver.heads.count == index)
            driver.server.write(id) { $0.writeString("\(index)") }
            driver.server.end(id)
            #expect(driver.flush() == "\(index)")
            driver.run()
        }
        #expect(driver.server.openStreams == 0)
    }

    @Test func closesAfterAResponseThatEndsBeforeItsRequest() throws {
        var driver = try driver("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        driver.server.respond(id, ResponseHead(status: 413), end: true)
        #expect(driver.flush() == "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(driver.server.isFinished)
        try driver.feed("worldGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.heads.count == 1)
        #expect(driver.transcript == ["head 1 POST a / +body", "body 1 hello", "closed 1"])
    }

    @Test func anEndWithoutAResponseIsIgnored() throws {
        var driver = try driver("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        driver.server.end(id)
        append("x", to: driver)
        try driver.feed("world")
        driver.server.respond(id, ResponseHead(status: 200), end: true)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    }

    @Test func streamsAResponseWhileTheRequestStillComes() throws {
        var driver = try driver("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        append("a", to: driver)
        #expect(driver.flush() == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        try driver.feed("world")
        driver.server.end(id)
        driver.run()
        #expect(!driver.server.isFinished)
        #expect(
            driver.transcript
                == ["head 1 POST a / +body", "body 1 hello", "drained 1", "body 1 world", "end 1", "closed 1"])
    }

    @Test func shutsDownAtOnceWhenIdle() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: true)
        driver.run()
        driver.server.shutdown()
        #expect(driver.server.isFinished)
        try driver.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.heads.count == 1)
    }

    @Test func shutsDownAfterTheExchangeInProgress() throws {
        var driver = try driver("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        driver.server.shutdown()
        #expect(!driver.server.isFinished)
        driver.server.respond(id, ResponseHead(status: 200), end: true)
        #expect(driver.flush().contains("\r\nconnection: close\r\n"))
        driver.run()
        #expect(driver.server.isFinished)
        #expect(driver.heads.count == 1)
    }

    @Test func shutsDownAfterARequestThatHasBegun() throws {
        var driver = try driver("GET / HTTP/1.1\r\nHo")
        driver.server.shutdown()
        #expect(!driver.server.isFinished)
        driver.answers = true
        try driver.feed("st: a\r\n\r\n")
        #expect(driver.output.contains("\r\nconnection: close\r\n"))
        #expect(driver.server.isFinished)
    }

    @Test func shutsDownWithoutTheFieldWhenTheHeadIsOut() throws {
        var driver = try get()
        driver.server.respond(id, ResponseHead(status: 200), end: false)
        driver.flush()
        driver.server.shutdown()
        append("a", to: driver)
        driver.server.end(id)
        #expect(driver.flush() == "1\r\na\r\n0\r\n\r\n")
        #expect(driver.server.isFinished)
    }

    @Test func saysWhenAHeadIsArriving() throws {
        var driver = ServerDriver()
        driver.answers = false
        #expect(!driver.server.isReceivingHead)
        try driver.feed("\r\n")
        #expect(!driver.server.isReceivingHead)
        try driver.feed("G")
        #expect(driver.server.isReceivingHead)
        try driver.feed("ET / HTTP/1.1\r\n")
        #expect(driver.server.isReceivingHead)
        try driver.feed("Host: a\r\n\r\n")
        #expect(!driver.server.isReceivingHead)
    }

    @Test func answersAFaultInTheMiddleOfABody() throws {
        var driver = try driver("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n")
        #expect(driver.transcript == ["head 1 POST a / +body", "body 1 hello", "fault 1 400"])
        driver.server.respond(id, ResponseHead(status: 400), end: true)
        #expect(driver.flush() == "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(driver.server.isFinished)
    }

    @Test func answersAFaultyHEADWithoutABody() throws {
        var driver = ServerDriver()
        try driver.feed("HEAD / HTTP/1.1\r\n\r\n")
        #expect(driver.output == "HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\nconnection: close\r\n\r\n")
    }

    @Test func aFaultAfterAHEADIsAnsweredWithABody() throws {
        var driver = ServerDriver()
        try driver.feed("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = driver.takeOutput()
        try driver.feed("x\r\n")
        #expect(driver.output.hasSuffix("\r\n\r\nfault"))
    }

    @Test func aFaultOfAnUnknownVersionIsNotAnsweredInChunks() throws {
        var driver = try driver("GET /\r\n")
        driver.server.respond(id, ResponseHead(status: 400), end: false)
        append("a", to: driver)
        #expect(driver.flush() == "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\na")
    }

    // MARK: Expect: 100-continue

    private static let expecting =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"

    @Test func asksForTheBodyWhenTheApplicationHasNotAnswered() throws {
        var driver = ServerDriver()
        try driver.feed(Self.expecting)
        #expect(driver.takeOutput() == "HTTP/1.1 100 Continue\r\n\r\n")
        driver.run()
        #expect(driver.takeOutput() == "")
        try driver.feed("hello")
        #expect(driver.takeOutput() == "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n/")
        #expect(!driver.server.isFinished)
    }

    @Test func doesNotAskBeforeTheApplicationHasSeenTheHead() throws {
        let server = HTTP1Server(limits: HTTPLimits(), scheme: "https")
        var input = ByteBuffer(string: Self.expecting)
        try server.receive(&input, now: .uptimeNanoseconds(0))
        var output = ByteBuffer()
        #expect(!server.writeOutput(into: &output, limit: 1000))
        #expect(server.nextEvent() != nil)
        server.respond(id, ResponseHead(status: 401), end: true)
        while server.writeOutput(into: &output, limit: 1000) {}
        #expect(
            String(buffer: output)
                == "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(server.isFinished)
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nh",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n",
    ])
    func doesNotAskInVain(_ request: String) throws {
        var driver = ServerDriver()
        driver.answers = false
        try driver.feed(request)
        #expect(driver.output == "")
    }
}
