import NIOCore
import Testing

@testable import HTTP

/// The life of a stream at the server: RFC 9113 §5, §6.8, §8.1.
struct HTTP2StreamTests {
    static let post = Make.request("POST")

    @Test(arguments: Cut.allCases)
    func requestAndResponse(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.send(Make.headers(1, Self.post, end: false) + Make.data(1, "hello ") + Make.data(1, "world", end: true))
        #expect(
            client.takeTranscript() == ["head 1 POST / +body", "body 1 hello world", "end 1", "closed 1"])
        #expect(client.body(1) == Array("ok".utf8))
        #expect(client.endCount == 1)
        #expect(client.server.openStreams == 0)
        client.send(Make.headers(3, Make.request()))
        #expect(client.takeTranscript() == ["head 3 GET /", "end 3", "closed 3"])
    }

    /// hasBody tells a request with END_STREAM on its header section from one that goes on.
    @Test func hasBody() {
        let client = RawClient()
        client.send(
            Make.headers(1, Make.request()) + Make.headers(3, Self.post, end: false) + Make.data(3, "", end: true))
        #expect(
            client.takeTranscript() == [
                "head 1 GET /", "end 1", "head 3 POST / +body", "end 3", "closed 1", "closed 3",
            ])
    }

    @Test(arguments: Cut.allCases)
    func paddingAndPriority(_ cut: Cut) {
        let client = RawClient(cut: cut)
        let headers = [3] + big32(0x8000_0000) + [7] + Make.block(Self.post) + [0, 0, 0]
        client.send(Make.headers(1, headers, end: false, flags: Flag.padded | Flag.priority))
        client.send(Make.frame(Kind.data, Flag.padded, 1, [2] + Array("ab".utf8) + [0, 0]))
        client.send(Make.frame(Kind.data, Flag.padded | Flag.endStream, 1, [255] + Array(repeating: 0, count: 255)))
        #expect(client.takeTranscript() == ["head 1 POST / +body", "body 1 ab", "end 1", "closed 1"])
    }

    @Test(arguments: Cut.allCases)
    func requestTrailers(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.send(Make.headers(1, Self.post, end: false) + Make.data(1, "x"))
        client.send(Make.headers(1, [("x-checksum", "1")]))
        #expect(client.takeTranscript() == ["head 1 POST / +body", "body 1 x", "end 1", "closed 1"])
    }

    // MARK: States (RFC 9113 §5.1)

    static let get = Make.headers(1, Make.request())
    static let open = Make.headers(1, post, end: false)

    static let cases: [HTTP2FrameTests.Case] = [
        .init("idle: DATA", Make.data(1, "x"), .goAway(Code.protocolError)),
        .init("idle: DATA on an even stream", Make.data(2, "x"), .goAway(Code.protocolError)),
        .init("half-closed: DATA", get + Make.data(1, "x"), .goAway(Code.streamClosed)),
        .init("half-closed: HEADERS", get + Make.headers(1, Make.request()), .goAway(Code.streamClosed)),
        .init("half-closed: WINDOW_UPDATE", get + Make.windowUpdate(1, 1), .accepted),
        .init("half-closed: PRIORITY", get + Make.priority(1, on: 3), .accepted),
        .init("reset by the client: DATA", open + Make.reset(1) + Make.data(1, "x"), .goAway(Code.streamClosed)),
        .init(
            "reset by the client: HEADERS", open + Make.reset(1) + Make.headers(1, Make.request()),
            .goAway(Code.streamClosed)),
        .init("reset by the client: RST_STREAM", open + Make.reset(1) + Make.reset(1), .accepted),
        .init("reset by the client: WINDOW_UPDATE", open + Make.reset(1) + Make.windowUpdate(1, 9), .accepted),
        .init(
            "trailers without END_STREAM", open + Make.headers(1, [("x", "1")], end: false),
            .reset(1, Code.protocolError)),
        .init("trailers with a pseudo-field", open + Make.headers(1, [(":path", "/")]), .reset(1, Code.protocolError)),
        .init(
            "5.1.1 a lower identifier", Make.headers(5, Make.request()) + Make.headers(3, Make.request()),
            .goAway(Code.protocolError)),
        .init(
            "5.1.1 DATA on an identifier that was passed over", Make.headers(5, Make.request()) + Make.data(3, "x"),
            .goAway(Code.protocolError)),
        .init("5.1.1 the highest identifier", Make.headers(0x7FFF_FFFF, Make.request()), .accepted),
    ]

    @Test(arguments: cases, Cut.allCases)
    func state(_ test: HTTP2FrameTests.Case, _ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        #expect(client.verdict(of: test.bytes) == test.verdict)
    }

    @Test(arguments: Cut.allCases)
    func framesOnAnsweredStreams(_ cut: Cut) {
        for late in [Make.data(1, "x"), Make.data(1, ""), Make.headers(1, Make.request())] {
            let client = RawClient(cut: cut)
            client.send(Self.get)
            #expect(client.takeTranscript().last == "closed 1")
            #expect(client.verdict(of: late) == .goAway(Code.streamClosed))
            #expect(client.server.isFinished)
        }
        let client = RawClient(cut: cut)
        client.send(Self.get)
        #expect(client.verdict(of: Make.windowUpdate(1, 5) + Make.reset(1) + Make.priority(1, on: 0)) == .accepted)
    }

    /// What was under way when we reset a stream means nothing; its header block still feeds the decoder.
    @Test(arguments: Cut.allCases)
    func framesOnStreamsThatWeReset(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        client.send(Self.open)
        client.server.abort(StreamID(1), .cancel)
        client.run()
        #expect(Verdict(client.takeFrames()) == .reset(1, Code.cancel))
        // The trailer section puts a field into the dynamic table, which the next request refers to.
        let indexed = [0x40] + Make.text("x-table") + Make.text("yes")
        let late = Make.data(1, "late") + Make.headers(1, indexed)
        #expect(client.verdict(of: late) == .accepted)
        client.answers = true
        client.send(Make.headers(3, Make.block(Make.request()) + [0xBE]))
        #expect(client.takeTranscript() == ["head 3 GET /", "end 3", "closed 3"])
        #expect(client.heads.last?.fields["x-table"] == "yes")
    }

    /// A malformed request's stream is reset; what follows on it is ignored, and nothing of it was announced.
    @Test(arguments: Cut.allCases)
    func framesOnMalformedRequests(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.send(Make.headers(1, Self.post + [("Upper", "1")], end: false) + Make.data(1, "late", end: true))
        #expect(Verdict(client.frames) == .reset(1, Code.protocolError))
        client.send(Make.data(1, "later") + Make.headers(3, Make.request()))
        #expect(client.takeTranscript() == ["head 3 GET /", "end 3", "closed 3"])
        #expect(client.server.openStreams == 0)
    }

    // MARK: Concurrency (RFC 9113 §5.1.2)

    @Test func streamsPastTheLimit() {
        let client = RawClient()
        client.answers = false
        for index in 0..<128 { client.send(Make.headers(UInt32(index * 2 + 1), Self.post, end: false)) }
        #expect(client.server.openStreams == 128)
        #expect(client.verdict(of: Make.headers(257, Make.request())) == .goAway(Code.protocolError))
    }

    /// Before the client has acknowledged the limit it cannot know it: the stream is refused, the others live on.
    @Test(arguments: Cut.allCases)
    func streamsPastTheLimitBeforeItIsKnown(_ cut: Cut) {
        let client = RawClient(cut: cut, acks: false)
        client.answers = false
        for index in 0..<128 { client.send(Make.headers(UInt32(index * 2 + 1), Self.post, end: false)) }
        // What follows on the refused stream was under way, also when a later one was accepted in the meantime.
        client.reads = false
        client.send(Make.headers(257, Self.post, end: false) + Make.reset(1))
        client.send(Make.headers(259, Self.post, end: false) + Make.data(257, "late", end: true))
        client.reads = true
        client.run()
        #expect(Verdict(client.takeFrames()) == .reset(257, Code.refusedStream))
        #expect(client.server.openStreams == 128)
        #expect(client.takeTranscript().suffix(2) == ["reset 1", "head 259 POST / +body"])
        #expect(client.verdict(of: Make.data(257, "late", end: true)) == .accepted)
    }

    // MARK: The response (RFC 9113 §8.1)

    @Test func bodiless() {
        let client = RawClient()
        client.answers = false
        client.send(
            Make.headers(1, Make.request("HEAD")) + Make.headers(3, Make.request()) + Make.headers(5, Make.request())
                + Make.headers(7, Make.request()))
        client.server.respond(StreamID(1), ResponseHead(status: 200, contentLength: 7), end: false)
        client.server.write(StreamID(1)) { $0.writeString("dropped") }
        #expect(client.server.queuedBytes(StreamID(1)) == 0)
        client.server.end(StreamID(1))
        client.server.respond(StreamID(3), ResponseHead(status: 204), end: false)
        client.server.write(StreamID(3)) { $0.writeString("dropped") }
        client.server.respond(StreamID(5), ResponseHead(status: 304), end: true)
        client.server.respond(StreamID(7), ResponseHead(status: 200, contentLength: 0), end: true)
        client.server.write(StreamID(7)) { $0.writeString("dropped") }
        #expect(client.server.queuedBytes(StreamID(7)) == 0)
        client.run()
        #expect(client.frames.map(\.type) == Array(repeating: Kind.headers, count: 4))
        #expect(client.endCount == 4)
        #expect(client.takeTranscript().suffix(4) == ["closed 1", "closed 3", "closed 5", "closed 7"])
    }

    @Test func emptyBodyThatWasNotKnownToBeEmpty() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.run()
        client.server.end(StreamID(1))
        client.run()
        #expect(client.frames.map(\.type) == [Kind.headers, Kind.data])
        #expect(client.frames.last == WireFrame(type: Kind.data, flags: Flag.endStream, stream: 1, payload: []))
    }

    @Test func drainedComesOncePerEmptying() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        client.clear()
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.server.write(StreamID(1)) { $0.writeString("one") }
        client.server.write(StreamID(1)) { $0.writeString("two") }
        #expect(client.server.queuedBytes(StreamID(1)) == 6)
        client.run()
        #expect(client.takeTranscript() == ["drained 1"])
        client.run()
        #expect(client.takeTranscript() == [])
        client.server.write(StreamID(1)) { $0.writeString("three") }
        client.server.end(StreamID(1))
        client.run()
        #expect(client.takeTranscript() == ["closed 1"])
        #expect(client.body(1) == Array("onetwothree".utf8))
        // What was written together left together.
        #expect(client.frames.count == 3)
    }

    @Test func oneResponseOnly() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        for status in [200, 500] { client.server.respond(StreamID(1), ResponseHead(status: status), end: false) }
        client.server.end(StreamID(1))
        client.server.end(StreamID(1))
        client.server.write(StreamID(1)) { $0.writeString("after the end") }
        client.run()
        #expect(client.frames.map(\.type) == [Kind.headers, Kind.data])
        #expect(client.body(1) == [])
    }

    /// Calls for streams that are gone, or never were, do nothing.
    @Test func callsForUnknownStreams() {
        let client = RawClient()
        client.send(Self.get)
        client.clear()
        for id in [StreamID(1), StreamID(99), StreamID(2), StreamID(0), StreamID(-1)] {
            client.server.respond(id, ResponseHead(status: 200), end: false)
            client.server.write(id) { _ in Issue.record("a stream that is gone has no queue") }
            client.server.end(id)
            client.server.consume(id, 100)
            client.server.abort(id, .internalError)
            client.server.abort(id, .cancel)
            #expect(client.server.queuedBytes(id) == 0)
        }
        client.run()
        #expect(client.frames.isEmpty && client.transcript.isEmpty)
    }

    @Test(arguments: Cut.allCases)
    func expectContinue(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.send(Make.headers(1, Self.post + [("expect", "100-continue")], end: false))
        #expect(client.frames.map(\.type) == [Kind.headers])
        #expect(client.frames.first?.isEnd == false)
        client.send(Make.data(1, "body", end: true))
        #expect(client.frames.map(\.type) == [Kind.headers, Kind.headers, Kind.data])
        #expect(client.takeTranscript() == ["head 1 POST / +body", "body 1 body", "end 1", "closed 1"])
    }

    /// Who is answered at once, or has sent the body already, is not asked for it.
    @Test func noContinueAfterAnAnswer() {
        let client = RawClient()
        client.answers = false
        client.reads = false
        client.send(Make.headers(1, Self.post + [("expect", "100-continue")], end: false))
        client.answer(StreamID(1), 401, "no")
        client.send(
            Make.headers(3, Self.post + [("expect", "100-Continue")], end: false) + Make.data(3, "x", end: true))
        client.send(Make.headers(5, Self.post + [("expect", "100-continue")], end: false))
        client.server.respond(StreamID(5), ResponseHead(status: 200), end: false)
        client.reads = true
        client.run()
        #expect(client.frames.filter { $0.type == Kind.headers }.map(\.stream) == [1, 5])
    }

    /// The whole answer goes out before the request has come: the exchange is over then. A reset that comes with it
    /// makes clients throw the answer away, so NO_ERROR waits for one that goes on sending (RFC 9113 §8.1).
    @Test(arguments: Cut.allCases)
    func earlyResponse(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        client.send(Self.open)
        client.answer(StreamID(1), 413, "too large")
        client.run()
        #expect(client.takeFrames().map(\.type) == [Kind.headers, Kind.data])
        #expect(client.takeTranscript() == ["head 1 POST / +body", "closed 1"])
        // The rest of the body was under way: it costs nobody anything, and its window comes back.
        for _ in 0..<40 { client.send(Make.frame(Kind.data, 0, 1, Array(repeating: 0, count: 16_384))) }
        #expect(client.windowGiven(0) >= 512 * 1024)
        #expect(Verdict(client.takeFrames()) == .reset(1, Code.noError))
        #expect(client.takeTranscript() == [])
        #expect(client.server.openStreams == 0)
    }

    /// A client that ends or resets its request after the early answer hears no more of it.
    @Test func earlyResponseThenTheEnd() {
        for late in [
            Make.data(1, "rest", end: true), Make.reset(1), Make.headers(1, [("x", "1")]),
            Make.headers(1, Array(repeating: ("x", "1"), count: 101)),
        ] {
            let client = RawClient()
            client.answers = false
            client.send(Self.open)
            client.answer(StreamID(1), 401, "no")
            client.run()
            client.clear()
            #expect(client.verdict(of: late) == .accepted)
            #expect(client.transcript == [])
            #expect(client.server.openStreams == 0)
        }
    }

    /// Clients that neither end nor reset what was answered early cannot fill the connection with it.
    @Test func earlyResponsesThatLinger() {
        let client = RawClient()
        client.answers = false
        for index in 0..<200 {
            let id = UInt32(index * 2 + 1)
            client.send(Make.headers(id, Self.post, end: false))
            client.answer(StreamID(Int32(id)), 401, "no")
            client.run()
        }
        #expect(client.server.openStreams == 16)
        #expect(client.frames.count { $0.type == Kind.rstStream && $0.number(at: 0) == Code.noError } == 184)
        client.server.shutdown()
        client.server.shutdown()
        client.run()
        #expect(client.server.openStreams == 0)
        #expect(client.server.isFinished)
    }

    // MARK: Aborting

    /// What is queued goes out first; the end of the stream is no END_STREAM.
    @Test func abortAfterWhatIsQueued() {
        for hasSentSome in [false, true] {
            let client = RawClient()
            client.answers = false
            client.send(Self.get)
            client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
            if hasSentSome { client.run() }
            client.server.write(StreamID(1)) { $0.writeString("some") }
            client.server.abort(StreamID(1), .internalError)
            client.server.write(StreamID(1)) { $0.writeString("dropped") }
            client.server.end(StreamID(1))
            client.run()
            #expect(client.frames.map(\.type) == [Kind.headers, Kind.data, Kind.rstStream])
            #expect(client.body(1) == Array("some".utf8))
            #expect(client.endCount == 0)
            #expect(Verdict(client.frames) == .reset(1, Code.internalError))
            #expect(client.transcript.last == "reset 1")
            #expect(client.server.openStreams == 0)
        }
    }

    @Test func abortWithNothingQueued() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.server.write(StreamID(1)) { $0.writeString("some") }
        client.run()
        client.server.abort(StreamID(1), .internalError)
        client.run()
        #expect(client.frames.map(\.type) == [Kind.headers, Kind.data, Kind.rstStream])
    }

    @Test func abortBeforeTheHead() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        client.server.abort(StreamID(1), .internalError)
        client.run()
        #expect(client.frames.map(\.type) == [Kind.rstStream])
        #expect(Verdict(client.frames) == .reset(1, Code.internalError))
    }

    /// A response that was ended, and waits for window, can still be broken off.
    @Test func abortAfterTheEndWhileBlocked() {
        let client = RawClient(settings: [(4, 2)])
        client.answers = false
        client.send(Self.get)
        client.answer(StreamID(1), 200, "body")
        client.run()
        client.server.abort(StreamID(1), .internalError)
        client.run()
        #expect(Verdict(client.frames) == .accepted)
        client.send(Make.windowUpdate(1, 100))
        #expect(client.body(1) == Array("body".utf8))
        #expect(client.endCount == 0)
        #expect(Verdict(client.frames) == .reset(1, Code.internalError))
    }

    @Test func cancelDropsWhatIsQueued() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.server.write(StreamID(1)) { $0.writeString("dropped") }
        client.server.abort(StreamID(1), .cancel)
        client.run()
        #expect(client.frames.map(\.type) == [Kind.rstStream])
        #expect(Verdict(client.frames) == .reset(1, Code.cancel))
        #expect(client.transcript.last == "reset 1")
    }

    @Test(arguments: Cut.allCases)
    func clientLeaves(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        client.send(Self.get)
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.server.write(StreamID(1)) { $0.writeString("some") }
        client.run()
        client.send(Make.reset(1))
        #expect(client.takeTranscript() == ["head 1 GET /", "end 1", "drained 1", "reset 1"])
        client.clear()
        client.server.write(StreamID(1)) { $0.writeString("more") }
        client.run()
        #expect(client.frames.isEmpty)
    }

    /// A response head that does not fit (64 KiB of fields) ends its stream, not the exchange's hope of an answer.
    @Test func responseHeadTooLarge() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get)
        var head = ResponseHead(status: 200)
        head.fields.append(name: "x-large", value: String(repeating: "x", count: 70_000))
        client.server.respond(StreamID(1), head, end: false)
        client.run()
        #expect(Verdict(client.frames) == .reset(1, Code.internalError))
        #expect(client.transcript.last == "reset 1")
        #expect(client.server.openStreams == 0)
    }

    // MARK: The end (RFC 9113 §6.8)

    @Test(arguments: Cut.allCases)
    func shutdownInTwoSteps(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        client.send(Self.get)
        client.server.shutdown()
        client.run()
        #expect(client.frames.map(\.type) == [Kind.goAway])
        #expect(client.frames[0].payload == big32(0x7FFF_FFFF) + big32(0))
        // A request that was under way is served.
        client.send(Make.headers(3, Self.post, end: false))
        client.clear()
        client.server.shutdown()
        client.server.shutdown()
        client.run()
        #expect(client.frames.map(\.payload) == [big32(3) + big32(0)])
        #expect(!client.server.isFinished)
        // One that came after the last word is ignored, with all that belongs to it.
        client.send(Make.headers(5, Self.post, end: false) + Make.data(5, "late", end: true))
        client.send(Make.data(5, "later") + Make.headers(5, [("x", "1")]))
        #expect(client.transcript.isEmpty)
        client.answer(StreamID(1), 200, "ok")
        client.run()
        #expect(!client.server.isFinished)
        client.answers = true
        client.send(Make.data(3, "", end: true))
        #expect(client.takeTranscript() == ["closed 1", "end 3", "closed 3"])
        #expect(client.server.isFinished)
        #expect(Verdict(client.frames) == .accepted)
    }

    /// A stream that was opened between the last word's making and its leaving is dropped; its frames mean nothing.
    @Test func streamsCutOffByShutdown() {
        let client = RawClient()
        client.answers = false
        client.send(Self.open)
        client.reads = false
        client.server.shutdown()
        client.server.shutdown()
        client.send(Make.headers(3, Self.post, end: false))
        client.reads = true
        client.run()
        #expect(client.takeTranscript() == ["head 1 POST / +body", "head 3 POST / +body", "reset 3"])
        client.answers = true
        #expect(client.verdict(of: Make.data(3, "late") + Make.data(1, "x", end: true)) == .accepted)
        #expect(client.takeTranscript() == ["body 1 x", "end 1", "closed 1"])
        #expect(client.server.isFinished)
    }

    @Test func shutdownOfAnIdleConnection() {
        let client = RawClient()
        #expect(!client.server.isFinished)
        client.server.shutdown()
        client.server.shutdown()
        client.run()
        #expect(client.frames.map(\.type) == [Kind.goAway, Kind.goAway])
        #expect(client.server.isFinished)
    }

    @Test func clientSaysGoAway() {
        let client = RawClient()
        client.answers = false
        client.send(Self.get + Make.goAway(0, Code.noError))
        #expect(!client.server.isFinished)
        client.answer(StreamID(1), 200, "ok")
        client.run()
        #expect(client.transcript.last == "closed 1")
        #expect(client.server.isFinished)
    }

    // MARK: StreamHistory, StreamTable

    @Test func history() {
        var history = StreamHistory()
        #expect(history.state(of: 1) == .idle)
        history.opened(1)
        #expect(history.state(of: 1) == .ignored)
        history.ended(1)
        #expect(history.state(of: 1) == .ended)
        history.opened(9)
        #expect([3, 5, 7, 9, 11].map { history.state(of: $0) } == [.skipped, .skipped, .skipped, .ignored, .idle])
        history.ended(11)
        #expect(history.state(of: 11) == .idle)
        for id in stride(from: Int32(11), through: 601, by: 2) { history.opened(id) }
        // 256 are remembered: 91 to 601.
        #expect(history.state(of: 601) == .ignored)
        #expect(history.state(of: 91) == .ignored)
        #expect(history.state(of: 89) == .ended)
        history.ended(89)
        #expect(history.state(of: 601) == .ignored)
        history.opened(.max)
        #expect(history.state(of: .max) == .ignored)
        #expect(history.state(of: .max - 2) == .skipped)
        #expect(history.state(of: .max - 510) == .skipped)
        #expect(history.state(of: 601) == .ended)
    }

    @Test func table() {
        var table = StreamTable<HTTP2Stream>()
        #expect(table[1] == nil && table.isEmpty)
        var model: Set<Int32> = []
        var next: Int32 = 1
        for _ in 0..<2_000 {
            if model.count < 128, Bool.random() {
                table.insert(HTTP2Stream(id: next), at: next)
                model.insert(next)
                next += 2
            } else if let id = model.randomElement() {
                #expect(table.remove(id)?.id == id)
                model.remove(id)
            }
            #expect(table.remove(next) == nil)
            #expect(table.count == model.count)
            if let id = model.randomElement() { #expect(table[id]?.id == id) }
        }
        #expect(table.all.map(\.id) == model.sorted())
    }
}
