import HTTP
import Testing

@testable import Gateway

@Suite struct CORSPolicyTests {
    private let listed = CORSPolicy(.listed(["https://app.example", "http://localhost:5173"]))

    @Test(arguments: ["https://app.example", "http://localhost:5173"])
    func allowedOrigins(origin: String) {
        #expect(listed.allows(origin))
        let fields = listed.answerFields(to: origin)
        #expect(fields["access-control-allow-origin"] == origin)
        #expect(fields["vary"] == "origin")
        #expect(fields["access-control-expose-headers"]?.contains("x-ratelimit-remaining-tokens") == true)
        #expect(fields["access-control-allow-credentials"] == nil)
    }

    @Test(arguments: [
        "null", "http://app.example", "https://app.example:8443", "https://app.example.evil",
        "https://evil-app.example",
        "https://APP.example", "https://app.example/", "http://localhost", "http://localhost:51730", "*", "",
    ])
    func refusedOrigins(origin: String) {
        #expect(!listed.allows(origin))
        let fields = listed.answerFields(to: origin)
        #expect(fields["access-control-allow-origin"] == nil)
        // Or a cache could give this answer to a page that may have it.
        #expect(fields["vary"] == "origin")
        #expect(fields.count == 1)
    }

    @Test func anyOrigin() {
        let any = CORSPolicy(.any)
        for origin in ["https://anyone.example", "null"] {
            #expect(any.allows(origin))
            let fields = any.answerFields(to: origin)
            #expect(fields["access-control-allow-origin"] == "*")
            #expect(fields["access-control-allow-credentials"] == nil)
            #expect(fields["vary"] == nil)
        }
        #expect(any.answerFields(to: nil).isEmpty)
        #expect(listed.answerFields(to: nil)["vary"] == "origin")
    }

    @Test func theQuestionNamesFields() {
        let fields = CORSPolicy.preflightFields(
            requested: "Authorization, x-api-key,anthropic-version, OpenAI-Beta, x-stainless-os, cookie, a b, x-evil")
        #expect(
            fields["access-control-allow-headers"]
                == "authorization, x-api-key, anthropic-version, openai-beta, x-stainless-os")
        #expect(fields["access-control-allow-methods"] == "GET, HEAD, POST, DELETE")
        #expect(CORSPolicy.preflightFields(requested: nil)["access-control-allow-headers"] == nil)
        #expect(CORSPolicy.preflightFields(requested: "cookie")["access-control-allow-headers"] == nil)
    }

    @Test func whatIsAQuestion() {
        var fields = HeaderFields()
        fields.append("origin", "https://app.example")
        var head = RequestHead(method: "OPTIONS", authority: "a", path: "/", fields: fields)
        #expect(!CORSPolicy.isPreflight(head))
        head.fields.append("access-control-request-method", "POST")
        #expect(CORSPolicy.isPreflight(head))
        head.method = "POST"
        #expect(!CORSPolicy.isPreflight(head))
    }
}
