import Testing

@testable import Gateway

@Suite struct ConfigurationBaseURLTests {
    @Test(arguments: [
        ("https://example.com", "example.com", 443, "", "example.com"),
        ("https://example.com/", "example.com", 443, "", "example.com"),
        ("HTTPS://EXAMPLE.com/V1", "example.com", 443, "/V1", "example.com"),
        ("https://example.com:443/v1", "example.com", 443, "/v1", "example.com"),
        ("https://example.com:8443/a/b/", "example.com", 8443, "/a/b", "example.com:8443"),
        ("https://127.0.0.1:1/v1", "127.0.0.1", 1, "/v1", "127.0.0.1:1"),
        ("https://[2001:DB8::1]/v1", "2001:db8::1", 443, "/v1", "[2001:db8::1]"),
        ("https://[::1]:8443", "::1", 8443, "", "[::1]:8443"),
        ("https://a_b.example/p%20q/x;y=1", "a_b.example", 443, "/p%20q/x;y=1", "a_b.example"),
    ])
    func parts(text: String, host: String, port: Int, path: String, authority: String) throws {
        let url = try BaseURL(text)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.path == path)
        #expect(url.authority == authority)
        #expect(try BaseURL(url.description) == url)
    }

    @Test(arguments: [
        "", "example.com", "/v1", "https:", "https:/x", "https://", "https:///v1", "http://example.com/v1",
        "ftp://example.com", "https://user@example.com", "https://user:secret@example.com", "https://example.com?x=1",
        "https://example.com/v1#f", "https://example.com:", "https://example.com:0", "https://example.com:65536",
        "https://example.com:-1", "https://example.com:+1", "https://example.com:1:2", "https://example.com:x",
        "https://[::1", "https://[]", "https://[::1]x", "https://[127.0.0.1]", "https://[fe80::1%25eth0]",
        "https://::1/", "https://1.2.3", "https://1.2.3.256", "https://-a.example", "https://a-.example",
        "https://a..example", "https://.example", "https://example.com.", "https://ex ample.com", "https://exämple.com",
        "https://example.com/ä", "https://example.com/%", "https://example.com/%4", "https://example.com/%zz",
        "https://example.com//v1", "https://example.com/v1//", "https://example.com/./v1",
        "https://example.com/../v1", "https://example.com/a\\b", "https://example.com/a\"b",
        "https://example.com/\r\nX: y",
        "https://" + String(repeating: "a", count: 64) + ".example",
        "https://" + Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: "."),
    ])
    func otherTextIsRefused(text: String) {
        #expect(throws: ValueFault.self) { try BaseURL(text) }
    }
}
