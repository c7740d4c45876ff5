import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway

/// Every shape of Qwen's errors, as clients see it: before the first chunk with a status, after it as an error event.
@Suite(.timeLimit(.minutes(3))) struct EnvelopeTests {
    struct Wanted: Sendable {
        let error: String
        let status: Int
        let type: String
        let code: String
        let words: String
    }

    static let errors: [Wanted] = [
        Wanted(
            error: "throttling", status: 429, type: "rate_limit_error", code: "rate_limit_exceeded",
            words: "Requests throttling triggered."),
        Wanted(
            error: "quota", status: 429, type: "insufficient_quota", code: "insufficient_quota",
            words: "Free allocated quota exceeded."),
        Wanted(
            error: "moderation", status: 400, type: "invalid_request_error", code: "content_filter",
            words: "Input text data may contain inappropriate content."),
        Wanted(
            error: "input-too-long", status: 400, type: "invalid_request_error", code: "context_length_exceeded",
            words: "Range of input length should be"),
    ]

    private func run(
        _ applicationProtocol: ApplicationProtocol, _ body: (GatewayFixture, TestClient) async throws -> Void
    ) async throws {
        var options = GatewayFixture.Options()
        options.environment["UPSTREAM_RETRY_BUDGET"] = "0"
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(applicationProtocol)
            try await body(fixture, client)
            await client.close()
        }
    }

    private func check(_ response: TestResponse.State, _ wanted: Wanted, _ what: String) {
        let text = String(buffer: response.body)
        #expect(response.head?.status == wanted.status, "\(what): \(text)")
        let error = TestJSON.error(text)
        #expect(error["type"] as? String == wanted.type, "\(what): \(text)")
        #expect(error["code"] as? String == wanted.code, "\(what): \(text)")
        #expect((error["message"] as? String)?.contains(wanted.words) == true, "\(what): \(text)")
        #expect(error.keys.contains("param"), "\(what)")
        #expect(response.isEnded, "\(what)")
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2], ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"])
    func beforeTheFirstChunk(_ applicationProtocol: ApplicationProtocol, _ envelope: String) async throws {
        for wanted in Self.errors {
            // A gateway of its own for each: a spent quota makes the credential rest.
            try await run(applicationProtocol) { _, client in
                let switches = "chunks=4 error=\(wanted.error) envelope=\(envelope)"
                check(
                    try await client.chat(switches, streaming: true).finish(), wanted,
                    "\(wanted.error) \(envelope) streaming")
            }
            try await run(applicationProtocol) { _, client in
                let switches = "chunks=4 error=\(wanted.error) envelope=\(envelope)"
                check(
                    try await client.chat(switches, streaming: false).finish(), wanted,
                    "\(wanted.error) \(envelope) whole")
            }
        }
    }

    /// In a stream with status 200, as its first event, or after some pieces, in each shape that a frame can have.
    @Test(arguments: [ApplicationProtocol.http1, .http2], [0, 2])
    func insideAStream(_ applicationProtocol: ApplicationProtocol, _ position: Int) async throws {
        try await run(applicationProtocol) { _, client in
            // Nothing that the credential would have to rest for.
            let wanted = Self.errors[2]
            for envelope in ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"] {
                let switches = "chunks=4 error=moderation envelope=\(envelope) at=\(position)"
                let response = try await client.chat(switches, streaming: true).finish()
                guard position > 0 else {
                    check(response, wanted, "\(envelope)")
                    continue
                }
                let text = String(buffer: response.body)
                #expect(response.head?.status == 200)
                #expect(!response.isEnded, "\(envelope): must not end cleanly")
                #expect(!text.contains("[DONE]"), "\(envelope): \(text)")
                let last = text.components(separatedBy: "\n\n").last { !$0.isEmpty } ?? ""
                #expect(last.hasPrefix("data: "), "\(envelope): \(text)")
                let error = TestJSON.error(String(last.dropFirst(6)))
                #expect(error["type"] as? String == wanted.type, "\(envelope): \(text)")
                #expect(error["code"] as? String == wanted.code, "\(envelope): \(text)")
                #expect((error["message"] as? String)?.contains(wanted.words) == true, "\(envelope): \(text)")
                #expect(text.contains("1xxxxxxxx") && !text.contains("2xxxxxxxx"), "\(envelope): \(text)")
            }
        }
    }

    /// The gateway streams from Qwen for a client that does not: what breaks there has a status.
    @Test(arguments: ["E1", "E2", "E4", "E5", "E6", "E7", "E8", "E9"])
    func insideAStreamThatIsPutTogether(_ envelope: String) async throws {
        try await run(.http2) { _, client in
            for position in [0, 2] {
                let response = try await client.chat(
                    "chunks=4 error=moderation envelope=\(envelope) at=\(position)", streaming: false,
                    members: #""model":"qwen3.7-plus","enable_thinking":true,"#
                ).finish()
                check(response, Self.errors[2], "\(envelope) at \(position)")
            }
        }
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func whatTheEdgeSays(_ applicationProtocol: ApplicationProtocol) async throws {
        try await run(applicationProtocol) { _, client in
            for (error, status, code, words) in [
                ("empty", 429, "rate_limit_exceeded", "no more requests"), ("html", 502, "upstream_error", "web page"),
                ("stream-timeout", 504, "upstream_timeout", "stream timeout"),
                ("upstream-connect", 503, "upstream_unavailable", "upstream connect error"),
            ] {
                for streams in [true, false] {
                    let response = try await client.chat("error=\(error)", streaming: streams).finish()
                    let text = String(buffer: response.body)
                    #expect(response.head?.status == status, "\(error): \(text)")
                    #expect(text.contains(#""code":"\#(code)""#), "\(error): \(text)")
                    #expect((words.isEmpty || text.contains(words)) && !text.contains("<"), "\(error): \(text)")
                }
                let broken = try await client.chat("chunks=4 error=\(error) envelope=E10 at=2", streaming: true)
                    .finish()
                let text = String(buffer: broken.body)
                #expect(!broken.isEnded && !text.contains("[DONE]"), "\(error): \(text)")
                #expect(text.contains(#"{"error":{"#), "\(error): \(text)")
            }
        }
    }

    @Test(arguments: ["middle@2", "end@2", "cut@2", "reset@2", "end@0", "middle@0"])
    func truncatedAnswersAreNeverWhole(_ failure: String) async throws {
        try await run(.http2) { _, client in
            let stream = try await client.chat("chunks=5 fail=\(failure)", streaming: true).finish()
            #expect(!String(buffer: stream.body).contains("[DONE]"))
            if stream.head?.status == 200 { #expect(!stream.isEnded) } else { #expect(stream.head?.status == 502) }
            let whole = try await client.chat(
                "chunks=5 fail=\(failure)", streaming: false,
                members: #""model":"qwen3.7-plus","enable_thinking":true,"#
            ).finish()
            #expect(whole.head?.status == 502)
            #expect(String(buffer: whole.body).contains("upstream_truncated"), "\(String(buffer: whole.body))")
        }
    }

    @Test func qwensOwnAuthenticationErrorIsNeverTheClients() async throws {
        for error in ["invalid-key", "no-key", "invalid-token", "arrearage", "coding-plan"] {
            try await run(.http1) { _, client in
                let response = try await client.chat("error=\(error)", streaming: false).finish()
                #expect([429, 502].contains(response.head?.status), "\(error)")
                #expect(response.head?.fields["www-authenticate"] == nil)
                #expect(response.head?.fields["x-should-retry"] == "false", "\(error)")
            }
        }
    }
}
