import NIOCore
import Testing

@testable import HTTP

/// Flow control at the server: RFC 9113 §5.2, §6.9.
struct HTTP2FlowTests {
    static let post = Make.request("POST")
    static let open = Make.headers(1, post, end: false)

    // MARK: What we send

    @Test(arguments: Cut.allCases)
    func tinyWindows(_ cut: Cut) {
        let client = RawClient(settings: [(4, 0)], cut: cut)
        client.answers = false
        client.send(Make.headers(1, Make.request()))
        client.answer(StreamID(1), 200, "a response")
        client.run()
        #expect(client.frames.map(\.type) == [Kind.headers])
        #expect(client.server.queuedBytes(StreamID(1)) == 10)
        for sent in 1...10 {
            client.send(Make.windowUpdate(1, 1))
            #expect(client.body(1) == Array("a response".utf8.prefix(sent)))
            #expect(client.server.queuedBytes(StreamID(1)) == 10 - sent)
        }
        // END_STREAM needs no window.
        #expect(client.endCount == 1)
        #expect(client.transcript.last == "closed 1")
    }

    /// The window of the connection is shared, and a SETTINGS frame moves those of the streams, below zero too.
    @Test func windowsOfConnectionAndSettings() {
        let client = RawClient(settings: [(4, 100_000)])
        client.answers = false
        client.send(Make.headers(1, Make.request()) + Make.headers(3, Make.request()))
        for id in [StreamID(1), StreamID(3)] {
            client.server.respond(id, ResponseHead(status: 200), end: false)
            client.server.write(id) { $0.writeRepeatingByte(7, count: 100_000) }
        }
        client.run()
        #expect(client.body(1).count + client.body(3).count == 65_535)
        // Equal streams take turns.
        #expect(abs(client.body(1).count - client.body(3).count) <= 16_384)
        client.send(Make.windowUpdate(0, 1_000_000))
        #expect(client.body(1).count == 100_000 && client.body(3).count == 100_000)

        // 100,000 sent of a window that is then 10: 99,990 must come before the next byte.
        client.server.write(StreamID(1)) { $0.writeString("more") }
        client.send(Make.settings([(4, 10)]) + Make.windowUpdate(1, 99_990))
        #expect(client.body(1).count == 100_000)
        client.send(Make.windowUpdate(1, 2))
        #expect(client.body(1).count == 100_002)
        client.send(Make.settings([(4, 20)]))
        #expect(client.body(1).count == 100_004)
    }

    @Test func framesOfTheSizeThatThePeerAllows() {
        let client = RawClient(settings: [(4, 1 << 20), (5, 1 << 20)])
        client.answers = false
        client.send(Make.headers(1, Make.request()) + Make.windowUpdate(0, 1 << 20))
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        client.server.write(StreamID(1)) { $0.writeBytes((0..<100_000).map { UInt8(truncatingIfNeeded: $0) }) }
        client.run()
        #expect(client.body(1) == (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(client.frames.allSatisfy { $0.payload.count <= 16_384 })
    }

    /// The limit on output stops between frames and loses nothing.
    @Test func outputInPortions() {
        let client = RawClient(settings: [(4, 1 << 20)])
        client.answers = false
        client.reads = false
        client.send(Make.headers(1, Make.request()) + Make.windowUpdate(0, 1 << 20))
        client.answer(StreamID(1), 200, String(repeating: "x", count: 100_000))
        var portions = 0
        while client.flush(limit: 20_000) { portions += 1 }
        #expect(portions == 4)
        #expect(client.body(1).count == 100_000)
        #expect(client.endCount == 1)
        client.run()
        #expect(client.transcript.last == "closed 1")
    }

    // MARK: What we receive

    @Test func windowComesBackByConsumeOnly() {
        let client = RawClient()
        client.answers = false
        client.consumes = false
        client.send(Self.open)
        for _ in 0..<4 { client.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_000))) }
        #expect(client.windowGiven(1) == 0 && client.windowGiven(0) == 0)
        client.server.consume(StreamID(1), 32_000)
        client.run()
        #expect(client.windowGiven(1) == 0)
        client.server.consume(StreamID(1), 1_000)
        client.run()
        #expect(client.windowGiven(1) == 33_000)
        // More than there was gives nothing more.
        client.server.consume(StreamID(1), 1_000_000)
        client.run()
        #expect(client.windowGiven(1) == 33_000)
        for _ in 0..<2 { client.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_000))) }
        client.server.consume(StreamID(1), 1)
        client.run()
        #expect(client.windowGiven(1) == 33_000)
        client.server.consume(StreamID(1), 31_999)
        client.run()
        #expect(client.windowGiven(1) == 96_000)
    }

    @Test(arguments: Cut.allCases)
    func moreThanTheStreamsWindow(_ cut: Cut) {
        let client = RawClient(cut: cut == .bytes ? .random : cut)
        client.answers = false
        client.consumes = false
        client.send(Self.open)
        for _ in 0..<4 { client.send(Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_383))) }
        #expect(Verdict(client.frames) == .accepted)
        #expect(client.verdict(of: Make.data(1, "four")) == .reset(1, Code.flowControlError))
        #expect(client.transcript.last == "reset 1")
        #expect(client.verdict(of: Make.headers(3, Make.request())) == .accepted)
    }

    @Test func moreThanTheConnectionsWindow() {
        var limits = HTTPLimits()
        limits.connectionWindow = 100_000
        let client = RawClient(limits: limits)
        client.answers = false
        client.consumes = false
        client.send(Self.open + Make.headers(3, Self.post, end: false))
        for id in [UInt32(1), 3] {
            for _ in 0..<3 { client.send(Make.frame(Kind.data, 0, id, Array(repeating: 1, count: 16_384))) }
        }
        #expect(Verdict(client.frames) == .accepted)
        #expect(
            client.verdict(of: Make.frame(Kind.data, 0, 3, Array(repeating: 1, count: 2_000)))
                == .goAway(Code.flowControlError))
    }

    /// However the streams of a connection end, its window comes back whole: 40 times its size passes.
    @Test func connectionWindowNeverLeaks() {
        let client = RawClient()
        client.answers = false
        client.consumes = false
        var window = 1024 * 1024
        var unread = 0
        var id: UInt32 = 1
        for round in 0..<700 {
            client.now = client.now + .seconds(1)
            let target = round % 7 == 0 ? "/#fault" : "/"
            let length = round % 7 == 6 ? [("content-length", "60001")] : []
            client.send(Make.headers(id, Make.request("POST", path: target) + length, end: false))
            let stream = StreamID(Int32(id))
            if round % 7 == 1 { client.answer(stream, 413, "no") }
            client.run()
            for part in 0..<6 {
                let frame =
                    part % 2 == 0
                    ? Make.frame(Kind.data, 0, id, Array(repeating: 1, count: 10_000))
                    : Make.frame(Kind.data, Flag.padded, id, [99] + Array(repeating: 0, count: 9_999))
                window -= 10_000
                #expect(window >= 0, "round \(round)")
                guard window >= 0 else { return }
                client.send(frame)
                switch (round % 7, part) {
                case (2, 3): client.send(Make.reset(id))
                case (3, 3): client.server.abort(stream, .internalError)
                case (4, 3): client.server.consume(stream, 5_000)
                default: break
                }
                if round % 7 == 2, part == 3 { break }
                client.run()
            }
            switch round % 7 {
            case 0, 4, 5:
                client.answer(stream, 200, "ok")
                client.run()
                client.send(Make.data(id, "", end: true))
            case 6: client.send(Make.data(id, "xx", end: true))
            default: client.send(Make.reset(id))
            }
            client.server.consume(stream, 60_000)
            client.run()
            window += client.windowGiven(0)
            unread = client.server.openStreams
            client.clear()
            id += 2
            if client.thrown != nil || client.server.isFinished { break }
        }
        #expect(unread == 0)
        #expect(client.thrown == nil)
        // What has not come back waits for half a window to be full.
        #expect(window >= 512 * 1024)
    }
}
