import NIOCore
import Testing

@testable import HTTP

struct HTTP1LimitTests {
    static let start = "GET / HTTP/1.1\r\nHost: a\r\n"

    /// The status that answers `input`, fed whole and in single bytes, or nil when it is served.
    private func status(_ input: String, _ limits: HTTPLimits = HTTPLimits()) throws -> Int? {
        var statuses = Set<Int?>()
        for size in [1, 7, input.utf8.count] {
            var driver = ServerDriver(limits: limits)
            var rest = Array(input.utf8)[...]
            while !rest.isEmpty {
                try driver.feed(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            statuses.insert(driver.faults.first?.status)
        }
        try #require(statuses.count == 1)
        return try #require(statuses.first)
    }

    @Test func boundsTheTarget() throws {
        var limits = HTTPLimits()
        limits.targetLength = 100
        let longest = "/" + String(repeating: "a", count: 99)
        #expect(try status("GET \(longest) HTTP/1.1\r\nHost: a\r\n\r\n", limits) == nil)
        #expect(try status("GET \(longest)a HTTP/1.1\r\nHost: a\r\n\r\n", limits) == 414)
        #expect(try status("GET \(longest)" + String(repeating: "a", count: 200), limits) == 414)
    }

    @Test(arguments: ["G", "GET / HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\nHost: a\r\n"])
    func refusesAHeadThatIsTooLate(_ start: String) throws {
        var driver = ServerDriver()
        #expect(!driver.server.headTimedOut())
        try driver.feed(start)
        #expect(driver.server.isReceivingHead)
        #expect(driver.server.headTimedOut())
        driver.run()
        #expect(driver.faults.map(\.status) == [408])
        #expect(driver.takeOutput().hasPrefix("HTTP/1.1 408 ") && driver.server.isFinished)
        #expect(!driver.server.headTimedOut())
    }

    @Test func boundsTheNumberOfFields() throws {
        let fields = String(repeating: "X: y\r\n", count: 99)
        #expect(try status(Self.start + fields + "\r\n") == nil)
        #expect(try status(Self.start + fields + "X: y\r\n") == 431)
    }

    @Test func boundsTheDecodedSizeOfTheList() throws {
        var limits = HTTPLimits()
        limits.headerListSize = 200
        // Host takes 4 + 1 + 32, X takes 1 + 32.
        let longest = String(repeating: "v", count: 200 - 37 - 33)
        #expect(try status(Self.start + "X: \(longest)\r\n\r\n", limits) == nil)
        #expect(try status(Self.start + "X: \(longest)v\r\n\r\n", limits) == 431)
        #expect(try status(Self.start + "X: " + String(repeating: "v", count: 300), limits) == 431)
        #expect(try status(Self.start + String(repeating: "v", count: 300), limits) == 431)
    }

    @Test func countsTrailersWithTheHeaderSection() throws {
        let start = Self.start + "Transfer-Encoding: chunked\r\n\r\n0\r\n"
        #expect(try status(start + String(repeating: "X: y\r\n", count: 98) + "\r\n") == nil)
        #expect(try status(start + String(repeating: "X: y\r\n", count: 99)) == 431)
        #expect(try status(start + "X: " + String(repeating: "y", count: 70_000)) == 431)
    }

    @Test func boundsTheChunkExtensionsOfABody() throws {
        let start = Self.start + "Transfer-Encoding: chunked\r\n\r\n"
        let chunk = "1;" + String(repeating: "e", count: 1023) + "\r\nx\r\n"
        #expect(try status(start + String(repeating: chunk, count: 4) + "0\r\n\r\n") == nil)
        #expect(try status(start + String(repeating: chunk, count: 4) + "0;e\r\n\r\n") == 400)
        #expect(try status(start + "1;" + String(repeating: "e", count: 5000)) == 400)
    }

    @Test func holdsWhatIsSentAheadWithinBoundsAndPausesReading() throws {
        var limits = HTTPLimits()
        limits.pipelinedBytes = 1000
        var driver = ServerDriver(limits: limits)
        driver.answers = false
        try driver.feed(Self.start + "\r\n")
        let ahead = Self.start + "\r\n"
        let count = 1000 / ahead.utf8.count + 1
        for index in 0..<count {
            #expect(!driver.server.wantsReadPaused, "\(index)")
            try driver.feed(ahead)
        }
        #expect(driver.server.wantsReadPaused)
        #expect(!driver.server.isReceivingHead)
        driver.answers = true
        driver.server.respond(StreamID(1), ResponseHead(status: 200), end: true)
        driver.run()
        #expect(!driver.server.wantsReadPaused)
        #expect(driver.heads.count == count + 1)
    }

    @Test func aLongLineDoesNotPauseReading() throws {
        var limits = HTTPLimits()
        limits.pipelinedBytes = 10
        var driver = ServerDriver(limits: limits)
        try driver.feed(Self.start + "X: y")
        #expect(!driver.server.wantsReadPaused)
    }

    @Test func pausesReadingWhileTheBodyIsNotConsumed() throws {
        let server = HTTP1Server(limits: HTTPLimits(), scheme: "https")
        var input = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        input.writeRepeatingByte(0x61, count: 70_000)
        try server.receive(&input, now: .uptimeNanoseconds(0))
        #expect(server.wantsReadPaused)
        server.consume(StreamID(1), 70_000)
        #expect(!server.wantsReadPaused)
    }

    /// A partial line is not scanned again for each byte that is added to it: with 60 KiB that would be 1.8 GB.
    @Test(.timeLimit(.minutes(1))) func scansAHeadThatComesInSingleBytesOnce() throws {
        var line = LineScanner()
        var buffer = ByteBuffer()
        let server = HTTP1Server(limits: HTTPLimits(), scheme: "https")
        for byte in (Self.start + "X: " + String(repeating: "v", count: 60 * 1024)).utf8 {
            var input = ByteBuffer(bytes: CollectionOfOne(byte))
            try server.receive(&input, now: .uptimeNanoseconds(0))
            buffer.writeInteger(byte)
        }
        #expect(server.nextEvent() == nil)
        #expect(server.isReceivingHead)
        var rest = ByteBuffer(string: "\r\n\r\n")
        try server.receive(&rest, now: .uptimeNanoseconds(0))
        guard case .head(_, let head, _)? = server.nextEvent() else {
            Issue.record("no head")
            return
        }
        #expect(head.fields["x"]?.utf8.count == 60 * 1024)
        // And the scanner itself remembers: bytes that it has passed may be gone when it goes on.
        var text = ByteBuffer(string: "abcdefgh")
        #expect(try line.end(in: text.readableBytesSpan, from: 0, limit: 100, tooLong: .headersTooLarge) == nil)
        text.setString("\n\n\n\n\n\n\n\n", at: 0)
        text.writeString("\r\n")
        #expect(try line.end(in: text.readableBytesSpan, from: 0, limit: 100, tooLong: .headersTooLarge) == 8)
    }

    @Test func byteSetsAreThoseOfTheRFC() {
        let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(ASCIISet.token.contains(byte) == token.contains(byte), "\(byte)")
            #expect(
                ASCIISet.target.contains(byte) == (byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")), "\(byte)")
        }
    }

    /// Every byte at every place of a word, among bytes that could disturb the arithmetic.
    @Test func findsControlBytesAnywhere() {
        for filler in [0x20, 0x7E, 0x80, 0x9F, 0xFF, 0x09] as [UInt8] {
            for byte in UInt8.min...UInt8.max {
                for place in 0..<17 {
                    var bytes = [UInt8](repeating: filler, count: 17)
                    bytes[place] = byte
                    let isControl = byte < 0x20 && byte != 0x09 || byte == 0x7F
                    let found = ByteBuffer(bytes: bytes).readableBytesSpan.firstControl(from: 0)
                    #expect(found == (isControl ? place : 17))
                }
            }
        }
    }
}
