import NIOCore
import Testing

@testable import HTTP

/// A stream keeps its place until its work is gone: resets start no more of it than 128 open streams would.
struct HTTP2PlaceTests {
    private func client() -> RawClient {
        let client = RawClient()
        client.answers = false
        client.releases = false
        return client
    }

    @Test(arguments: [true, false])
    func resetStreamsKeepTheirPlaces(_ isForced: Bool) throws {
        let client = client()
        for index in 0..<128 {
            let id = HTTP2AbuseTests.id(index)
            client.send(Make.headers(id, HTTP2AbuseTests.post, end: false))
            client.send(isForced ? Make.windowUpdate(id, 0x7FFF_FFFF) : Make.reset(id))
        }
        #expect(client.server.openStreams == 0 && client.held.count == 128)
        client.clear()
        client.send(Make.headers(257, Make.request()))
        #expect(Verdict(client.frames) == .reset(257, Code.refusedStream))
        #expect(client.transcript.isEmpty)
        // One that is gone makes room for one.
        client.server.release(client.held[0])
        client.clear()
        client.send(Make.headers(259, Make.request()) + Make.headers(261, Make.request()))
        #expect(client.transcript == ["head 259 GET /", "end 259"])
        #expect(Verdict(client.frames) == .reset(261, Code.refusedStream))
        #expect(client.thrown == nil)
    }

    /// Streams that are open take places as well, and those that are over give them back.
    @Test func openAndResetStreamsTogether() {
        let client = client()
        for index in 0..<64 { client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request())) }
        for index in 64..<128 {
            client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request()) + Make.reset(HTTP2AbuseTests.id(index)))
        }
        #expect(client.server.openStreams == 64 && client.server.places == 128)
        client.answer(StreamID(1), 200, "ok")
        client.run()
        #expect(client.held.last == StreamID(1))
        client.server.release(StreamID(1))
        client.clear()
        client.send(Make.headers(301, Make.request()))
        #expect(client.transcript == ["head 301 GET /", "end 301"])
    }

    /// All of a refused stream is passed over, and its window comes back.
    @Test(arguments: Cut.allCases)
    func refusedStreamIsPassedOver(_ cut: Cut) {
        let client = client()
        for index in 0..<128 {
            client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request()) + Make.reset(HTTP2AbuseTests.id(index)))
        }
        client.clear()
        client.cut = cut
        let body = String(repeating: "x", count: 10_000)
        for index in 0..<60 {
            let id = HTTP2AbuseTests.id(index, 1_001)
            client.send(
                Make.headers(id, HTTP2AbuseTests.post, end: false) + Make.data(id, body) + Make.data(id, "", end: true))
        }
        #expect(client.transcript.isEmpty)
        #expect(client.server.openStreams == 0)
        #expect(client.windowGiven(0) >= 60 * 10_000 - 512 * 1024)
        #expect(client.frames.count { $0.type == Kind.rstStream } == 60)
    }

    /// Work that takes long, and a client that resets what it began: never more than 128 at work, and the end.
    @Test func workNeverExceedsTheLimit() {
        let client = client()
        var released = 0
        var most = 0
        for index in 0..<5_000 where client.thrown == nil {
            client.now = client.now + .milliseconds(1)
            client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request()) + Make.reset(HTTP2AbuseTests.id(index)))
            most = max(most, client.heads.count - released)
            // The work of one stream in seven is gone by now.
            if index % 7 == 0, released < client.held.count {
                client.server.release(client.held[released])
                released += 1
            }
        }
        #expect(most == 128)
        #expect(client.reason == .rapidReset || client.reason == .refusedStreams)
        #expect(Verdict(client.frames) == .goAway(Code.enhanceYourCalm))
    }

    /// A client that does not learn that there is no room.
    @Test func streamsPastTheLimitOnAndOn() {
        let client = client()
        for index in 0..<128 {
            client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request()) + Make.reset(HTTP2AbuseTests.id(index)))
        }
        client.now = client.now + .seconds(60)
        let (count, verdict) = client.flood { Make.headers(HTTP2AbuseTests.id($0, 1_001), Make.request()) }
        #expect(verdict == .goAway(Code.enhanceYourCalm) && client.reason == .refusedStreams)
        #expect(count <= 1_000)
    }

    /// When what the driver bounds the time of began.
    @Test func headBegan() {
        let client = RawClient(settings: nil)
        let start = NIODeadline.uptimeNanoseconds(0)
        #expect(client.server.headBegan == nil)
        client.now = start + .seconds(1)
        client.send(Array(Make.preface.prefix(3)))
        #expect(client.server.headBegan == start + .seconds(1))
        client.now = start + .seconds(2)
        client.send(Array(Make.preface.dropFirst(3)))
        #expect(client.server.headBegan == start + .seconds(1))
        client.send(Make.settings())
        #expect(client.server.headBegan == nil)
        client.now = start + .seconds(3)
        let block = Make.block(Make.request())
        client.send(Make.frame(Kind.headers, Flag.endStream, 1, Array(block.prefix(9))))
        client.now = start + .seconds(4)
        client.send(Make.frame(Kind.continuation, 0, 1, [block[9]]))
        #expect(client.server.headBegan == start + .seconds(3))
        client.send(Make.frame(Kind.continuation, Flag.endHeaders, 1, Array(block[10...])))
        #expect(client.server.headBegan == nil && client.transcript.first == "head 1 GET /")
    }

    /// The same on HTTP/1.1: from the first byte of each request.
    @Test func headBeganOnHTTP1() throws {
        let server = HTTP1Server(limits: HTTPLimits(), scheme: "https")
        func send(_ text: String, _ seconds: Int64) throws {
            var input = ByteBuffer(string: text)
            try server.receive(&input, now: .uptimeNanoseconds(0) + .seconds(seconds))
        }
        try send("GET / HT", 1)
        try send("TP/1.1\r\nHost: a\r\n", 5)
        #expect(server.headBegan == .uptimeNanoseconds(0) + .seconds(1))
        try send("\r\nGET / HT", 6)
        #expect(server.headBegan == nil)
        server.respond(StreamID(1), ResponseHead(status: 204), end: true)
        var output = ByteBuffer()
        while server.writeOutput(into: &output, limit: 1_000) {}
        #expect(server.headBegan == .uptimeNanoseconds(0) + .seconds(6))
    }
}
