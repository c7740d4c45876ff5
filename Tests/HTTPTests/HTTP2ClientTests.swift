import NIOCore
import Testing

@testable import HTTP

/// The client engine against hand-made frames of a server, good and bad.
struct HTTP2ClientTests {
    @Test(arguments: Cut.allCases)
    func response(_ cut: Cut) throws {
        let server = RawServer(cut: cut)
        #expect(server.request() == StreamID(1))
        let request = try #require(server.frames.first)
        #expect(request.type == Kind.headers && request.isEnd && request.stream == 1)
        server.send(
            RawServer.head(1, "200", [("content-type", "text/plain"), ("content-length", "5")]) + Make.data(1, "he")
                + Make.data(1, "llo", end: true))
        #expect(server.takeTranscript() == ["drained 1", "head 1 200", "body 1 hello", "end 1"])
        let head = server.heads[0]
        // Framing is told apart from the fields.
        #expect(head.contentLength == 5 && head.fields.count == 1 && head.fields["content-type"] == "text/plain")
        #expect(server.client.openStreams == 0 && server.client.capacity == 100)
    }

    @Test func requestWithABody() {
        let server = RawServer()
        #expect(server.request("POST", body: "hello") == StreamID(1))
        #expect(server.frames.map(\.type) == [Kind.headers, Kind.data])
        #expect(server.frames[1].payload == Array("hello".utf8))
        #expect(server.frames.map(\.isEnd) == [false, true])
        #expect(server.takeTranscript() == ["drained 1"])
    }

    @Test(arguments: Cut.allCases)
    func interimResponsesAndTrailers(_ cut: Cut) {
        let server = RawServer(cut: cut)
        _ = server.request()
        server.clear()
        server.send(RawServer.head(1, "100") + RawServer.head(1, "103", [("link", "</a>")]) + RawServer.head(1, "200"))
        server.send(Make.data(1, "x") + Make.headers(1, [("x-trailer", "1")]))
        #expect(server.takeTranscript() == ["head 1 200", "body 1 x", "end 1"])
    }

    @Test func tooManyInterimResponses() {
        let server = RawServer()
        _ = server.request()
        server.clear()
        for _ in 0..<16 { server.send(RawServer.head(1, "102")) }
        #expect(server.transcript == [])
        server.send(RawServer.head(1, "102"))
        #expect(server.transcript == ["failed 1 protocolError(\"too many interim responses\")"])
        #expect(Verdict(server.frames) == .reset(1, Code.protocolError))
    }

    @Test(arguments: Cut.allCases)
    func bodiless(_ cut: Cut) {
        let server = RawServer(cut: cut)
        _ = server.request("HEAD")
        _ = server.request()
        _ = server.request()
        server.clear()
        server.send(RawServer.head(1, "200", [("content-length", "9")], end: true))
        server.send(
            RawServer.head(3, "204", end: true) + RawServer.head(5, "304", [("content-length", "9")], end: true))
        #expect(server.transcript == ["head 1 200", "end 1", "head 3 204", "end 3", "head 5 304", "end 5"])
        #expect(server.heads.map(\.contentLength) == [9, nil, 9])
    }

    // MARK: Failures

    @Test func resets() {
        let server = RawServer()
        for _ in 0..<4 { _ = server.request() }
        server.clear()
        server.send(Make.reset(1, Code.refusedStream) + Make.reset(3, Code.cancel))
        server.send(RawServer.head(5) + Make.data(5, "x") + Make.reset(5, Code.internalError))
        // A response that is whole stays whole.
        server.send(RawServer.head(7, end: true) + Make.reset(7, Code.noError))
        #expect(
            server.transcript == [
                "failed 1 reset(7) unprocessed", "failed 3 reset(8)", "head 5 200", "body 5 x", "failed 5 reset(2)",
                "head 7 200", "end 7",
            ])
        #expect(server.client.openStreams == 0)
    }

    /// Whoever has answered in part did begin: such a request is never sent again.
    @Test func refusalAfterTheAnswerHasBegun() {
        let server = RawServer()
        for _ in 0..<3 { _ = server.request() }
        server.clear()
        server.send(RawServer.head(1) + Make.reset(1, Code.refusedStream))
        server.send(RawServer.head(3, "103") + Make.reset(3, Code.refusedStream) + Make.reset(5, Code.refusedStream))
        #expect(server.failures.map(\.isUnprocessed) == [false, false, true])
        #expect(server.failures.map(\.hasBegun) == [true, true, false])
    }

    @Test func endOfTheConnectionAfterAnInterimResponse() {
        let server = RawServer()
        for _ in 0..<2 { _ = server.request() }
        server.send(RawServer.head(3, "103"))
        server.client.receiveEnd(clean: true)
        server.run()
        #expect(server.failures.map(\.hasBegun) == [false, true])
        #expect(server.failures.map(\.reason) == [.connectionClosed, .connectionClosed])
        #expect(server.failures.map(\.isUnprocessed) == [false, false])
    }

    /// Calls above the last stream identifier were not processed; those below go on.
    @Test(arguments: Cut.allCases)
    func goAway(_ cut: Cut) {
        let server = RawServer(cut: cut)
        for _ in 0..<4 { _ = server.request() }
        server.clear()
        server.send(Make.goAway(3, Code.noError))
        #expect(Set(server.transcript) == ["failed 5 reset(7) unprocessed", "failed 7 reset(7) unprocessed"])
        #expect(server.client.capacity == 0 && server.request() == nil)
        #expect(!server.client.isFinished)
        server.clear()
        server.send(RawServer.head(1, end: true) + RawServer.head(3) + Make.data(3, "x", end: true))
        #expect(server.transcript == ["head 1 200", "end 1", "head 3 200", "body 3 x", "end 3"])
        #expect(server.client.isFinished)
    }

    @Test func goAwayInTwoSteps() {
        let server = RawServer()
        _ = server.request()
        server.clear()
        server.send(Make.goAway(0x7FFF_FFFF, Code.noError))
        #expect(server.client.capacity == 0 && server.transcript == [] && !server.client.isFinished)
        server.send(Make.goAway(1, Code.noError) + RawServer.head(1, end: true))
        #expect(server.transcript == ["head 1 200", "end 1"])
        #expect(server.client.isFinished)
    }

    /// A request that waits in the engine when GOAWAY comes was not processed either.
    @Test func goAwayBeforeTheRequestLeft() {
        let server = RawServer()
        let id = server.client.send(RequestHead(method: "GET", authority: "a", path: "/"), body: ByteBuffer())
        #expect(id == StreamID(1))
        server.send(Make.goAway(0, Code.noError))
        #expect(server.transcript == ["failed 1 reset(7) unprocessed"])
        #expect(!server.frames.contains { $0.type == Kind.headers })
        #expect(server.client.isFinished)
    }

    @Test func goAwayOnAnIdleConnection() {
        let server = RawServer()
        server.send(Make.goAway(0, Code.noError))
        #expect(server.client.isFinished && server.client.capacity == 0)
    }

    @Test(arguments: [true, false])
    func connectionEnds(_ clean: Bool) {
        let server = RawServer()
        for _ in 0..<3 { _ = server.request() }
        server.send(RawServer.head(1, end: true) + RawServer.head(3) + Make.data(3, "x"))
        server.clear()
        server.client.receiveEnd(clean: clean)
        server.run()
        #expect(server.transcript == ["failed 3 connectionClosed", "failed 5 connectionClosed"])
        #expect(server.client.isFinished && server.client.capacity == 0 && server.client.openStreams == 0)
        server.client.receiveEnd(clean: clean)
        server.run()
        #expect(server.transcript.count == 2)
    }

    /// A call whose end or failure is on its way out does not fail again when the connection ends.
    @Test func connectionEndsAfterTheResponse() throws {
        let server = RawServer(settings: [(4, 10)])
        for _ in 0..<2 { _ = server.request("POST", body: String(repeating: "x", count: 100)) }
        server.clear()
        var input = ByteBuffer(bytes: RawServer.head(1, "413", end: true) + RawServer.head(3, "999"))
        try server.client.receive(&input, now: .uptimeNanoseconds(0))
        server.client.receiveEnd(clean: false)
        server.run()
        #expect(server.transcript.count == 3 && server.transcript[1] == "end 1")
        #expect(server.transcript[2].hasPrefix("failed 3 protocolError"))
    }

    // MARK: Malformed

    static let malformedStreams: [(String, [UInt8])] = [
        ("no :status", Make.headers(1, [("x", "1")])),
        ("a :status that is none", RawServer.head(1, "2xx")),
        ("a :status of four digits", RawServer.head(1, "2000")),
        ("101", RawServer.head(1, "101")),
        ("an upper-case name", RawServer.head(1, "200", [("X", "1")])),
        ("a value with LF", RawServer.head(1, "200", [("x", "a\nb")])),
        ("connection", RawServer.head(1, "200", [("connection", "close")])),
        ("transfer-encoding", RawServer.head(1, "200", [("transfer-encoding", "chunked")])),
        ("a request's pseudo-field", RawServer.head(1, "200", [(":path", "/")])),
        ("an interim response that ends", RawServer.head(1, "100", end: true)),
        ("DATA after an interim response", RawServer.head(1, "100") + Make.data(1, "x")),
        (
            "less than content-length",
            RawServer.head(1, "200", [("content-length", "2")]) + Make.data(1, "x", end: true)
        ),
        ("more than content-length", RawServer.head(1, "200", [("content-length", "2")]) + Make.data(1, "xxx")),
        ("content-length and no body", RawServer.head(1, "200", [("content-length", "2")], end: true)),
        ("two content-lengths", RawServer.head(1, "200", [("content-length", "2"), ("content-length", "2")])),
        ("trailers without an end", RawServer.head(1) + Make.headers(1, [("x", "1")], end: false)),
        ("trailers with a pseudo-field", RawServer.head(1) + Make.headers(1, [(":status", "200")])),
    ]

    @Test(arguments: malformedStreams.indices, Cut.allCases)
    func malformed(_ index: Int, _ cut: Cut) {
        let (name, bytes) = Self.malformedStreams[index]
        let server = RawServer(cut: cut)
        _ = server.request()
        _ = server.request()
        server.clear()
        server.send(bytes)
        #expect(Verdict(server.frames) == .reset(1, Code.protocolError), "\(name)")
        #expect(server.transcript.last == "failed 1 reset(1)", "\(name)")
        #expect(server.transcript.count { $0 == "end 1" } == 0)
        // The other call goes on.
        server.clear()
        server.send(RawServer.head(3, end: true))
        #expect(server.transcript == ["head 3 200", "end 3"])
    }

    static let malformedConnections: [(String, [UInt8], UInt32)] = [
        ("PUSH_PROMISE", Make.frame(Kind.pushPromise, 4, 1, big32(2) + Make.block(Make.request())), Code.protocolError),
        ("DATA before HEADERS", Make.data(1, "x"), Code.protocolError),
        ("DATA on an idle stream", Make.data(5, "x"), Code.protocolError),
        ("HEADERS on an idle stream", RawServer.head(5), Code.protocolError),
        ("HEADERS on an even stream", RawServer.head(2), Code.protocolError),
        ("SETTINGS with ENABLE_PUSH", Make.settings([(2, 1)]), Code.protocolError),
        (
            "a header block that cannot be decoded", Make.headers(1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            Code.compressionError
        ),
        ("GOAWAY whose last stream grows", Make.goAway(1, 0) + Make.goAway(3, 0), Code.protocolError),
        ("more than the connection's window", Make.windowUpdate(0, 0x7FFF_FFFF), Code.flowControlError),
        ("a frame too large", Make.frame(0xEE, 0, 0, Array(repeating: 0, count: 16_385)), Code.frameSizeError),
        ("HTTP/1.1", latin1("HTTP/1.1 400 Bad Request\r\n\r\n"), Code.frameSizeError),
    ]

    @Test(arguments: malformedConnections.indices, Cut.allCases)
    func connectionFaults(_ index: Int, _ cut: Cut) {
        let (name, bytes, code) = Self.malformedConnections[index]
        let server = RawServer(cut: cut)
        _ = server.request()
        server.clear()
        server.send(bytes)
        #expect(Verdict(server.frames) == .goAway(code), "\(name)")
        #expect(server.transcript.count == 1 && server.transcript[0].hasPrefix("failed 1 protocolError"), "\(name)")
        #expect(server.client.isFinished && server.client.capacity == 0 && server.client.openStreams == 0)
    }

    @Test func serverThatIsNoHTTP2() {
        let client = HTTP2Client(limits: HTTPLimits())
        _ = client.send(RequestHead(method: "GET", authority: "a", path: "/"), body: ByteBuffer())
        var output = ByteBuffer()
        while client.writeOutput(into: &output, limit: 1 << 16) {}
        var input = ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")
        try? client.receive(&input, now: .uptimeNanoseconds(0))
        while client.writeOutput(into: &output, limit: 1 << 16) {}
        #expect(client.isFinished && client.capacity == 0)
        var failures: [StreamFailure] = []
        while let event = client.nextEvent() { if case .failed(_, let failure) = event { failures.append(failure) } }
        #expect(failures == [StreamFailure(.protocolError("SETTINGS expected"))])
    }

    @Test(arguments: Cut.allCases)
    func headTooLarge(_ cut: Cut) {
        for fields in [Array(repeating: ("x", "1"), count: 101), [("x", String(repeating: "v", count: 8_200))]] {
            var limits = HTTPLimits()
            limits.headerListSize = 8 * 1024
            let server = RawServer(limits: limits, cut: cut)
            _ = server.request()
            server.clear()
            server.send(RawServer.head(1, "200", fields) + Make.data(1, "late", end: true))
            #expect(server.failures.map(\.isUnprocessed) == [false])
            #expect(
                server.transcript == [
                    "failed 1 protocolError(\"the response\\'s header fields are too large or too many\")"
                ])
            #expect(server.client.openStreams == 0)
        }
    }

    @Test(arguments: ["000", "099", "600", "999"])
    func statusOutOfRange(_ status: String) {
        let server = RawServer()
        _ = server.request()
        server.clear()
        server.send(RawServer.head(1, status) + Make.data(1, "x"))
        #expect(server.transcript.count == 1 && server.transcript[0].hasPrefix("failed 1 protocolError"))
        #expect(Verdict(server.frames) == .reset(1, Code.protocolError))
        #expect(server.client.openStreams == 0)
    }

    @Test func headerBomb() {
        let server = RawServer()
        _ = server.request()
        let entry = [0x40] + Make.text("x-bomb") + Make.text(String(repeating: "b", count: 3_900))
        server.send(Make.headers(1, [0x88] + entry + Array(repeating: 0xBE, count: 12_000)))
        #expect(Verdict(server.frames) == .goAway(Code.enhanceYourCalm))
        #expect(server.transcript.last?.hasPrefix("failed 1 protocolError") == true)
        #expect(server.thrown != nil)
    }

    // MARK: Cancelling

    @Test func cancel() {
        let server = RawServer()
        _ = server.request()
        server.send(RawServer.head(1) + Make.data(1, "x"))
        server.clear()
        server.client.cancel(StreamID(1))
        server.run()
        #expect(Verdict(server.frames) == .reset(1, Code.cancel))
        #expect(server.client.openStreams == 0)
        // What was under way is of no interest, and its window comes back.
        server.clear()
        for _ in 0..<4 { server.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_000))) }
        server.send(Make.headers(1, [("x", "1")]))
        #expect(server.transcript == [] && Verdict(server.frames) == .accepted)
        server.client.cancel(StreamID(1))
        server.client.cancel(StreamID(77))
        server.run()
        #expect(Verdict(server.frames) == .accepted)
    }

    @Test func cancelBeforeTheRequestLeft() {
        let server = RawServer()
        _ = server.client.send(RequestHead(method: "GET", authority: "a", path: "/"), body: ByteBuffer())
        server.client.cancel(StreamID(1))
        server.run()
        #expect(server.frames == [])
        #expect(server.client.openStreams == 0)
        #expect(server.request() == StreamID(3))
    }

    /// A response that is whole before its request ends the upload.
    @Test func earlyResponse() {
        let server = RawServer(settings: [(4, 10)])
        _ = server.request("POST", body: String(repeating: "x", count: 100))
        server.clear()
        server.send(RawServer.head(1, "413", end: true))
        #expect(server.transcript == ["head 1 413", "end 1"])
        #expect(Verdict(server.frames) == .reset(1, Code.cancel))
        #expect(server.client.openStreams == 0)
    }

    /// The server follows its early answer with NO_ERROR (RFC 9113 §8.1).
    @Test func earlyResponseWithAReset() {
        let server = RawServer(settings: [(4, 10)])
        _ = server.request("POST", body: String(repeating: "x", count: 100))
        server.clear()
        server.send(RawServer.head(1, "413") + Make.data(1, "no", end: true) + Make.reset(1, Code.noError))
        #expect(server.transcript == ["head 1 413", "body 1 no", "end 1"])
        #expect(server.client.openStreams == 0)
    }

    // MARK: Capacity and windows

    @Test func capacityFollowsTheServersSetting() {
        let server = RawServer(settings: [(3, 2)])
        #expect(server.client.capacity == 2)
        #expect(server.request() == StreamID(1) && server.request() == StreamID(3) && server.request() == nil)
        server.send(RawServer.head(1, end: true))
        #expect(server.client.capacity == 1)
        server.send(Make.settings([(3, 0)]))
        #expect(server.client.capacity == 0)
        server.send(Make.settings([(3, 1_000_000)]))
        #expect(server.client.capacity == 99)
    }

    /// A request need not wait for the server's SETTINGS; a second one does, for it might be refused.
    @Test func capacityBeforeTheServerHasSpoken() {
        let client = HTTP2Client(limits: HTTPLimits())
        #expect(client.capacity == 1 && !client.knowsLimits)
        let head = RequestHead(method: "GET", authority: "a", path: "/")
        #expect(client.send(head, body: ByteBuffer()) != nil)
        #expect(client.capacity == 0 && client.send(head, body: ByteBuffer()) == nil)
        var settings = ByteBuffer(bytes: Make.settings([(3, 50)]))
        try? client.receive(&settings, now: .uptimeNanoseconds(0))
        #expect(client.capacity == 49 && client.knowsLimits)
    }

    /// The stream's window comes back by consume, the connection's at once.
    @Test func windows() {
        let server = RawServer()
        server.consumes = false
        _ = server.request()
        server.send(RawServer.head(1))
        server.clear()
        for _ in 0..<4 { server.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_000))) }
        #expect(server.frames.filter { $0.stream == 1 } == [])
        server.client.consume(StreamID(1), 64_000)
        server.run()
        #expect(server.frames.filter { $0.stream == 1 }.map { $0.number(at: 0) } == [64_000])
        // More than there was gives nothing in advance.
        server.client.consume(StreamID(1), 64_000)
        for _ in 0..<3 { server.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_000))) }
        server.client.consume(StreamID(1), 1)
        server.run()
        #expect(server.frames.count { $0.stream == 1 } == 1)
    }

    /// One reader that takes nothing does not hold up the others.
    @Test func slowReaders() {
        let server = RawServer()
        server.consumes = false
        for _ in 0..<40 { _ = server.request() }
        server.clear()
        for index in 0..<40 {
            let id = UInt32(index * 2 + 1)
            server.send(RawServer.head(id))
            for _ in 0..<4 { server.send(Make.frame(Kind.data, 0, id, Array(repeating: 1, count: 16_000))) }
        }
        #expect(Verdict(server.frames) == .accepted)
        #expect(
            server.frames.filter { $0.type == Kind.windowUpdate && $0.stream == 0 }
                .reduce(0) { $0 + Int($1.number(at: 0)) } >= 2_000_000)
    }

    @Test func clientPreface() {
        let client = HTTP2Client(limits: HTTPLimits())
        var output = ByteBuffer()
        while client.writeOutput(into: &output, limit: 1 << 16) {}
        #expect(output.readBytes(length: 24) == Make.preface)
        var reader = FrameReader()
        let settings = reader.read(output).first
        // INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_PUSH 0.
        #expect(settings?.payload == [0, 4] + big32(65_535) + [0, 6] + big32(65_536) + [0, 2] + big32(0))
    }
}
