import NIOCore
import Testing

@testable import HTTP

/// The rules for requests are the same on both protocols: each case is said on HTTP/1.1 and on HTTP/2, and both take it
/// or both refuse it, with the same status.
struct RequestRulesTests {
    /// A request, as either protocol says it.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "GET"
        var scheme = "https"
        /// The authority: `:authority`, or Host. With `host` it is in the target, in absolute form.
        var authority = "example.com"
        var host: String?
        var path = "/a?b"
        var fields: [(String, String)] = []
        /// The status of the refusal on HTTP/1.1; nil when the request is served. HTTP/2 answers with the same, or
        /// resets a stream that is malformed (RFC 9113 §8.1.1) where HTTP/1.1 says 400.
        var status: Int?

        init(_ description: String, _ status: Int? = nil, _ change: (inout Case) -> Void = { _ in }) {
            testDescription = description
            self.status = status
            change(&self)
        }

        var overHTTP1: [UInt8] {
            let target = host == nil ? path : "\(scheme)://\(authority)\(path)"
            let lines = [("Host", host ?? authority)] + fields
            return latin1("\(method) \(target) HTTP/1.1\r\n")
                + lines.flatMap { latin1("\($0.0): \($0.1)\r\n") } + latin1("\r\n")
        }

        var overHTTP2: [UInt8] {
            let control = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
            return Make.headers(
                1, control + (host.map { [("host", $0)] } ?? []) + fields.map { ($0.0.lowercased(), $0.1) })
        }
    }

    static let cases: [Case] = [
        Case("a plain request"),
        // The authority.
        Case("a port") { $0.authority = "example.com:8443" },
        Case("an IPv6 address") { $0.authority = "[2001:db8::1]:443" },
        Case("userinfo", 400) { $0.authority = "user@example.com" },
        Case("userinfo with a password", 400) { $0.authority = "user:secret@example.com" },
        Case("empty userinfo", 400) { $0.authority = "@example.com" },
        Case("no authority", 400) { $0.authority = "" },
        Case("two authorities", 400) { $0.authority = "example.com,example.org" },
        Case("a path in the authority", 400) { $0.authority = "example.com/x" },
        Case("a fragment in the authority", 400) { $0.authority = "example.com#x" },
        Case("a backslash in the authority", 400) { $0.authority = "example.com\\x" },
        Case("a space in the authority", 400) { $0.authority = "exam ple.com" },
        Case("a percent in the authority", 400) { $0.authority = "example%2ecom" },
        Case("a byte above 0x7F in the authority", 400) { $0.authority = "ex\u{E4}mple.com" },
        Case("a port that is none", 400) { $0.authority = "example.com:x" },
        Case("a port too large", 400) { $0.authority = "example.com:65536" },
        Case("a port and no name", 400) { $0.authority = ":443" },
        Case("half an IPv6 address", 400) { $0.authority = "[::1" },
        // The target says one thing, Host another.
        Case("the same authority twice") { $0.host = "example.com" },
        Case("the same authority in capitals") { $0.host = "EXAMPLE.com" },
        Case("the same authority with its default port") { $0.host = "example.com:443" },
        Case("another host", 400) { $0.host = "example.org" },
        Case("another port", 400) { $0.host = "example.com:444" },
        Case("userinfo in the target", 400) {
            $0.authority = "user@example.com"
            $0.host = "example.com"
        },
        Case("an empty host", 400) { $0.host = "" },
        Case("another scheme", 400) {
            $0.scheme = "ftp"
            $0.host = "example.com"
        },
        // The target.
        Case("a fragment", 400) { $0.path = "/#x" },
        Case("a fragment in the query", 400) { $0.path = "/a?b#c" },
        Case("a byte above 0x7F in the target", 400) { $0.path = "/\u{E9}" },
        Case("a space in the target", 400) { $0.path = "/a b" },
        Case("a control byte in the target", 400) { $0.path = "/a\u{1}" },
        Case("DEL in the target", 400) { $0.path = "/a\u{7F}" },
        Case("a target without /", 400) { $0.path = "a" },
        Case("an empty target", 400) { $0.path = "" },
        Case("* for GET", 400) { $0.path = "*" },
        Case("* for OPTIONS") {
            $0.method = "OPTIONS"
            $0.path = "*"
        },
        Case("two slashes") { $0.path = "//example.org/" },
        Case("dots and escapes") { $0.path = "/../%2e%2e/%00" },
        Case("a backslash in the target") { $0.path = "/a\\b" },
        Case("a target too long", 414) { $0.path = "/" + String(repeating: "a", count: 8192) },
        // The method.
        Case("CONNECT", 400) { $0.method = "CONNECT" },
        // The application refuses what it has no use for, and echoes nothing.
        Case("TRACE") { $0.method = "TRACE" },
        Case("a method nobody knows") { $0.method = "BREW" },
        Case("a method in small letters") { $0.method = "get" },
        Case("a method with a space", 400) { $0.method = "GE T" },
        Case("a method that is no token", 400) { $0.method = "GET/" },
        Case("no method", 400) { $0.method = "" },
        // Fields.
        Case("an expectation that is met") { $0.fields = [("Expect", "100-Continue")] },
        Case("an unknown expectation", 417) { $0.fields = [("Expect", "200-ok")] },
        Case("an empty expectation", 417) { $0.fields = [("Expect", "")] },
        Case("a list of expectations", 417) { $0.fields = [("Expect", "100-continue, x")] },
        Case("a second expectation", 417) { $0.fields = [("Expect", "100-continue"), ("Expect", "x")] },
        // Names with underscores are names of their own: they never stand for the ones with hyphens.
        Case("underscores in names") {
            $0.fields = [("X_Api_Key", "v"), ("Content_Length", "5"), ("Transfer_Encoding", "chunked")]
        },
        Case("bytes above 0x7F in a value") { $0.fields = [("X", "caf\u{E9} \u{FF}\u{80}")] },
        Case("a tab in a value") { $0.fields = [("X", "a\tb")] },
        Case("an empty value") { $0.fields = [("X", "")] },
        Case("a line feed in a value", 400) { $0.fields = [("X", "a\nb")] },
        Case("a carriage return in a value", 400) { $0.fields = [("X", "a\rb")] },
        Case("NUL in a value", 400) { $0.fields = [("X", "a\u{0}b")] },
        Case("a control byte in a value", 400) { $0.fields = [("X", "a\u{1}b")] },
        Case("DEL in a value", 400) { $0.fields = [("X", "a\u{7F}b")] },
        Case("a space in a name", 400) { $0.fields = [("x y", "v")] },
        Case("a byte above 0x7F in a name", 400) { $0.fields = [("x\u{E9}", "v")] },
        Case("an empty name", 400) { $0.fields = [("", "v")] },
        Case("NUL in a name", 400) { $0.fields = [("x\u{0}", "v")] },
        Case("a length signed", 400) { $0.fields = [("Content-Length", "+0")] },
        Case("a length as a list", 400) { $0.fields = [("Content-Length", "0, 0")] },
        Case("two lengths", 400) { $0.fields = [("Content-Length", "0"), ("Content-Length", "0")] },
        Case("a length too large", 400) { $0.fields = [("Content-Length", "99999999999999999999")] },
        Case("a length of nothing") { $0.fields = [("Content-Length", "0")] },
        Case("101 cookies", 431) { $0.fields = Array(repeating: ("Cookie", "a=b"), count: 101) },
    ]

    private static func values(of name: String, in fields: HeaderFields) -> [[UInt8]] {
        (0..<fields.count).filter { fields.name(at: $0).lowercased() == name.lowercased() }
            .map { fields.valueBytes(at: $0) }
    }

    @Test(arguments: cases)
    func bothProtocols(_ test: Case) throws {
        var http1 = ServerDriver()
        try http1.feed(test.overHTTP1)
        let http2 = RawClient()
        let verdict = http2.verdict(of: test.overHTTP2)
        guard let status = test.status else {
            let old = try #require(http1.heads.first, "\(http1.faults)")
            let new = try #require(http2.heads.first, "\(verdict) \(http2.faults)")
            #expect(http1.faults.isEmpty && http2.faults.isEmpty)
            #expect(old.method == new.method && old.path == new.path)
            #expect(RequestValidation.sameAuthority(old.authority, new.authority))
            for (name, value) in test.fields where name != "Content-Length" {
                #expect(Self.values(of: name, in: old.fields) == [latin1(value)])
                #expect(Self.values(of: name, in: new.fields) == [latin1(value)])
            }
            return
        }
        #expect(http1.heads.isEmpty && http1.faults.map(\.status) == [status])
        #expect(http2.heads.isEmpty)
        let isMalformed = status == 400 && verdict == .reset(1, Code.protocolError) && http2.transcript.isEmpty
        #expect(isMalformed || http2.faults == http1.faults || http2.faults.map(\.status) == [status])
        #expect(http2.thrown == nil)
    }
}
