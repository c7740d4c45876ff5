import NIOCore
import Testing

@testable import HTTP

/// What makes a request malformed, or not servable: RFC 9113 §8.1 to §8.3, RFC 9110.
struct HTTP2RequestTests {
    /// Header fields, and whether they are refused with a reset, with a status, or not at all.
    struct Case: Sendable, CustomTestStringConvertible {
        enum Outcome: Equatable, Sendable {
            case malformed, status(Int), served
        }
        var testDescription: String
        var fields: [(String, String)]
        var outcome: Outcome
        init(_ description: String, _ fields: [(String, String)], _ outcome: Outcome) {
            testDescription = description
            self.fields = fields
            self.outcome = outcome
        }
    }

    static let good = Make.request()

    /// A good request with further fields.
    static func with(_ fields: (String, String)...) -> [(String, String)] { good + fields }

    /// A good request with one pseudo-field spelt differently, or left out.
    static func replacing(_ name: String, _ value: String?) -> [(String, String)] {
        good.compactMap { field in field.0 == name ? value.map { (name, $0) } : field }
    }

    static let cases: [Case] = [
        Case("a good one", good, .served),
        Case("8.2.1 an upper-case name", with(("X-Test", "1")), .malformed),
        Case("8.2.1 a name with a colon", with(("x:test", "1")), .malformed),
        Case("8.2.1 a name with a space", with(("x test", "1")), .malformed),
        Case("8.2.1 a name with CR", with(("x\rtest", "1")), .malformed),
        Case("8.2.1 a name with LF", with(("x\ntest", "1")), .malformed),
        Case("8.2.1 a name with NUL", with(("x\0test", "1")), .malformed),
        Case("8.2.1 a name with a byte above 0x7F", with(("x\u{E9}", "1")), .malformed),
        Case("8.2.1 an empty name", with(("", "1")), .malformed),
        Case("8.2.1 a value with CR", with(("x", "a\rb")), .malformed),
        Case("8.2.1 a value with LF", with(("x", "a\nb")), .malformed),
        Case("8.2.1 a value with NUL", with(("x", "a\0b")), .malformed),
        Case("8.2.1 a value with a control byte", with(("x", "a\u{1}b")), .malformed),
        Case("8.2.1 a value with DEL", with(("x", "a\u{7F}b")), .malformed),
        Case("8.2.1 a value with a space before", with(("x", " a")), .malformed),
        Case("8.2.1 a value with a tab after", with(("x", "a\t")), .malformed),
        Case("8.2.1 a value with a tab within", with(("x", "a\tb")), .served),
        Case("8.2.1 an empty value", with(("x", "")), .served),
        Case("8.2.2 connection", with(("connection", "keep-alive")), .malformed),
        Case("8.2.2 keep-alive", with(("keep-alive", "5")), .malformed),
        Case("8.2.2 proxy-connection", with(("proxy-connection", "close")), .malformed),
        Case("8.2.2 transfer-encoding", with(("transfer-encoding", "chunked")), .malformed),
        Case("8.2.2 upgrade", with(("upgrade", "h2c")), .malformed),
        Case("8.2.2 te: gzip", with(("te", "trailers, gzip")), .malformed),
        Case("8.2.2 te: trailers", with(("te", "trailers")), .served),
        Case("8.3 an unknown pseudo-field", [(":test", "1")] + good, .malformed),
        Case("8.3 a response's pseudo-field", good + [(":status", "200")], .malformed),
        Case("8.3 a pseudo-field after a field", [("x", "1")] + good, .malformed),
        Case("8.3 a pseudo-field twice", good + [(":path", "/")], .malformed),
        Case("8.3.1 no :method", replacing(":method", nil), .malformed),
        Case("8.3.1 no :scheme", replacing(":scheme", nil), .malformed),
        Case("8.3.1 no :path", replacing(":path", nil), .malformed),
        Case("8.3.1 an empty :path", replacing(":path", ""), .malformed),
        Case("8.3.1 an empty :method", replacing(":method", ""), .malformed),
        Case("8.3.1 an empty :authority", replacing(":authority", ""), .malformed),
        Case("8.3.1 no :authority", replacing(":authority", nil), .malformed),
        Case("8.3.1 Host for :authority", replacing(":authority", nil) + [("host", "example.com")], .served),
        Case("8.3.1 a method that is no token", replacing(":method", "GE T"), .malformed),
        Case("8.3.1 a path with a space", replacing(":path", "/a b"), .malformed),
        Case("8.3.1 a path that does not start with /", replacing(":path", "a"), .malformed),
        Case("8.3.1 an absolute path", replacing(":path", "https://example.com/"), .malformed),
        Case("8.3.1 * without OPTIONS", replacing(":path", "*"), .malformed),
        Case("8.3.1 * with OPTIONS", [(":method", "OPTIONS")] + replacing(":path", "*").dropFirst(), .served),
        Case("8.3.1 :protocol that was not offered", good + [(":protocol", "websocket")], .malformed),
        Case("8.3.1 another scheme", replacing(":scheme", "ftp"), .status(400)),
        Case("8.3.1 a scheme in capitals", replacing(":scheme", "HTTPS"), .served),
        Case("a fragment", replacing(":path", "/#x"), .status(400)),
        Case("a path with a byte above 0x7F", replacing(":path", "/\u{E9}"), .status(400)),
        Case("userinfo", replacing(":authority", "user@example.com"), .status(400)),
        Case("userinfo with a password", replacing(":authority", "user:pass@example.com"), .status(400)),
        Case("a port too large", replacing(":authority", "example.com:65536"), .status(400)),
        Case("a port that is none", replacing(":authority", "example.com:8o"), .status(400)),
        Case("a path in the authority", replacing(":authority", "example.com/x"), .malformed),
        Case("a port", replacing(":authority", "example.com:8080"), .served),
        Case("an empty port", replacing(":authority", "example.com:"), .served),
        Case("an IPv6 address", replacing(":authority", "[::1]:8080"), .served),
        Case("a broken IPv6 address", replacing(":authority", "[::1"), .status(400)),
        Case("an empty IPv6 address", replacing(":authority", "[]"), .status(400)),
        Case("bytes after an IPv6 address", replacing(":authority", "[::1]x"), .status(400)),
        Case("a port only", replacing(":authority", ":443"), .status(400)),
        Case("Host like :authority", with(("host", "example.com")), .served),
        Case("Host in another case", with(("host", "EXAMPLE.com")), .served),
        Case("Host with the default port", with(("host", "example.com:443")), .served),
        Case("Host with another port", with(("host", "example.com:444")), .status(400)),
        Case("another Host", with(("host", "example.org")), .status(400)),
        Case("an empty Host", with(("host", "")), .malformed),
        Case("two Hosts", with(("host", "example.com"), ("host", "example.com")), .malformed),
        Case("CONNECT", [(":method", "CONNECT"), (":authority", "example.com:443")], .status(400)),
        Case("CONNECT with a path", [(":method", "CONNECT")] + good.dropFirst(), .malformed),
        Case("expect", with(("expect", "200-ok")), .status(417)),
        Case("expect 100-continue", with(("expect", "100-Continue")), .served),
        Case("a target of 8 KiB", replacing(":path", "/" + String(repeating: "a", count: 8191)), .served),
        Case("a target too long", replacing(":path", "/" + String(repeating: "a", count: 8192)), .status(414)),
        Case("100 fields", good + Array(repeating: ("x", "1"), count: 100), .served),
        Case("101 fields", good + Array(repeating: ("x", "1"), count: 101), .status(431)),
        Case("101 cookie crumbs", good + Array(repeating: ("cookie", "a=b"), count: 101), .status(431)),
        Case("1.2 content-length of nothing", with(("content-length", "0")), .served),
        Case("content-length without a body", with(("content-length", "1")), .malformed),
        Case("two content-lengths", with(("content-length", "0"), ("content-length", "0")), .malformed),
        Case("a content-length that is none", with(("content-length", "+0")), .malformed),
        Case("a content-length that overflows", with(("content-length", "99999999999999999999")), .malformed),
    ]

    @Test(arguments: cases, [Cut.whole, .bytes])
    func request(_ test: Case, _ cut: Cut) {
        let client = RawClient(cut: cut)
        let verdict = client.verdict(of: Make.headers(1, test.fields))
        switch test.outcome {
        case .malformed:
            #expect(verdict == .reset(1, Code.protocolError))
            #expect(client.transcript == [])
        case .status(let status):
            #expect(verdict == .accepted)
            #expect(client.transcript == ["fault 1 \(status)", "closed 1"])
        case .served:
            #expect(verdict == .accepted)
            #expect(client.heads.count == 1 && client.faults.isEmpty)
            #expect(client.transcript.suffix(2) == ["end 1", "closed 1"])
        }
        #expect(client.server.openStreams == 0)
        // The connection serves on, its header tables in step.
        client.clear()
        client.send(Make.headers(3, Self.good))
        #expect(client.transcript == ["head 3 GET /", "end 3", "closed 3"])
    }

    /// 8.1.1: content-length is the sum of the DATA frames.
    @Test(arguments: Cut.allCases)
    func contentLength(_ cut: Cut) {
        let head = Make.headers(1, Make.request("POST") + [("content-length", "3")], end: false)
        for (rest, isGood) in [
            (Make.data(1, "abc", end: true), true),
            (Make.data(1, "ab") + Make.data(1, "c") + Make.data(1, "", end: true), true),
            (Make.data(1, "abc") + Make.headers(1, [("x", "1")]), true),
            (Make.data(1, "ab", end: true), false), (Make.data(1, "abcd", end: true), false),
            (Make.data(1, "abc") + Make.data(1, "d"), false),
            (Make.data(1, "ab") + Make.headers(1, [("x", "1")]), false),
        ] {
            let client = RawClient(cut: cut)
            #expect(client.verdict(of: head + rest) == (isGood ? .accepted : .reset(1, Code.protocolError)))
            #expect(client.transcript.last == (isGood ? "closed 1" : "reset 1"))
            #expect(client.transcript.contains("end 1") == isGood)
        }
    }

    /// What was delivered of a request that turns out to be malformed is taken back.
    @Test func malformedTrailers() {
        let client = RawClient()
        client.send(Make.headers(1, Make.request("POST"), end: false) + Make.data(1, "x"))
        #expect(client.verdict(of: Make.headers(1, [("X", "1")])) == .reset(1, Code.protocolError))
        #expect(client.transcript == ["reset 1"])
    }

    @Test func head() {
        let client = RawClient()
        client.send(Make.headers(1, Self.with(("x-one", "1"), ("x-two", "\u{E9}"), ("x-one", "2")), end: false))
        let head = client.heads[0]
        #expect(head.method == "GET" && head.scheme == "https" && head.path == "/")
        #expect(head.authority == "example.com" && head.version == .http2)
        #expect(head.fields.count == 3 && head.fields["x-one"] == "1")
        #expect(Array(head.fields.valueBytes(at: 1)) == [0xE9])
    }

    /// 8.2.3: cookie crumbs are one field outside of HTTP/2.
    @Test func cookieCrumbs() {
        let client = RawClient()
        client.send(
            Make.headers(
                1, Self.with(("cookie", "a=1"), ("x", "1"), ("cookie", "b=\u{FF}"), ("cookie", "c=3"), ("y", "2"))))
        let fields = client.heads[0].fields
        #expect(fields.count(of: "cookie") == 1 && fields.count == 3)
        #expect(fields["x"] == "1" && fields["y"] == "2")
        let index = fields.firstIndex(of: "cookie")
        #expect(index.map { Array(fields.valueBytes(at: $0)) } == latin1("a=1; b=\u{FF}; c=3"))
    }

    // MARK: Limits (431)

    @Test(arguments: Cut.allCases)
    func headerListSize(_ cut: Cut) {
        // Four pseudo-fields take 42 + 44 + 53 + 38 bytes by RFC 9113 §6.5.2, the other 33 and its value.
        let room = 64 * 1024 - 177 - 33
        for (length, status) in [(room, nil), (room + 1, 431)] as [(Int, Int?)] {
            let client = RawClient(cut: cut == .bytes ? .random : cut)
            let block = Make.block(Self.with(("x", String(repeating: "v", count: length))))
            var bytes = Make.frame(Kind.headers, 0, 1, Array(block.prefix(16_384)))
            var rest = block.dropFirst(16_384)
            while !rest.isEmpty {
                let piece = Array(rest.prefix(16_384))
                rest = rest.dropFirst(16_384)
                bytes += Make.frame(Kind.continuation, rest.isEmpty ? Flag.endHeaders : 0, 1, piece)
            }
            client.send(bytes + Make.data(1, "body", end: true))
            #expect(
                client.transcript
                    == (status == nil
                        ? ["head 1 GET / +body", "body 1 body", "end 1", "closed 1"] : ["fault 1 431", "closed 1"]))
            client.clear()
            client.send(Make.headers(3, Self.good))
            #expect(client.transcript == ["head 3 GET /", "end 3", "closed 3"])
        }
    }

    /// The body of a request that was refused is not delivered, and its window comes back to the connection.
    @Test func bodyAfterAFault() {
        let client = RawClient()
        client.answers = false
        for id in stride(from: UInt32(1), to: 41, by: 2) {
            client.send(Make.headers(id, Make.request("POST", path: "/#"), end: false))
            for _ in 0..<40 { client.send(Make.frame(Kind.data, 0, id, Array(repeating: 0, count: 1_600))) }
        }
        #expect(client.transcript == stride(from: 1, to: 41, by: 2).map { "fault \($0) 400" })
        #expect(client.windowGiven(0) >= 1024 * 1024)
    }

    @Test(arguments: Cut.allCases)
    func trailersPastTheLimit(_ cut: Cut) {
        let client = RawClient(cut: cut)
        client.answers = false
        client.send(Make.headers(1, Make.request("POST"), end: false) + Make.data(1, "x"))
        client.send(Make.headers(1, Array(repeating: ("x", "1"), count: 101)))
        #expect(client.takeTranscript() == ["head 1 POST / +body", "body 1 x", "fault 1 431"])
        client.answer(StreamID(1), 431, "fault")
        client.run()
        #expect(client.takeTranscript() == ["closed 1"])
    }

    @Test(arguments: [("h", "h"), ("H:443", "h"), ("h:", "H"), ("[::1]:443", "[::1]")])
    func sameAuthority(_ one: String, _ other: String) {
        #expect(RequestValidation.sameAuthority(one, other))
        #expect(RequestValidation.sameAuthority(other, one))
    }

    @Test(arguments: [("h", "g"), ("h:444", "h"), ("h:4430", "h"), ("[::1]", "[::2]"), ("h:80", "h")])
    func otherAuthority(_ one: String, _ other: String) {
        #expect(!RequestValidation.sameAuthority(one, other))
    }
}
