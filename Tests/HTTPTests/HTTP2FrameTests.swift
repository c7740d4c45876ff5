import NIOCore
import Testing

@testable import HTTP

/// The frame layer of the server: RFC 9113 §3.4, §4, §6, after h2spec's cases.
struct HTTP2FrameTests {
    /// Bytes that come after the preface, and what becomes of them.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var verdict: Verdict
        init(_ description: String, _ bytes: [UInt8], _ verdict: Verdict) {
            testDescription = description
            self.bytes = bytes
            self.verdict = verdict
        }
    }

    static let open = Make.headers(1, Make.request("POST"), end: false)
    static let whole = Make.headers(1, Make.request())

    static let cases: [Case] = [
        Case("4.1 unknown type", Make.frame(0x16, 0xFF, 0, [1, 2, 3]), .accepted),
        Case("4.1 undefined flags", Make.frame(Kind.ping, 0x16, 0, Array(repeating: 0, count: 8)), .accepted),
        Case("4.1 reserved bit", Make.frame(Kind.ping, 0, 0x8000_0000, Array(repeating: 0, count: 8)), .accepted),
        Case(
            "4.2 DATA of the largest size", open + Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_384)),
            .accepted),
        Case(
            "4.2 DATA too large", open + Make.frame(Kind.data, 0, 1, Array(repeating: 1, count: 16_385)),
            .goAway(Code.frameSizeError)),
        Case(
            "4.2 HEADERS too large", Make.headers(1, Array(repeating: 0, count: 16_385)),
            .goAway(Code.frameSizeError)),
        Case("4.3 bad header block", Make.headers(1, [0x40]), .goAway(Code.compressionError)),
        Case("4.3 index of none", Make.headers(1, [0xC8]), .goAway(Code.compressionError)),
        Case("4.3 table size above the setting", Make.headers(1, [0x3F, 0xE2, 0x7F]), .goAway(Code.compressionError)),
        Case(
            "4.3 another stream's HEADERS inside a section",
            Make.frame(Kind.headers, Flag.endStream, 1, Make.block(Make.request()))
                + Make.headers(3, Make.request()), .goAway(Code.protocolError)),
        Case(
            "4.3 PRIORITY inside a section",
            Make.frame(Kind.headers, Flag.endStream, 1, Make.block(Make.request())) + Make.priority(1, on: 0),
            .goAway(Code.protocolError)),
        Case(
            "5.5 unknown type inside a section",
            Make.frame(Kind.headers, Flag.endStream, 1, Make.block(Make.request())) + Make.frame(0xFF, 0, 1),
            .goAway(Code.protocolError)),

        Case("6.1 DATA on stream 0", Make.data(0, "x"), .goAway(Code.protocolError)),
        Case(
            "6.1 pad length as large as the payload", open + Make.frame(Kind.data, Flag.padded, 1, [4, 1, 2, 3]),
            .goAway(Code.protocolError)),
        Case("6.1 padded and empty", open + Make.frame(Kind.data, Flag.padded, 1), .goAway(Code.protocolError)),
        Case(
            "6.2 HEADERS on stream 0", Make.headers(0, Make.request()), .goAway(Code.protocolError)),
        Case(
            "6.2 HEADERS with too much padding",
            Make.headers(1, [200] + Make.block(Make.request()), flags: Flag.padded), .goAway(Code.protocolError)),
        Case(
            "6.2 HEADERS without room for its priority", Make.headers(1, [0, 0], flags: Flag.priority),
            .goAway(Code.frameSizeError)),
        Case(
            "6.2 HEADERS from the client on an even stream", Make.headers(2, Make.request()),
            .goAway(Code.protocolError)),
        Case("6.3 PRIORITY on stream 0", Make.priority(0, on: 1), .goAway(Code.protocolError)),
        Case("6.3 PRIORITY of 4 bytes", Make.frame(Kind.priority, 0, 1, big32(0)), .goAway(Code.frameSizeError)),
        Case(
            "5.3.1 HEADERS on itself",
            Make.headers(1, big32(1) + [15] + Make.block(Make.request()), flags: Flag.priority),
            .goAway(Code.protocolError)),
        Case("5.3.1 PRIORITY on itself", Make.priority(3, on: 3), .goAway(Code.protocolError)),
        Case("6.4 RST_STREAM on stream 0", Make.reset(0), .goAway(Code.protocolError)),
        Case("6.4 RST_STREAM on an idle stream", Make.reset(1), .goAway(Code.protocolError)),
        Case(
            "6.4 RST_STREAM of 3 bytes", open + Make.frame(Kind.rstStream, 0, 1, [0, 0, 0]),
            .goAway(Code.frameSizeError)),
        Case(
            "6.5 SETTINGS ACK with a payload", Make.frame(Kind.settings, Flag.ack, 0, [0, 1, 0, 0, 0, 0]),
            .goAway(Code.frameSizeError)),
        Case("6.5 SETTINGS on a stream", Make.frame(Kind.settings, 0, 1), .goAway(Code.protocolError)),
        Case(
            "6.5 SETTINGS of 5 bytes", Make.frame(Kind.settings, 0, 0, [0, 1, 0, 0, 0]), .goAway(Code.frameSizeError)),
        Case("6.5 SETTINGS ACK that nobody asked for", Make.settingsAck, .goAway(Code.protocolError)),
        Case("6.5.2 ENABLE_PUSH 2", Make.settings([(2, 2)]), .goAway(Code.protocolError)),
        Case("6.5.2 INITIAL_WINDOW_SIZE too large", Make.settings([(4, 0x8000_0000)]), .goAway(Code.flowControlError)),
        Case("6.5.2 MAX_FRAME_SIZE too small", Make.settings([(5, 16_383)]), .goAway(Code.protocolError)),
        Case("6.5.2 MAX_FRAME_SIZE too large", Make.settings([(5, 1 << 24)]), .goAway(Code.protocolError)),
        Case("6.5.2 an unknown setting", Make.settings([(0xFF, 1)]), .accepted),
        Case(
            "6.6 PUSH_PROMISE from a client", Make.frame(Kind.pushPromise, Flag.endHeaders, 1, big32(2)),
            .goAway(Code.protocolError)),
        Case(
            "6.7 PING on a stream", Make.frame(Kind.ping, 0, 1, Array(repeating: 0, count: 8)),
            .goAway(Code.protocolError)),
        Case(
            "6.7 PING of 6 bytes", Make.frame(Kind.ping, 0, 0, Array(repeating: 0, count: 6)),
            .goAway(Code.frameSizeError)),
        Case("6.8 GOAWAY on a stream", Make.frame(Kind.goAway, 0, 1, big32(0) + big32(0)), .goAway(Code.protocolError)),
        Case(
            "6.8 GOAWAY of 7 bytes", Make.frame(Kind.goAway, 0, 0, Array(repeating: 0, count: 7)),
            .goAway(Code.frameSizeError)),
        Case("6.9 WINDOW_UPDATE of 0 on the connection", Make.windowUpdate(0, 0), .goAway(Code.protocolError)),
        Case("6.9 WINDOW_UPDATE of 0 on a stream", open + Make.windowUpdate(1, 0), .goAway(Code.protocolError)),
        Case(
            "6.9 WINDOW_UPDATE of 3 bytes", Make.frame(Kind.windowUpdate, 0, 0, [0, 0, 1]), .goAway(Code.frameSizeError)
        ),
        Case("6.9 WINDOW_UPDATE on an idle stream", Make.windowUpdate(1, 100), .goAway(Code.protocolError)),
        Case(
            "6.9.1 the connection's window overflows", Make.windowUpdate(0, 0x7FFF_FFFF), .goAway(Code.flowControlError)
        ),
        Case(
            "6.9.1 a stream's window overflows", open + Make.windowUpdate(1, 0x7FFF_FFFF),
            .reset(1, Code.flowControlError)),
        Case(
            "6.10 CONTINUATION after END_HEADERS", open + Make.frame(Kind.continuation, Flag.endHeaders, 1),
            .goAway(Code.protocolError)),
        Case(
            "6.10 CONTINUATION after DATA", open + Make.data(1, "x") + Make.frame(Kind.continuation, 4, 1),
            .goAway(Code.protocolError)),
        Case("6.10 CONTINUATION first", Make.frame(Kind.continuation, Flag.endHeaders, 1), .goAway(Code.protocolError)),
        Case(
            "6.10 CONTINUATION on another stream",
            Make.frame(Kind.headers, Flag.endStream, 1, Make.block(Make.request()))
                + Make.frame(Kind.continuation, 4, 3),
            .goAway(Code.protocolError)),
    ]

    @Test(arguments: cases, Cut.allCases)
    func frame(_ test: Case, _ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        #expect(client.verdict(of: test.bytes) == test.verdict)
        #expect(client.server.isFinished == (test.verdict != .accepted && test.verdict.isGoAway))
    }

    @Test(arguments: Cut.allCases)
    func wrongPreface(_ cut: Cut) {
        for bytes in [
            latin1("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), latin1("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
        ] {
            let client = RawClient(settings: nil, cut: cut)
            #expect(client.verdict(of: bytes) == .goAway(Code.protocolError))
            #expect(client.thrown == ConnectionFault(.protocolError, "no HTTP/2 connection preface"))
        }
        let client = RawClient(settings: nil, cut: cut)
        #expect(client.verdict(of: Make.preface + Make.ping()) == .goAway(Code.protocolError))
    }

    @Test(arguments: Cut.allCases)
    func serverPrefaceAndAcks(_ cut: Cut) throws {
        let client = RawClient(settings: nil, cut: cut)
        client.send(Make.preface + Make.settings() + Make.ping())
        let frames = client.takeFrames()
        let settings = try #require(frames.first)
        #expect(settings.type == Kind.settings && settings.flags == 0)
        // INITIAL_WINDOW_SIZE 65,535, MAX_HEADER_LIST_SIZE 65,536, MAX_CONCURRENT_STREAMS 128.
        #expect(settings.payload == [0, 4] + big32(65_535) + [0, 6] + big32(65_536) + [0, 3] + big32(128))
        #expect(frames.contains(WireFrame(type: Kind.settings, flags: Flag.ack, stream: 0, payload: [])))
        #expect(
            frames.contains(
                WireFrame(type: Kind.windowUpdate, flags: 0, stream: 0, payload: big32(1024 * 1024 - 65_535))))
        #expect(
            frames.contains(
                WireFrame(type: Kind.ping, flags: Flag.ack, stream: 0, payload: [1, 2, 3, 4, 5, 6, 7, 8])))
    }

    /// A PING's own ACK asks for nothing.
    @Test func pingAckIsNotAnswered() {
        let client = RawClient()
        client.send(Make.ping(Flag.ack))
        #expect(client.frames.isEmpty)
    }

    @Test(arguments: Cut.allCases)
    func headerSectionInManyPieces(_ cut: Cut) {
        let block = Make.block(Make.request(path: "/pieces") + [("x-long", String(repeating: "v", count: 600))])
        let client = RawClient(cut: cut)
        var bytes: [UInt8] = []
        // 15 CONTINUATION frames, some of them empty.
        let pieces = (0..<15).map { Array(block[$0 * 40..<min(block.count, $0 * 40 + 40)]) } + [Array(block[600...])]
        bytes += Make.frame(Kind.headers, Flag.endStream, 1, pieces[0])
        for piece in pieces[1..<15] { bytes += Make.frame(Kind.continuation, 0, 1, piece) }
        client.send(bytes)
        #expect(client.server.isReceivingHead)
        client.send(Make.frame(Kind.continuation, Flag.endHeaders, 1, pieces[15]))
        #expect(!client.server.isReceivingHead)
        #expect(client.takeTranscript() == ["head 1 GET /pieces", "end 1", "closed 1"])
    }

    /// A section that never ends is seen as such whatever becomes of its stream: the driver bounds its time.
    @Test func unfinishedSections() {
        let fragment = Make.frame(Kind.headers, Flag.endStream, 3, Make.block(Make.request()))
        let afterGoAway = RawClient()
        afterGoAway.answers = false
        afterGoAway.send(Make.headers(1, Make.request()))
        afterGoAway.server.shutdown()
        afterGoAway.server.shutdown()
        afterGoAway.run()
        afterGoAway.send(fragment)
        #expect(afterGoAway.server.isReceivingHead)

        let malformed = RawClient()
        malformed.send(Make.frame(Kind.headers, Flag.endStream, 3, Make.block([("Upper", "1")])))
        #expect(malformed.server.isReceivingHead)
        malformed.send(Make.frame(Kind.continuation, Flag.endHeaders, 3))
        #expect(!malformed.server.isReceivingHead)
    }

    @Test func scannerFindsFramesHoweverCut() {
        let bytes = Make.preface + Make.settings([(1, 2)]) + Make.ping() + Make.frame(0xEE, 7, 0x7FFF_FFFF, [9])
        for cut in Cut.allCases {
            var scanner = FrameScanner(preface: Make.preface.count)
            var seen: [String] = []
            for piece in cut.pieces(of: bytes) {
                unsafe Array(piece).withUnsafeBytes { bytes in
                    var offset = 0
                    while offset < bytes.count {
                        if !scanner.isInFrame { offset = unsafe scanner.readHeader(bytes, from: offset) }
                        offset = scanner.skipPayload(from: offset, to: bytes.count)
                        guard scanner.isFrameWhole else { continue }
                        let header = scanner.header
                        if !scanner.isInPreface {
                            seen.append("\(header.type) \(header.flags) \(header.stream) \(header.length)")
                        }
                        scanner.finishFrame()
                    }
                }
            }
            #expect(seen == ["4 0 0 6", "6 0 0 8", "238 7 2147483647 1"])
        }
    }
}

extension Verdict {
    var isGoAway: Bool { if case .goAway = self { true } else { false } }
}
