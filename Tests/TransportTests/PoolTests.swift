import NIOCore
import NIOPosix
import TLS
import TestSupport
import Testing

@testable import Transport

/// How many connections are opened, and when.
@Suite(.timeLimit(.minutes(1))) struct PoolTests {
    // MARK: The plan

    @Test(arguments: [
        // What is known, waiting, open, being opened; how many more.
        (Bool?.none, 0, 0, 0, 0), (nil, 1, 0, 0, 1), (nil, 500, 0, 0, 1), (nil, 500, 0, 1, 0),
        (true, 1, 0, 0, 1), (true, 100, 0, 0, 1), (true, 101, 0, 0, 2), (true, 101, 3, 1, 1), (true, 1000, 0, 10, 0),
        (false, 1, 0, 0, 1), (false, 7, 2, 3, 4), (false, 3, 0, 5, 0), (false, 5000, 0, 0, 1024),
        (false, 5000, 1000, 20, 4), (false, 10, 1024, 0, 0), (false, 10, 1030, 0, 0), (true, 0, 5, 0, 0),
    ])
    func plan(_ isMultiplexed: Bool?, _ waiting: Int, _ open: Int, _ opening: Int, _ expected: Int) {
        var plan = ConnectionPlan()
        plan.isMultiplexed = isMultiplexed
        for _ in 0..<opening { plan.began() }
        #expect(plan.opening == opening)
        #expect(plan.connectionsToOpen(waiting: waiting, open: open) == expected)
    }

    @Test func planForgetsWhatWasOpened() {
        var plan = ConnectionPlan()
        plan.began()
        plan.ended()
        #expect(plan.opening == 0)
        #expect(plan.connectionsToOpen(waiting: 1, open: 0) == 1)
    }

    // MARK: Sharing

    /// Calls that gather while the first connection is opened share it, where the upstream speaks HTTP/2.
    @Test func gatheredCallsShareAConnection() async throws {
        try await withUpstream(.http2) {
            .send(HTTP2Bytes.answer($0.stream, "good"))
        } calls: { caller, upstream async throws in
            var calls: [EventLoopFuture<Caller.Outcome>] = []
            for _ in 0..<50 { calls.append(try await caller.start()) }
            for call in calls { #expect(try await call.get() == .whole("good")) }
            #expect(upstream.connections == 1)
        }
    }

    @Test func eachCallHasItsConnectionOverHTTP1() async throws {
        try await withUpstream(.http1) {
            $0.line.contains("/wait") ? .silence : .send(http1("good"))
        } calls: {
            caller, upstream async throws in
            _ = try await caller.start("/wait")
            _ = try await caller.start("/wait")
            #expect(try await caller.call() == .whole("good"))
            #expect(try await caller.call() == .whole("good"))
            #expect(upstream.connections == 3)
        }
    }

    /// The limit comes with the upstream's SETTINGS, after the calls have gathered.
    @Test func upstreamThatTakesOneCallAtATime() async throws {
        let settings = HTTP2Bytes.settings(maxConcurrentStreams: 1)
        try await withUpstream(.http2, greeting: settings) { request in
            // What comes beside the first is refused, as a server with this setting would.
            request.ordinal == 1
                ? .send(HTTP2Bytes.answer(request.stream, "good"))
                : .send(HTTP2Bytes.reset(request.stream, HTTP2Bytes.refusedStream) + HTTP2Bytes.goAway(1))
        } calls: { caller, upstream async throws in
            var calls: [EventLoopFuture<Caller.Outcome>] = []
            for _ in 0..<8 { calls.append(try await caller.start()) }
            for call in calls {
                let outcome = try await call.get()
                #expect(outcome.failure == nil && outcome.body == "good")
            }
        }
    }

    /// Each further connection would be told the same: no storm of them.
    @Test func upstreamThatTakesNoCall() async throws {
        var timeouts = ClientTimeouts()
        timeouts.connect = .milliseconds(500)
        timeouts.handshake = .milliseconds(500)
        let settings = HTTP2Bytes.settings(maxConcurrentStreams: 0)
        try await withUpstream(.http2, timeouts: timeouts, greeting: settings) { request in
            .send(HTTP2Bytes.reset(request.stream, HTTP2Bytes.refusedStream))
        } calls: { caller, upstream async throws in
            var calls: [EventLoopFuture<Caller.Outcome>] = []
            for _ in 0..<5 { calls.append(try await caller.start()) }
            for call in calls { #expect(try await call.get().failure != nil) }
            // Two for each call at the most, as often as it may be sent.
            #expect(upstream.connections <= 10)
        }
    }

    /// A connection that dies before it has said a word of HTTP/2 takes nobody with it for good.
    @Test func connectionWithoutSettings() async throws {
        try await withUpstream(.http2, greeting: []) { _ in
            .cut([])
        } calls: { caller, upstream async throws in
            var calls: [EventLoopFuture<Caller.Outcome>] = []
            for _ in 0..<5 { calls.append(try await caller.start()) }
            for call in calls { #expect(try await call.get().failure != nil) }
            #expect(try await eventually { try await caller.connectionCount() == 0 })
        }
    }

    // MARK: Addresses

    /// A resolver that knows one name.
    private struct Addresses: Resolver, Sendable {
        let eventLoop: any EventLoop
        var v4: [SocketAddress] = []
        var v6: [SocketAddress] = []

        func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
            eventLoop.makeSucceededFuture(v4)
        }
        func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
            eventLoop.makeSucceededFuture(v6)
        }
        func cancelQueries() {}
    }

    private static let hasIPv6 = (try? ListenProbe.check(SocketAddress(ipAddress: "::1", port: 0))) != nil

    /// The name has an address of each kind, and the upstream listens on one of them only (RFC 8305).
    @Test(.enabled(if: hasIPv6), arguments: ["127.0.0.1", "::1"])
    func eitherAddressWillDo(_ address: String) async throws {
        let certificates = try TestCertificates()
        let upstream = try await ScriptedUpstream(certificates, .http1, host: address) { _ in .send(http1("good")) }
        let resolver = Addresses(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            v4: [try SocketAddress(ipAddress: "127.0.0.1", port: upstream.port)],
            v6: [try SocketAddress(ipAddress: "::1", port: upstream.port)])
        let caller = try await Caller(
            host: "localhost", port: upstream.port, trusting: certificates, resolver: resolver)
        #expect(try await caller.call() == .whole("good"))
        #expect(upstream.connections == 1)
        #expect(try await caller.connectionCount() == 1)
        await caller.stop()
        await upstream.stop()
    }

    @Test func nameWithoutAnAddress() async throws {
        let certificates = try TestCertificates()
        let caller = try await Caller(
            host: "localhost", port: 9, trusting: certificates,
            resolver: Addresses(eventLoop: MultiThreadedEventLoopGroup.singleton.next()))
        #expect(try await caller.call() == .failed(.connect, attempts: 0))
        #expect(try await caller.connectionCount() == 0)
        await caller.stop()
    }
}
