import NIOCore
import NIOPosix
import TLS
import TestSupport
import Testing

@testable import Transport

/// Each wait for the upstream has its limit; they are kept to within a second.
@Suite(.timeLimit(.minutes(1))) struct UpstreamTimeoutTests {
    private static let limit = TimeAmount.milliseconds(300)

    private static func timeouts(_ path: WritableKeyPath<ClientTimeouts, TimeAmount>) -> ClientTimeouts {
        var timeouts = ClientTimeouts()
        timeouts[keyPath: path] = limit
        return timeouts
    }

    /// A listener that accepts nothing: its queue takes the connection, and no handshake follows.
    @Test func handshake() async throws {
        let certificates = try TestCertificates()
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group).serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let caller = try await Caller(port: port, trusting: certificates, timeouts: Self.timeouts(\.handshake))
        #expect(try await caller.call() == .failed(.connectTimeout, attempts: 0))
        #expect(try await caller.connectionCount() == 0)
        await caller.stop()
        try await listener.close()
    }

    @Test func refusedConnection() async throws {
        let certificates = try TestCertificates()
        let upstream = try await ScriptedUpstream(certificates, .http1) { _ in .silence }
        let port = upstream.port
        await upstream.stop()
        let caller = try await Caller(port: port, trusting: certificates)
        #expect(try await caller.call() == .failed(.connect, attempts: 0))
        await caller.stop()
    }

    @Test func certificateOfAnotherAuthority() async throws {
        let upstream = try await ScriptedUpstream(TestCertificates(), .http1) { _ in .send(http1("alien")) }
        let caller = try await Caller(port: upstream.port, trusting: TestCertificates())
        #expect(try await caller.call() == .failed(.tls, attempts: 0))
        #expect(upstream.requests.isEmpty)
        await caller.stop()
        await upstream.stop()
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func firstByte(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken, timeouts: Self.timeouts(\.firstByte)) { _ in
            .silence
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .failed(.firstByteTimeout))
            #expect(upstream.requests.count == 1)
        }
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func silenceInMidAnswer(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken, timeouts: Self.timeouts(\.idle)) { request in
            request.stream == 0
                ? .send(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8))
                : .send(HTTP2Bytes.head(request.stream) + HTTP2Bytes.data(request.stream, "half"))
        } calls: { caller, _ async throws in
            let outcome = try await caller.call()
            #expect(
                outcome
                    == Caller.Outcome(status: 200, body: "half", failure: .idleTimeout, attempts: 1, beginnings: 1))
        }
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func unusedConnectionIsClosed(_ spoken: ApplicationProtocol) async throws {
        try await withUpstream(spoken, timeouts: Self.timeouts(\.keepAlive)) { request in
            .send(request.stream == 0 ? http1("good") : HTTP2Bytes.answer(request.stream, "good"))
        } calls: { caller, upstream async throws in
            #expect(try await caller.call() == .whole("good"))
            #expect(await eventually { upstream.openConnections == 0 })
            #expect(try await caller.connectionCount() == 0)
        }
    }
}
