import NIOCore
import TLS
import Testing

@testable import Transport

/// When a request is sent again: where nothing can have come of the first time, once, on a connection opened for it.
@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    private static let protocols: [ApplicationProtocol] = [.http1, .http2]

    private static func answer(_ request: ScriptedUpstream.Request, _ text: String = "good") -> [UInt8] {
        request.stream == 0 ? http1(text) : HTTP2Bytes.answer(request.stream, text)
    }

    @Test(arguments: protocols) func reusedConnectionThatDiesIsReplacedOnce(_ spoken: ApplicationProtocol) async throws
    {
        try await withUpstream(spoken) { request in
            request.ordinal == 1 ? .send(Self.answer(request)) : .cut([])
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            #expect(try await caller.call() == .whole("good", attempts: 2))
            #expect(upstream.requests.map(\.connection) == [1, 1, 2])
        }
    }

    @Test(arguments: protocols) func replacementThatDiesTooIsTheEnd(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken) { request in
            request.connection == 1 && request.ordinal == 1 ? .send(Self.answer(request)) : .close([])
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            #expect(try await caller.call() == .failed(.reset, attempts: 2))
            #expect(upstream.requests.map(\.connection) == [1, 1, 2])
        }
    }

    @Test(arguments: protocols) func newConnectionThatDiesIsNotReplaced(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken) { _ in
            .cut([])
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .failed(.reset))
            #expect(upstream.requests.count == 1 && upstream.connections == 1)
        }
    }

    /// A part of the answer, however small, is proof that the upstream has begun.
    @Test(arguments: [
        (ApplicationProtocol.http1, Array("H".utf8)), (.http1, Array("HTTP/1.1 103 Early Hints\r\n\r\n".utf8)),
        (.http1, Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8)), (.http2, HTTP2Bytes.interim(3)),
        (.http2, HTTP2Bytes.head(3)), (.http2, HTTP2Bytes.head(3) + HTTP2Bytes.data(3, "half")),
    ])
    func nothingIsSentAgainAfterAByte(_ spoken: ApplicationProtocol, _ part: [UInt8]) async throws {
        try await withUpstream(spoken) { request in
            request.ordinal == 1 ? .send(Self.answer(request)) : .cut(part)
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            let outcome = try await caller.call()
            #expect(outcome.failure == .reset && outcome.attempts == 1)
            #expect(upstream.requests.count == 2)
        }
    }

    @Test(arguments: ["REFUSED_STREAM", "GOAWAY"])
    func unprocessedRequestIsSentAgainElsewhere(_ refusal: String) async throws {
        try await withUpstream(.http2) { request in
            if request.connection > 1 { return .send(Self.answer(request)) }
            return .send(
                refusal == "GOAWAY"
                    ? HTTP2Bytes.goAway(0) : HTTP2Bytes.reset(request.stream, HTTP2Bytes.refusedStream))
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good", attempts: 2))
            #expect(upstream.requests.map(\.connection) == [1, 2])
        }
    }

    @Test func refusalsComeToAnEnd() async throws {
        try await withUpstream(.http2) { request in
            .send(HTTP2Bytes.reset(request.stream, HTTP2Bytes.refusedStream))
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .failed(.reset, attempts: 2))
            #expect(upstream.requests.count == 2)
        }
    }

    /// The server contradicts itself; a second answer behind the first would be worse than an error.
    @Test func refusalInMidAnswerIsAFailure() async throws {
        try await withUpstream(.http2) { request in
            let stream = request.stream
            return .send(
                HTTP2Bytes.head(stream) + HTTP2Bytes.data(stream, "half")
                    + HTTP2Bytes.reset(stream, HTTP2Bytes.refusedStream))
        } calls: { caller, upstream async throws in
            let outcome = try await caller.call()
            #expect(
                outcome == Caller.Outcome(status: 200, body: "half", failure: .reset, attempts: 1, beginnings: 1))
            #expect(upstream.requests.count == 1)
        }
    }

    /// GOAWAY with the stream in it: the answer comes to its end, and the next call goes elsewhere.
    @Test func goAwayLetsTheAnswerFinish() async throws {
        try await withUpstream(.http2) { request in
            let stream = request.stream
            return .send(
                HTTP2Bytes.head(stream) + HTTP2Bytes.goAway(stream) + HTTP2Bytes.data(stream, "good", end: true))
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            #expect(try await caller.call() == .whole("good"))
            #expect(upstream.requests.map(\.connection) == [1, 2])
        }
    }

    /// Between requests it is no failure at all.
    @Test(arguments: protocols) func connectionThatClosedWhileIdle(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken) {
            .close(Self.answer($0))
        } calls: { caller, upstream async throws in
            for number in 1...3 {
                #expect(try await caller.call() == .whole("good"))
                #expect(try await eventually { try await caller.connectionCount() == 0 })
                #expect(upstream.requests.count == number)
            }
        }
    }

    /// Bytes that belong to no request end the connection: they must not answer the next.
    @Test func answerToNobodyIsNobodys() async throws {
        try await withUpstream(.http1) { request in
            .send(http1("good") + (request.connection == 1 ? http1("alien") : []))
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            #expect(try await caller.call() == .whole("good"))
            #expect(upstream.requests.map(\.connection) == [1, 2])
        }
    }
}
