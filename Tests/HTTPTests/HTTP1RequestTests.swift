import NIOCore
import Testing

@testable import HTTP

/// An input of requests and what must come of it.
struct GoodRequest: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let input: String
    let transcript: [String]

    init(_ name: String, _ input: String, _ transcript: [String]) {
        testDescription = name
        self.input = input
        self.transcript = transcript
    }
}

/// An input whose request must be refused.
struct BadRequest: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let input: String
    let status: Int

    init(_ name: String, _ input: String, _ status: Int = 400) {
        testDescription = name
        self.input = input
        self.status = status
    }

    /// A request that is right but for one field line.
    static func field(_ line: String, _ status: Int = 400) -> BadRequest {
        BadRequest(line.debugDescription, "POST / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n", status)
    }

    /// A request that is right but for its request line.
    static func line(_ line: String, _ status: Int = 400) -> BadRequest {
        BadRequest(line.debugDescription, "\(line)\r\nHost: a\r\n\r\n", status)
    }

    /// A chunked request that is right but for its body.
    static func chunked(_ body: String, _ status: Int = 400) -> BadRequest {
        BadRequest(
            body.debugDescription, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", status)
    }

    static func host(_ value: String) -> BadRequest {
        BadRequest("Host: \(value.debugDescription)", "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n")
    }
}

struct HTTP1RequestTests {
    static let simple = ["head 1 GET a /", "end 1", "closed 1"]
    static let hello = ["head 1 POST a / +body", "body 1 hello", "end 1", "closed 1"]

    static let good: [GoodRequest] = [
        GoodRequest("simple", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", simple),
        GoodRequest("names ignore case", "GET / HTTP/1.1\r\nhOST: a\r\n\r\n", simple),
        GoodRequest("no space after the colon", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", simple),
        GoodRequest("white space around values", "GET / HTTP/1.1\r\nHost: \t a\t \r\n\r\n", simple),
        GoodRequest("empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\n", simple),
        GoodRequest("tab and obs-text in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\tb\u{E9}\u{FF}\r\n\r\n", simple),
        GoodRequest("every tchar in a name", "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n", simple),
        GoodRequest("one empty line before", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", simple),
        GoodRequest("unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", ["head 1 BREW a /", "end 1", "closed 1"]),
        GoodRequest("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", ["head 1 TRACE a /", "end 1", "closed 1"]),
        GoodRequest("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ["head 1 OPTIONS a *", "end 1", "closed 1"]),
        GoodRequest(
            "query", "GET /a?b=/c?%20 HTTP/1.1\r\nHost: a\r\n\r\n", ["head 1 GET a /a?b=/c?%20", "end 1", "closed 1"]),
        GoodRequest(
            "host with a port", "GET / HTTP/1.1\r\nHost: a.b:8080\r\n\r\n",
            ["head 1 GET a.b:8080 /", "end 1", "closed 1"]),
        GoodRequest(
            "IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", ["head 1 GET [::1]:443 /", "end 1", "closed 1"]),
        GoodRequest(
            "absolute form", "GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n", ["head 1 GET a /x", "end 1", "closed 1"]),
        GoodRequest(
            "absolute form, no path", "GET HTTPS://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
            ["head 1 GET a /?q", "end 1", "closed 1"]),
        GoodRequest("counted", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", hello),
        GoodRequest("leading zeros", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello", hello),
        GoodRequest(
            "zero length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            ["head 1 POST a /", "end 1", "closed 1"]),
        GoodRequest(
            "chunked",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            hello),
        GoodRequest(
            "chunked, any case",
            "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            hello),
        GoodRequest(
            "chunked with extensions and trailers",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "05;a;b=c;d=\"e;\\\"\t f\"\r\nhello\r\n000;x\r\nX: y\r\nContent-Length: 9\r\n\r\n", hello),
        GoodRequest(
            "sixteen digits",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "0000000000000005\r\nhello\r\n0\r\n\r\n", hello),
        GoodRequest(
            "empty chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ["head 1 POST a / +body", "end 1", "closed 1"]),
        GoodRequest("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", ["head 1 GET  /", "end 1", "closed 1"]),
        GoodRequest(
            "pipelined",
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
                + "POST /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n",
            [
                "head 1 POST a /1 +body", "body 1 ab", "end 1", "closed 1", "head 2 GET b /2", "end 2", "closed 2",
                "head 3 POST c /3 +body", "body 3 z", "end 3", "closed 3",
            ]),
    ]

    @Test(arguments: good)
    func deliversRequestsHoweverTheyAreCut(_ request: GoodRequest) throws {
        var outputs = Set<String>()
        for pieces in cuts(of: latin1(request.input)) {
            var driver = ServerDriver()
            for piece in pieces { try driver.feed(piece) }
            #expect(driver.transcript == request.transcript)
            #expect(driver.server.openStreams == 0)
            #expect(!driver.server.isReceivingHead)
            outputs.insert(driver.output)
        }
        #expect(outputs.count == 1)
    }

    static let requestLines: [BadRequest] = [
        .line("GET /"), .line("GET"), .line("GET  / HTTP/1.1"), .line("GET /  HTTP/1.1"), .line(" GET / HTTP/1.1"),
        .line("GET / HTTP/1.1 "), .line("GET / HTTP/1.1x"), .line("GET / HTTP/1.10"), .line("GET / HTTP/01.1"),
        .line("GET / HTTP/1."), .line("GET / HTTP/1"), .line("GET / HTTP/"), .line("GET / http/1.1"),
        .line("GET / HTTP/x.1"), .line("GET / HTTP 1.1"), .line("GET / HTTP/1,1"), .line("GET / XTTP/1.1"),
        .line("GET / HTTP/-1.1"), .line("GET / HTTP/+.1"), .line("GET / HTTP/0.9"), .line("GET / a HTTP/1.1"),
        .line("GET / HTTP/1.2", 505), .line("GET / HTTP/2.0", 505), .line("GET / HTTP/3.0", 505),
        .line("GET / HTTP/9.9", 505), .line("PRI * HTTP/2.0", 505),
        .line("G@T / HTTP/1.1"), .line("GET\t/ HTTP/1.1"), .line("G\u{E9}T / HTTP/1.1"), .line("(GET) / HTTP/1.1"),
        .line("GET: / HTTP/1.1"), .line("GET /\tHTTP/1.1"), .line("GET /\u{0} HTTP/1.1"), .line("GET /\u{1} HTTP/1.1"),
        .line("GET /\u{7F} HTTP/1.1"), .line("GET /\u{E9} HTTP/1.1"), .line("GET /#f HTTP/1.1"),
        .line("GET ! HTTP/1.1"), .line("GET a HTTP/1.1"), .line("GET * HTTP/1.1"), .line("OPTIONS ** HTTP/1.1"),
        .line("GET ?a HTTP/1.1"), .line("GET a/b HTTP/1.1"), .line("GET ftp://a/ HTTP/1.1"),
        .line("GET http:/a HTTP/1.1"), .line("GET http:a HTTP/1.1"), .line("GET //: HTTP/1.1x"),
        .line("GET http://b/ HTTP/1.1"), .line("GET http:///x HTTP/1.1"), .line("GET http://a:80/ HTTP/1.1"),
        .line("GET http://u@a/ HTTP/1.1"), .line("GET https://a.evil/ HTTP/1.1"), .line("GET http://a#/ HTTP/1.1"),
        .line("CONNECT a:443 HTTP/1.1"), .line("CONNECT / HTTP/1.1"), .line("\r\n\r\nGET / HTTP/1.1"),
        .line("\nGET / HTTP/1.1"), .line("\rGET / HTTP/1.1"), .line("GET / HTTP/1.1\n"), .line("GET / HTTP/1.1\r"),
        .line("GET /\r\n HTTP/1.1"), .line("GET /\rHTTP/1.1"), .line("GET /\nHTTP/1.1"), .line("\u{16}\u{3}\u{1}"),
        .line("GET /\u{B}HTTP/1.1"), .line("GET /\u{C}HTTP/1.1"), .line("GET /\u{A0}HTTP/1.1"),
        BadRequest("LF only", "GET / HTTP/1.1\nHost: a\n\n"),
        BadRequest("HTTP/0.9", "GET /\r\n"),
        BadRequest("HTTP/1.0 target without a valid host", "GET http://u@a/ HTTP/1.0\r\n\r\n"),
    ]

    static let fields: [BadRequest] = [
        .field(" X: y"), .field("\tX: y"), .field("X : y"), .field("X\t: y"), .field("X"), .field(": y"), .field(":"),
        .field("X: y\r\n z"), .field("X: y\r\n\tz"), .field("X:\r\n y"), .field("X: a\rb"), .field("X: a\nb"),
        .field("X: a\r\r"), .field("X: a\u{0}b"), .field("X: a\u{1}"), .field("X: \u{B}a"), .field("X: \u{C}a"),
        .field("X: a\u{1F}b"), .field("X: \u{1B}[0m"), .field("X: a\u{7F}"), .field("X\u{0}: y"), .field("X\u{E9}: y"),
        .field("X(a): y"), .field("X Y: z"), .field("\"X\": y"), .field("X@: y"), .field("X/Y: z"), .field("[X]: y"),
        .field("X;: y"), .field("{X}: y"), .field("X\\: y"), .field("X=y"), .field("X,Y: z"), .field("X: y\n"),
        .field("X: y\nY: z"), .field("Host: a"), .field("Host: b"), .field("HOST: a"),
        .field("Expect: 101-continue", 417), .field("Expect: 100-continue, x", 417), .field("Expect:", 417),
        BadRequest("white space before the first name", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        BadRequest("tab before the first name", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
        BadRequest("blank line before the first name", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
        BadRequest("bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        BadRequest("bare CR ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
        BadRequest("no Host", "GET / HTTP/1.1\r\n\r\n"),
        BadRequest("no Host, a field", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
        BadRequest("no Host, absolute form", "GET http://a/ HTTP/1.1\r\n\r\n"),
        BadRequest("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        .host(""), .host(" "), .host("a b"), .host("a,b"), .host("u@a"), .host("u:p@a"), .host("a/b"), .host("a?b"),
        .host("a#b"), .host("a\\b"), .host("http://a"), .host("a:b"), .host("a:80:80"), .host("a:-1"), .host("a:99999"),
        .host("a:123456"), .host(":80"), .host("["), .host("[]"), .host("[::1"), .host("::1"), .host("[::1]x"),
        .host("[x]"), .host("a\u{E9}"), .host("<a>"), .host("\"a\""), .host("a%00"), .host("a;b"), .host("a|b"),
    ]

    static let framing: [BadRequest] = [
        .field("Content-Length:"), .field("Content-Length: "), .field("Content-Length: a"),
        .field("Content-Length: +5"),
        .field("Content-Length: -5"), .field("Content-Length: -0"), .field("Content-Length: 5a"),
        .field("Content-Length: 0x5"), .field("Content-Length: 5 5"), .field("Content-Length: 5,5"),
        .field("Content-Length: 5, 5"), .field("Content-Length: ,5"), .field("Content-Length: 5,"),
        .field("Content-Length: 1_0"), .field("Content-Length: 5.0"), .field("Content-Length: 1e1"),
        .field("Content-Length: \"5\""), .field("Content-Length: \u{A0}5"), .field("Content-Length: 5\u{B2}"),
        .field("Content-Length: \u{B}5"), .field("Content-Length: 9223372036854775808"),
        .field("Content-Length: 18446744073709551616"), .field("Content-Length: 99999999999999999999999999999999"),
        .field("Content-Length: 5\r\nContent-Length: 5"), .field("Content-Length: 5\r\nContent-Length: 6"),
        .field("Content-Length: 0\r\nContent-Length: 0"), .field("Content-Length : 5"),
        .field("Content-Length: 5\r\n 6"),
        .field("Content-Length: 5\r\nTransfer-Encoding: chunked"),
        .field("Transfer-Encoding: chunked\r\nContent-Length: 5"),
        .field("Transfer-Encoding: chunked\r\nContent-Length: 0"),
        .field("Transfer-Encoding:"), .field("Transfer-Encoding: ,"), .field("Transfer-Encoding: chunked,"),
        .field("Transfer-Encoding: ,chunked"), .field("Transfer-Encoding: chunked, chunked"),
        .field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        .field("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        .field("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"),
        .field("Transfer-Encoding: chunked, gzip"), .field("Transfer-Encoding: chunked;q=1"),
        .field("Transfer-Encoding: \"chunked\""), .field("Transfer-Encoding: \u{A0}chunked"),
        .field("Transfer-Encoding: \u{B}chunked"), .field("Transfer-Encoding: \u{C}chunked"),
        .field("Transfer-Encoding: chunked\u{0}"), .field("Transfer-Encoding: chunked\u{FF}"),
        .field("Transfer-Encoding:\r\n chunked"), .field("Transfer-Encoding: chun\r\n ked", 501),
        .field("Transfer-Encoding : chunked"), .field("Transfer-Encoding: gzip\r\nContent-Length: x", 501),
        .field("Transfer-Encoding: identity", 501), .field("Transfer-Encoding: gzip", 501),
        .field("Transfer-Encoding: gzip, chunked", 501), .field("Transfer-Encoding: xchunked", 501),
        .field("Transfer-Encoding: chunkedx", 501), .field("Transfer-Encoding: x", 501),
        BadRequest("Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]

    static let chunks: [BadRequest] = [
        .chunked("\r\n"), .chunked("x\r\n"), .chunked("0x5\r\nhello\r\n"), .chunked("+5\r\nhello\r\n"),
        .chunked("-5\r\nhello\r\n"), .chunked("-0\r\n\r\n"), .chunked(" 5\r\nhello\r\n"), .chunked("5 \r\nhello\r\n"),
        .chunked("5\t\r\nhello\r\n"), .chunked("\t5\r\n"), .chunked("1_0\r\n"), .chunked("5g\r\nhello\r\n"),
        .chunked("5.0\r\n"), .chunked("5,\r\n"), .chunked("\u{A0}5\r\n"), .chunked("\u{B}5\r\n"),
        .chunked("5\u{0}\r\n"),
        .chunked("ffffffffffffffff\r\n"), .chunked("8000000000000000\r\n"), .chunked("10000000000000005\r\nhello\r\n"),
        .chunked("00000000000000005\r\nhello\r\n"), .chunked("100000000000000000000000000000005\r\n"),
        .chunked("5\nhello\r\n0\r\n\r\n"), .chunked("5\rhello\r\n0\r\n\r\n"), .chunked("5\r\nhello\n0\r\n\r\n"),
        .chunked("5\r\nhello\r0\r\n\r\n"), .chunked("5\r\nhelloo\r\n"), .chunked("5\r\nhello0\r\n\r\n"),
        .chunked("5\r\nhello\r\n\r\n"), .chunked("5\r\nhello\r\r\n"), .chunked("5\r\nhelloxx0\r\n\r\n"),
        .chunked("4\r\nhello\r\n0\r\n\r\n"), .chunked("5;\r\nhello"), .chunked("5;;a\r\nhello"),
        .chunked("5;a=\r\nhello"),
        .chunked("5;=a\r\nhello"), .chunked("5;a=b=c\r\nhello"), .chunked("5; a\r\nhello"), .chunked("5 ;a\r\nhello"),
        .chunked("5;a =b\r\nhello"), .chunked("5;a=\"b\r\nhello"), .chunked("5;a=\"b\"c\r\nhello"),
        .chunked("5;a=\"b\\\"\r\nhello"), .chunked("5;a\nhello\r\n"), .chunked("5;a\rb\r\nhello\r\n"),
        .chunked("5;a\u{0}\r\nhello"), .chunked("5;a\u{7F}\r\nhello"), .chunked("5;a b\r\nhello"),
        .chunked("5;\u{E9}\r\nhello"),
        .chunked("0\n\r\n"), .chunked("0\r\n\n"), .chunked("0\r\n\r\r"), .chunked("0\r\nX\r\n\r\n"),
        .chunked("0\r\nX : y\r\n\r\n"), .chunked("0\r\n X: y\r\n\r\n"), .chunked("0\r\nX: y\r\n z\r\n\r\n"),
        .chunked("0\r\nX: \u{0}\r\n\r\n"), .chunked("0\r\nX: y\n\r\n"), .chunked("0\r\n: y\r\n\r\n"),
        .chunked("0\r\nGET / HTTP/1.1\r\n"),
    ]

    @Test(arguments: requestLines + fields + framing + chunks)
    func refusesAndClosesHoweverItIsCut(_ request: BadRequest) throws {
        // What follows a bad request must not be taken for one.
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        let input = latin1(request.input)
        var transcripts = Set<[String]>()
        for pieces in cuts(of: input) {
            var driver = ServerDriver()
            for piece in pieces { try driver.feed(piece) }
            try driver.feed(smuggled)
            #expect(driver.faults.map(\.status) == [request.status])
            #expect(driver.server.isFinished)
            #expect(!driver.server.wantsReadPaused)
            #expect(driver.output.hasPrefix("HTTP/1.1 \(request.status) "))
            #expect(driver.output.contains("\r\nconnection: close\r\n"))
            #expect(!driver.transcript.contains { $0.contains("smuggled") })
            #expect(driver.transcript.last == "closed 1")
            transcripts.insert(driver.transcript.filter { !$0.hasPrefix("body") })
        }
        #expect(transcripts.count == 1)
    }
}
