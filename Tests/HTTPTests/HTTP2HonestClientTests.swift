import NIOCore
import Testing

@testable import HTTP

/// Honest clients that look a little like attackers.
struct HTTP2HonestClientTests {
    /// Stop, pressed two hundred times in half a minute; and all at once.
    @Test(arguments: [Int64(150), 0])
    func cancels(_ milliseconds: Int64) {
        let client = RawClient()
        client.answers = false
        for index in 0..<200 {
            client.now = client.now + .milliseconds(milliseconds)
            client.send(
                Make.headers(HTTP2AbuseTests.id(index), HTTP2AbuseTests.post) + Make.reset(HTTP2AbuseTests.id(index)))
        }
        #expect(client.thrown == nil && Verdict(client.frames) == .accepted)
        #expect(client.server.openStreams == 0)
        client.answers = true
        client.clear()
        client.send(Make.headers(9_999, Make.request()))
        #expect(client.transcript.last == "closed 9999")
    }

    /// Ten cancelled streams a second for a quarter of an hour.
    @Test func cancelsForever() {
        let client = RawClient()
        client.answers = false
        for index in 0..<9_000 {
            client.now = client.now + .milliseconds(100)
            client.send(
                Make.headers(HTTP2AbuseTests.id(index), HTTP2AbuseTests.post) + Make.reset(HTTP2AbuseTests.id(index)))
        }
        #expect(client.thrown == nil && Verdict(client.frames) == .accepted)
    }

    /// WINDOW_UPDATE twice and a PING for every small DATA frame of a long stream.
    @Test func windowUpdateForEachDataFrame() {
        let client = RawClient()
        client.answers = false
        client.send(Make.headers(1, Make.request()))
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        for _ in 0..<10_000 {
            client.server.write(StreamID(1)) { $0.writeString("chunk") }
            client.run()
            client.send(Make.windowUpdate(1, 5) + Make.windowUpdate(0, 5) + Make.ping())
        }
        #expect(client.thrown == nil && !client.server.isFinished)
        #expect(client.body(1).count == 50_000)
    }

    /// The same from a client that pauses, and then acknowledges two thousand DATA frames at once.
    @Test func windowUpdatesAfterAPause() {
        let client = RawClient()
        client.answers = false
        client.send(Make.headers(1, Make.request()))
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        for _ in 0..<20 {
            for _ in 0..<2_000 {
                client.server.write(StreamID(1)) { $0.writeString("chunk") }
                client.run()
            }
            client.send((0..<2_000).flatMap { _ in Make.windowUpdate(1, 5) + Make.windowUpdate(0, 5) })
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    @Test func keepAlivePings() {
        let client = RawClient()
        client.answers = false
        client.send(Make.headers(1, Make.request()))
        for _ in 0..<20_000 {
            client.now = client.now + .seconds(1)
            client.send(Make.ping())
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// Requests that end with an empty DATA frame, with SETTINGS and WINDOW_UPDATE around them.
    @Test func manyRequests() {
        let client = RawClient()
        for index in 0..<5_000 {
            let id = HTTP2AbuseTests.id(index)
            client.send(
                Make.headers(id, HTTP2AbuseTests.post, end: false) + Make.data(id, "{}") + Make.data(id, "", end: true)
                    + Make.windowUpdate(0, 2))
            client.clear()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// The same without any DATA in the answers that would pay for something, and with heads in many pieces.
    @Test func manyRequestsWithBodilessAnswers() {
        let client = RawClient()
        client.answers = false
        let block = Make.block(HTTP2AbuseTests.post)
        for index in 0..<2_000 {
            let id = HTTP2AbuseTests.id(index)
            let pieces = (0..<10).flatMap { Make.frame(Kind.continuation, 0, id, [block[$0 + 1]]) }
            client.send(
                Make.frame(Kind.headers, 0, id, [block[0]]) + pieces
                    + Make.frame(Kind.continuation, Flag.endHeaders, id, Array(block[11...]))
                    + Make.data(id, "", end: true))
            client.server.respond(StreamID(Int32(id)), ResponseHead(status: 204), end: true)
            client.run()
            client.clear()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// A body in frames of one byte is slow, and no attack on the frame layer.
    @Test func bodyInSingleBytes() {
        let client = RawClient()
        client.send(HTTP2AbuseTests.open)
        for _ in 0..<5_000 { client.send(Make.data(1, "x")) }
        client.send(Make.data(1, "", end: true))
        #expect(client.transcript.suffix(2) == ["end 1", "closed 1"])
    }

    /// Uploads that are refused early, each with a window's worth under way.
    @Test func refusedUploads() {
        let client = RawClient()
        client.answers = false
        for index in 0..<300 {
            let id = HTTP2AbuseTests.id(index)
            client.send(Make.headers(id, HTTP2AbuseTests.post, end: false))
            client.answer(StreamID(Int32(id)), 401, "no")
            client.run()
            for _ in 0..<64 { client.send(Make.frame(Kind.data, 0, id, Array(repeating: 1, count: 1_000))) }
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// Our own aborts are not the client's fault.
    @Test func ourResets() {
        let client = RawClient()
        client.answers = false
        for index in 0..<2_000 {
            let id = HTTP2AbuseTests.id(index)
            client.send(Make.headers(id, Make.request()))
            client.server.abort(StreamID(Int32(id)), index % 2 == 0 ? .internalError : .cancel)
            client.run()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// A client that closes bodies unread, as soon as their responses have begun.
    @Test func unreadBodies() {
        let client = RawClient()
        client.answers = false
        client.begins = true
        for index in 0..<200 {
            client.now = client.now + .milliseconds(20)
            client.send(Make.headers(HTTP2AbuseTests.id(index), Make.request()))
            client.send(Make.reset(HTTP2AbuseTests.id(index)) + Make.ping())
        }
        #expect(client.thrown == nil && !client.server.isFinished)
        #expect(client.server.openStreams == 0)
    }

    /// What browsers say of priorities before their first requests, and amid them.
    @Test func browserPriorities() {
        let client = RawClient()
        for group in 0..<6 { client.send(Make.priority(UInt32(3 + 2 * group), on: 0)) }
        client.send(Make.windowUpdate(0, 12_517_377))
        for index in 10..<110 {
            let id = HTTP2AbuseTests.id(index)
            client.send(
                Make.headers(id, big32(13) + [41] + Make.block(Make.request()), flags: Flag.priority)
                    + Make.priority(id, on: 3))
        }
        #expect(client.thrown == nil && !client.server.isFinished)
        #expect(client.transcript.count { $0.hasPrefix("closed") } == 100)
    }

    /// A header section in as many CONTINUATION frames as are taken, one byte at a time.
    @Test(arguments: Cut.allCases)
    func continuations(_ cut: Cut) {
        let client = RawClient(cut: cut)
        let block = Make.block(Make.request())
        for id in [UInt32(1), 3, 5] {
            let pieces = (0..<15).flatMap { Make.frame(Kind.continuation, 0, id, [block[$0 + 1]]) }
            client.send(
                Make.frame(Kind.headers, Flag.endStream, id, [block[0]]) + pieces
                    + Make.frame(Kind.continuation, Flag.endHeaders, id, Array(block[16...])))
        }
        #expect(client.thrown == nil)
        #expect(client.transcript.count { $0.hasPrefix("closed") } == 3)
        client.send(Make.frame(Kind.headers, Flag.endStream, 7, block))
        for _ in 0..<16 { client.send(Make.frame(Kind.continuation, 0, 7)) }
        #expect(client.thrown == nil)
        client.send(Make.frame(Kind.continuation, Flag.endHeaders, 7))
        #expect(client.reason == .continuationFlood)
    }

    /// Frames of no progress for an hour, just below what comes back with time.
    @Test func slowFlood() {
        let client = RawClient()
        client.answers = false
        for index in 0..<18_000 {
            client.now = client.now + .milliseconds(200)
            let id = HTTP2AbuseTests.id(index)
            client.send(Make.headers(id, Make.request()) + Make.reset(id) + Make.ping() + Make.priority(id + 2, on: 0))
            client.clear()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
        #expect(client.server.openStreams == 0 && client.server.places == 0 && client.server.bufferedBytes == 0)
    }
}
