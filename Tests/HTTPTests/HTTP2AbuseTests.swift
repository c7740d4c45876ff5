import NIOCore
import Testing

@testable import HTTP

/// Attacks on the server, each of which ends with ENHANCE_YOUR_CALM within a thousand frames, and honest clients that
/// look a little like them.
struct HTTP2AbuseTests {
    /// A client that repeats something of no use.
    struct Attack: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What comes before.
        var opening: [UInt8] = []
        /// Frames in each round.
        var frames = 1
        var verdict = Verdict.goAway(Code.enhanceYourCalm)
        var round: @Sendable (Int) -> [UInt8]
        init(
            _ description: String, opening: [UInt8] = [], frames: Int = 1,
            verdict: Verdict = .goAway(Code.enhanceYourCalm), _ round: @escaping @Sendable (Int) -> [UInt8]
        ) {
            testDescription = description
            self.opening = opening
            self.frames = frames
            self.verdict = verdict
            self.round = round
        }
    }

    static let post = Make.request("POST")
    static let open = Make.headers(1, post, end: false)

    static func id(_ index: Int, _ first: Int = 1) -> UInt32 { UInt32(first + 2 * index) }

    static let attacks: [Attack] = [
        Attack("rapid reset", frames: 2) { Make.headers(id($0), post, end: false) + Make.reset(id($0)) },
        Attack("rapid reset of whole requests", frames: 2) {
            Make.headers(id($0), Make.request()) + Make.reset(id($0))
        },
        // What we are made to send:
        Attack("made-you-reset by WINDOW_UPDATE of 2^31-1", frames: 2) {
            Make.headers(id($0), post, end: false) + Make.windowUpdate(id($0), 0x7FFF_FFFF)
        },
        Attack("made-you-reset by a content-length that differs", frames: 2) {
            Make.headers(id($0), post + [("content-length", "2")], end: false) + Make.data(id($0), "x", end: true)
        },
        Attack("made-you-reset by too much DATA", frames: 2) {
            Make.headers(id($0), post + [("content-length", "2")], end: false) + Make.data(id($0), "xxx")
        },
        Attack("made-you-reset by malformed fields") { Make.headers(id($0), post + [("Upper", "1")]) },
        Attack("made-you-reset by forbidden bytes") { Make.headers(id($0), post + [("x", "a\rb")]) },
        Attack("made-you-reset by trailers without an end", frames: 2) {
            Make.headers(id($0), post, end: false) + Make.headers(id($0), [("x", "1")], end: false)
        },
        Attack("made-you-reset by DATA after the end", frames: 2, verdict: .goAway(Code.streamClosed)) {
            Make.headers(id($0), Make.request()) + Make.data(id($0), "x")
        },
        Attack("made-you-reset by WINDOW_UPDATE of 0", frames: 2, verdict: .goAway(Code.protocolError)) {
            Make.headers(id($0), post, end: false) + Make.windowUpdate(id($0), 0)
        },
        Attack("made-you-reset by PRIORITY on itself", frames: 2, verdict: .goAway(Code.protocolError)) {
            Make.headers(id($0), post, end: false) + Make.priority(id($0), on: id($0))
        },
        // Frames of no progress:
        Attack("SETTINGS") { _ in Make.settings() },
        Attack("SETTINGS with entries") { Make.settings([(1, UInt32($0 % 4096)), (4, UInt32($0))]) },
        Attack("PING") { _ in Make.ping() },
        Attack("PING ACK") { _ in Make.ping(Flag.ack) },
        Attack("PRIORITY on idle streams") { Make.priority(id($0), on: 0) },
        Attack("PRIORITY on one stream", opening: open) { Make.priority(1, on: id($0, 3)) },
        Attack("WINDOW_UPDATE on the connection") { _ in Make.windowUpdate(0, 1) },
        Attack("WINDOW_UPDATE on a stream", opening: open) { _ in Make.windowUpdate(1, 1) },
        Attack("WINDOW_UPDATE on a closed stream", opening: open + Make.reset(1)) { _ in Make.windowUpdate(1, 1) },
        Attack("RST_STREAM on a closed stream", opening: open + Make.reset(1)) { _ in Make.reset(1) },
        Attack("empty DATA", opening: open) { _ in Make.data(1, "") },
        Attack("padding only", opening: open) { _ in
            Make.frame(Kind.data, Flag.padded, 1, [200] + Array(repeating: 0, count: 200))
        },
        Attack("an unknown type") { _ in Make.frame(0x42, 0xFF, 0, [1, 2, 3]) },
        Attack("an unknown type on a stream", opening: open) { _ in Make.frame(0xF0, 0, 1) },
        Attack("ALTSVC") { _ in Make.frame(0xA, 0, 0, [0, 1, 65, 66]) },
        Attack("PRIORITY_UPDATE") { _ in Make.frame(0x10, 0, 0, big32(1) + [117]) },
        Attack("GOAWAY", opening: open) { _ in Make.goAway(0, 0) },
        Attack("DATA on a stream that we reset", opening: Make.headers(1, post + [("Upper", "1")], end: false)) { _ in
            Make.data(1, "x")
        },
        Attack("empty DATA on a stream that we reset", opening: Make.headers(1, post + [("Upper", "1")], end: false)) {
            _ in Make.data(1, "")
        },
        Attack("HEADERS on a stream that we reset", opening: Make.headers(1, post + [("Upper", "1")], end: false)) {
            _ in Make.headers(1, [("x", "1")], end: false)
        },
        Attack("CONTINUATION", opening: Make.frame(Kind.headers, 0, 1, Make.block(post))) { _ in
            Make.frame(Kind.continuation, 0, 1, Make.block([("x", "1")]))
        },
        Attack("empty CONTINUATION", opening: Make.frame(Kind.headers, 0, 1)) { _ in Make.frame(Kind.continuation, 0, 1)
        },
        Attack(
            "CONTINUATION on a stream that is ignored",
            opening: Make.headers(1, post + [("Upper", "1")], end: false) + Make.frame(Kind.headers, 0, 1)
        ) { _ in Make.frame(Kind.continuation, 0, 1) },
    ]

    @Test(arguments: attacks)
    func ends(_ attack: Attack) {
        let client = RawClient()
        client.answers = false
        client.send(attack.opening)
        let (rounds, verdict) = client.flood(attack.round)
        #expect(verdict == attack.verdict)
        #expect(rounds * attack.frames <= 1_000, "\(rounds) rounds")
        #expect(client.server.isFinished)
    }

    /// The same when all comes in one read: frames are judged one by one.
    @Test(arguments: attacks)
    func endsInOneRead(_ attack: Attack) {
        let client = RawClient()
        client.answers = false
        client.send(attack.opening)
        let all = (0..<4_000).flatMap { attack.round($0) }
        // Resets that wait to be sent hold their streams' places: past 128 nghttp2 finds too many streams open.
        let verdict = client.verdict(of: all)
        #expect(verdict == attack.verdict || verdict == .goAway(Code.protocolError))
        #expect(client.server.isFinished)
        // Of streams that were opened, no more than the budget lets through was shown to the application.
        #expect(client.heads.count <= 501)
    }

    /// The same from a peer that reads nothing: what we would answer does not pile up.
    @Test(arguments: attacks)
    func endsUnread(_ attack: Attack) {
        let client = RawClient()
        client.answers = false
        client.reads = false
        client.send(attack.opening)
        var rounds = 0
        while client.thrown == nil, !client.server.isFinished, rounds < 5_000 {
            client.send(attack.round(rounds))
            rounds += 1
        }
        // Where nghttp2 has found a fault of its own, at most the 257th frame, the next 800 are of no progress.
        #expect(rounds * attack.frames <= 1_057, "\(rounds) rounds")
        client.flush()
        #expect(client.server.isFinished)
    }

    /// Streams past the limit from a client that never acknowledges the limit, and reads or does not read.
    @Test(arguments: [true, false])
    func streamsPastTheLimit(_ reads: Bool) {
        let client = RawClient(acks: false)
        client.answers = false
        client.reads = reads
        var count = 0
        while client.thrown == nil, !client.server.isFinished, count < 5_000 {
            client.send(Make.headers(Self.id(count), Self.post, end: false))
            count += 1
        }
        #expect(count <= 1_000)
        #expect(client.server.openStreams <= 128)
        client.flush()
        #expect(Verdict(client.frames) == .goAway(Code.enhanceYourCalm))
    }

    /// HEADERS on and on after the last word of a shutdown.
    @Test func streamsAfterGoAway() {
        let client = RawClient()
        client.answers = false
        client.send(Self.open)
        client.server.shutdown()
        client.server.shutdown()
        client.run()
        let (count, verdict) = client.flood { Make.headers(Self.id($0, 3), Self.post) }
        #expect(verdict == .goAway(Code.enhanceYourCalm))
        #expect(count <= 1_000)
    }

    /// The budget is enforced when the last reset goes out, not when the next frame comes in.
    @Test func resetsOfOneRead() {
        let client = RawClient()
        for round in 0..<5 {
            client.send((0..<100).flatMap { Make.headers(Self.id(round * 100 + $0), Self.post + [("Upper", "1")]) })
        }
        #expect(Verdict(client.frames) == .goAway(Code.enhanceYourCalm))
        #expect(client.server.isFinished)
    }

    /// Credit that was earned by a long stream does not let unread answers pile up.
    @Test func unreadAnswersAfterALongStream() {
        let client = RawClient(acks: false)
        client.answers = false
        client.send(Make.headers(1, Make.request()))
        client.server.respond(StreamID(1), ResponseHead(status: 200), end: false)
        for _ in 0..<3_000 {
            client.server.write(StreamID(1)) { $0.writeString("chunk") }
            client.run()
        }
        client.reads = false
        var count = 0
        while client.thrown == nil, count < 5_000 {
            client.send(Make.headers(Self.id(count, 3), Self.post, end: false))
            count += 1
        }
        #expect(count <= 1_000)
    }

    // MARK: Header bombs (CVE-2026-49975)

    /// One-byte references to a large entry of the dynamic table.
    @Test(arguments: [true, false])
    func bombOfBytes(_ isOneRead: Bool) {
        let client = RawClient()
        let entry = [0x40] + Make.text("x-bomb") + Make.text(String(repeating: "b", count: 3_900))
        client.send(Make.headers(1, Make.block(Make.request()) + entry))
        let bomb = Array(repeating: UInt8(0xBE), count: 16_000)
        let frames =
            Make.frame(Kind.headers, Flag.endStream, 3, Make.block(Make.request()) + bomb)
            + (0..<8).flatMap { _ in Make.frame(Kind.continuation, 0, 3, bomb) }
        client.cut = isOneRead ? .whole : .random
        #expect(client.verdict(of: frames) == .goAway(Code.enhanceYourCalm))
        #expect(client.thrown == ConnectionFault("a header section far over the limits"))
        // It ended at four times the limit, 66 references in.
        #expect(client.server.incoming.listSize <= 4 * 64 * 1024 + 4_000)
        #expect(client.server.incoming.fields.byteCount <= 64 * 1024)
    }

    /// Very many small fields; crumbs of a cookie among them.
    @Test(arguments: ["x", "cookie"])
    func bombOfFields(_ name: String) {
        let client = RawClient()
        client.send(Make.headers(1, Make.block(Make.request()) + [0x40] + Make.text(name) + Make.text("")))
        let bomb = Array(repeating: UInt8(0xBE), count: 5_000)
        #expect(
            client.verdict(of: Make.headers(3, Make.block(Make.request()) + bomb)) == .goAway(Code.enhanceYourCalm))
        #expect(client.server.incoming.count <= 1_001)
    }

    // MARK: Honest clients

    /// Stop, pressed two hundred times in half a minute; and all at once.
    @Test(arguments: [Int64(150), 0])
    func cancels(_ milliseconds: Int64) {
        let client = RawClient()
        client.answers = false
        for index in 0..<200 {
            client.now = client.now + .milliseconds(milliseconds)
            client.send(Make.headers(Self.id(index), Self.post) + Make.reset(Self.id(index)))
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
            client.send(Make.headers(Self.id(index), Self.post) + Make.reset(Self.id(index)))
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
            let id = Self.id(index)
            client.send(
                Make.headers(id, Self.post, end: false) + Make.data(id, "{}") + Make.data(id, "", end: true)
                    + Make.windowUpdate(0, 2))
            client.clear()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    /// The same without any DATA in the answers that would pay for something, and with heads in many pieces.
    @Test func manyRequestsWithBodilessAnswers() {
        let client = RawClient()
        client.answers = false
        let block = Make.block(Self.post)
        for index in 0..<2_000 {
            let id = Self.id(index)
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
        client.send(Self.open)
        for _ in 0..<5_000 { client.send(Make.data(1, "x")) }
        client.send(Make.data(1, "", end: true))
        #expect(client.transcript.suffix(2) == ["end 1", "closed 1"])
    }

    /// Uploads that are refused early, each with a window's worth under way.
    @Test func refusedUploads() {
        let client = RawClient()
        client.answers = false
        for index in 0..<300 {
            let id = Self.id(index)
            client.send(Make.headers(id, Self.post, end: false))
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
            let id = Self.id(index)
            client.send(Make.headers(id, Make.request()))
            client.server.abort(StreamID(Int32(id)), index % 2 == 0 ? .internalError : .cancel)
            client.run()
        }
        #expect(client.thrown == nil && !client.server.isFinished)
    }

    // MARK: The budgets

    @Test func resetBudget() {
        var abuse = HTTP2Abuse()
        abuse.refill(.uptimeNanoseconds(0))
        for _ in 0..<400 { abuse.countReset() }
        #expect(!abuse.isExceeded)
        // Ten a second come back, and never more than the burst.
        abuse.refill(.uptimeNanoseconds(1_000_000_000))
        for _ in 0..<10 { abuse.countReset() }
        #expect(!abuse.isExceeded)
        abuse.refill(.uptimeNanoseconds(1_000_000_000_000))
        for _ in 0..<400 { abuse.countReset() }
        #expect(!abuse.isExceeded)
        abuse.countReset()
        #expect(abuse.isExceeded)
    }

    @Test func idleFrameBudget() {
        var abuse = HTTP2Abuse()
        abuse.refill(.uptimeNanoseconds(0))
        for _ in 0..<800 { abuse.countIdleFrame() }
        #expect(!abuse.isExceeded)
        abuse.refill(.uptimeNanoseconds(500_000_000))
        for _ in 0..<10 { abuse.countIdleFrame() }
        #expect(!abuse.isExceeded)
        // DATA pays for three each, up to 8,000; time does not take that back.
        for _ in 0..<5_000 { abuse.creditDataSent() }
        abuse.refill(.uptimeNanoseconds(60_000_000_000))
        for _ in 0..<8_000 { abuse.countIdleFrame() }
        #expect(!abuse.isExceeded)
        abuse.countIdleFrame()
        #expect(abuse.isExceeded)
    }

    /// A clock that stands still or goes back refills nothing.
    @Test func clockThatGoesBack() {
        var abuse = HTTP2Abuse()
        abuse.refill(.uptimeNanoseconds(10_000_000_000))
        for _ in 0..<400 { abuse.countReset() }
        abuse.refill(.uptimeNanoseconds(5_000_000_000))
        #expect(!abuse.isExceeded)
        abuse.countReset()
        #expect(abuse.isExceeded)
    }
}
