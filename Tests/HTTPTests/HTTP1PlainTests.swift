import NIOCore
import Testing

@testable import HTTP

struct HTTP1PlainTests {
    /// The answer to `input`, which must not depend on how it is cut.
    private func answer(_ input: String) throws -> String? {
        let bytes = latin1(input)
        var answers = Set<String?>()
        for size in [1, 2, 7, 100, bytes.count] {
            var responder = PlainHTTPResponder()
            var rest = bytes[...]
            var answer: String?
            while !rest.isEmpty, answer == nil {
                var piece = ByteBuffer(bytes: rest.prefix(size))
                rest = rest.dropFirst(size)
                answer = responder.receive(&piece).map { String(buffer: $0) }
                #expect(piece.readableBytes == 0)
            }
            answers.insert(answer)
        }
        try #require(answers.count == 1)
        return try #require(answers.first)
    }

    @Test func knowsAConnectionByItsFirstByte() {
        #expect(PlainHTTPResponder.opening(0x16) == .tls)
        for byte in "GPOHDCT\r".utf8 { #expect(PlainHTTPResponder.opening(byte) == .plainHTTP) }
        for byte in [0x00, 0x0A, 0x15, 0x17, 0x20, 0x80, 0xFF, 0x67] as [UInt8] {
            #expect(PlainHTTPResponder.opening(byte) == .neither)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "https://a/"),
        ("POST /v1/x?y=z HTTP/1.1\r\nHost: a.b:8080\r\nContent-Length: 5\r\n\r\nhello", "https://a.b:8080/v1/x?y=z"),
        ("GET //evil/ HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "https://[::1]:1//evil/"),
        ("GET http://a/p HTTP/1.1\r\nHost: a\r\n\r\n", "https://a/p"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "https://a/"),
        ("GET /@evil HTTP/1.0\r\nHost: a\r\n\r\n", "https://a/@evil"),
    ])
    func redirectsToTheSameHost(_ input: String, _ location: String) throws {
        let text = "This port speaks HTTPS: \(location)\n"
        #expect(
            try answer(input) == "HTTP/1.1 308 Permanent Redirect\r\nlocation: \(location)\r\n"
                + "content-type: text/plain; charset=utf-8\r\ncontent-length: \(text.utf8.count)\r\n"
                + "connection: close\r\n\r\n\(text)")
    }

    @Test func redirectsAHEADWithoutABody() throws {
        let answer = try #require(try answer("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(answer.contains("\r\nlocation: https://a/x\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.0\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET evil HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n", 400), ("GET /\u{A0} HTTP/1.1\r\n", 400), ("CONNECT a:1 HTTP/1.1\r\n", 400),
        ("GET / HTTP/2.0\r\n", 505), ("GET /" + String(repeating: "a", count: 9000), 431),
        ("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 9000), 431),
    ])
    func refusesWhatItCannotRedirect(_ input: String, _ status: Int) throws {
        let answer = try #require(try answer(input))
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("\r\nconnection: close\r\n"))
        #expect(!answer.contains("location"))
        #expect(!answer.contains("evil"))
    }

    @Test func waitsForAWholeHead() throws {
        #expect(try answer("GET / HTTP/1.1\r\nHost: a\r\n") == nil)
    }
}
