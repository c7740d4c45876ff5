import NIOCore
import Testing

@testable import HTTP

/// Small things that grow: header sections of references (CVE-2026-49975), answers behind closed windows.
struct HTTP2BombTests {
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
        #expect(client.thrown == ConnectionFault(.headerBomb, "a header section far over the limits"))
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

    /// Crumbs of a cookie count as the fields that they are, with 32 bytes each, before they are joined.
    @Test(arguments: [(100, 200), (101, 431)])
    func cookieCrumbs(_ count: Int, _ status: Int) {
        let client = RawClient()
        client.send(Make.headers(1, Make.request() + Array(repeating: ("cookie", "a=b"), count: count)))
        #expect(client.transcript.first == (status == 200 ? "head 1 GET /" : "fault 1 431"))
        client.send(Make.headers(3, Make.request() + Array(repeating: ("cookie", ""), count: 1_001)))
        #expect(client.reason == .headerBomb)
    }

    /// Header sections just over the limits, each answered with 431: a few bytes may stand for them.
    @Test func largeHeadersOnAndOn() {
        let client = RawClient()
        let block = Make.block(Make.request()) + Array(repeating: [0, 1, 0x78, 0], count: 101).flatMap { $0 }
        let (count, verdict) = client.flood { Make.headers(HTTP2AbuseTests.id($0), block) }
        #expect(verdict == .goAway(Code.enhanceYourCalm) && client.reason == .headerBomb)
        #expect(390...401 ~= count)
        #expect(client.faults.count >= 390 && client.faults.allSatisfy { $0.status == 431 })
    }

    /// The size of the table changed on and on, an integer without an end, and a string that never comes.
    @Test(arguments: Cut.allCases)
    func headerCodes(_ cut: Cut) {
        let sizes = Array(repeating: [UInt8]([0x3F, 0xE1, 0x1F, 0x20]), count: 4_000).flatMap { $0 }
        let cases: [([UInt8], Verdict)] = [
            (Array(repeating: 0x20, count: 16_000), .accepted), (sizes, .accepted),
            ([0xFF] + Array(repeating: 0x80, count: 10_000) + [1], .goAway(Code.compressionError)),
            ([0x3F] + Array(repeating: 0xFF, count: 9) + [0x7F], .goAway(Code.compressionError)),
            ([0, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F], .goAway(Code.compressionError)),
        ]
        for (bytes, verdict) in cases {
            let client = RawClient(cut: cut)
            #expect(client.verdict(of: Make.headers(1, bytes + Make.block(Make.request()))) == verdict)
        }
    }

    // MARK: Closed windows

    private func client(window: UInt32, queuedBytes: Int = HTTPLimits().queuedBytes) -> RawClient {
        var limits = HTTPLimits()
        limits.queuedBytes = queuedBytes
        let client = RawClient(limits: limits, settings: [(4, window)])
        client.answers = false
        return client
    }

    private func answer(_ client: RawClient, _ id: UInt32, _ bytes: Int) {
        client.send(Make.headers(id, Make.request()))
        client.server.respond(StreamID(Int32(id)), ResponseHead(status: 200, contentLength: bytes), end: false)
        client.server.write(StreamID(Int32(id))) { $0.writeRepeatingByte(0x61, count: bytes) }
        client.server.end(StreamID(Int32(id)))
        client.run()
    }

    /// Large answers that the client asks for and does not take: what waits is bounded, whoever it is that asks.
    @Test(arguments: [true, false])
    func answersThatNobodyTakes(_ reads: Bool) {
        let client = client(window: 0, queuedBytes: 4 << 20)
        client.reads = reads
        for index in 0..<128 {
            answer(client, HTTP2AbuseTests.id(index), 1 << 20)
            #expect(client.server.bufferedBytes <= 4 << 20)
        }
        #expect(client.server.bufferedBytes == 4 << 20)
        client.flush()
        let resets = client.frames.filter { $0.type == Kind.rstStream }
        #expect(resets.count == 124 && resets.allSatisfy { $0.number(at: 0) == Code.enhanceYourCalm })
        // Who asks on and on for what he does not take is shown out.
        for index in 128..<600 where client.thrown == nil { answer(client, HTTP2AbuseTests.id(index), 1 << 20) }
        #expect(client.reason == .forcedResets || !reads)
    }

    /// One large answer may wait; a second may not wait with it.
    @Test func oneLargeAnswerWaits() {
        let client = client(window: 0, queuedBytes: 1 << 20)
        answer(client, 1, 8 << 20)
        #expect(client.server.bufferedBytes == 8 << 20)
        answer(client, 3, 300 * 1024)
        answer(client, 5, 100 * 1024)
        #expect(client.server.bufferedBytes == (8 << 20) + 100 * 1024)
        #expect(Verdict(client.frames) == .reset(3, Code.enhanceYourCalm))
    }

    /// Small answers wait on all streams at once.
    @Test func manySmallAnswersWait() {
        let client = client(window: 0, queuedBytes: 1 << 20)
        for index in 0..<128 { answer(client, HTTP2AbuseTests.id(index), 256 * 1024) }
        #expect(client.server.bufferedBytes == 32 << 20)
        #expect(Verdict(client.frames) == .accepted)
    }

    @Test func waitsForWindow() {
        let client = client(window: 10)
        let id = StreamID(1)
        answer(client, 1, 30)
        #expect(client.server.waitsForWindow(id))
        client.send(Make.windowUpdate(1, 10))
        #expect(client.server.queuedBytes(id) == 10 && client.server.waitsForWindow(id))
        // Below zero.
        client.send(Make.settings([(4, 5)]))
        client.send(Make.windowUpdate(1, 5))
        #expect(client.server.queuedBytes(id) == 10 && client.server.waitsForWindow(id))
        client.send(Make.windowUpdate(1, 10))
        #expect(client.server.queuedBytes(id) == 0 && !client.server.waitsForWindow(id))
    }

    /// The window of the connection counts as well.
    @Test func waitsForTheConnectionsWindow() {
        let client = client(window: 1 << 20)
        answer(client, 1, 100_000)
        #expect(client.server.waitsForWindow(StreamID(1)))
        client.send(Make.windowUpdate(0, 100_000))
        #expect(!client.server.waitsForWindow(StreamID(1)))
    }

    /// A reset frees what was queued, though its frame can not go out.
    @Test func resetFreesTheQueue() {
        let client = client(window: 0)
        client.reads = false
        answer(client, 1, 1 << 20)
        client.server.abort(StreamID(1), .cancel)
        #expect(client.server.bufferedBytes == 0)
    }

    /// A byte of window at a time: each answered by a frame of one byte (CVE-2019-9511).
    @Test func windowInCrumbs() {
        let client = client(window: 0)
        answer(client, 1, 1 << 20)
        let (count, verdict) = client.flood { _ in Make.windowUpdate(1, 1) }
        #expect(verdict == .goAway(Code.enhanceYourCalm) && client.reason == .windowUpdates)
        #expect(count <= 1_000)
    }

    /// A body in frames of a byte: the flood ends, and what a person could send does not.
    @Test func dataInCrumbs() {
        let client = RawClient()
        client.answers = false
        client.send(HTTP2AbuseTests.open)
        let (count, verdict) = client.flood { _ in Make.data(1, "x") }
        #expect(verdict == .goAway(Code.enhanceYourCalm) && client.reason == .tinyData)
        #expect(10_000...13_000 ~= count)
    }
}
