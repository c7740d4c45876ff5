import HTTP
import NIOCore
import Testing

@testable import Transport

/// Connections past a limit, and clients that are too slow, over sockets.
@Suite(.timeLimit(.minutes(1))) struct ConnectionLimitTests {
    private func withServer(
        _ timeouts: ServerTimeouts = ServerTimeouts(), _ configure: (inout HTTPSServer.Options) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let server = try await TestServer(timeouts: timeouts, configure: configure)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private static func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLedger {
        var limits = ConnectionLimits()
        change(&limits)
        return ConnectionLedger(limits)
    }

    private static func client(_ server: TestServer, sends text: String = "") async throws -> TCPClient {
        let client = try await TCPClient(port: server.server.port)
        if !text.isEmpty { await client.send(text) }
        return client
    }

    /// Whether a new connection is refused: it breaks as it is made, or ends without a byte.
    private static func isRefused(by server: TestServer) async -> Bool {
        guard let client = try? await client(server) else { return true }
        let isOver = await eventually { client.isOver }
        await client.close()
        return isOver && client.text.isEmpty
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let hold = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let patient: ServerTimeouts = {
        var timeouts = ServerTimeouts()
        timeouts.keepAlive = .seconds(60)
        return timeouts
    }()

    // MARK: Too many

    @Test func pastTheTotalClientsAreToldAndTheRestAreReset() async throws {
        let ledger = Self.limits { $0.total = 2 }
        try await withServer(Self.patient, { $0.connections = ledger }) { server async throws in
            var busy: [TCPClient] = []
            for _ in 0..<2 { busy.append(try await Self.client(server, sends: Self.hold)) }
            #expect(await eventually { busy.allSatisfy { $0.text.contains("begun") } })
            var declined: [TCPClient] = []
            for _ in 0..<ledger.limits.reserve { declined.append(try await Self.client(server)) }
            #expect(await eventually { ledger.openConnections == 2 + ledger.limits.reserve })
            #expect(await Self.isRefused(by: server))
            for client in declined { await client.send(Self.get) }
            #expect(await eventually { declined.allSatisfy { $0.isOver } })
            for client in declined {
                #expect(client.text.hasPrefix("HTTP/1.1 503 ") && client.text.contains("connection: close\r\n"))
            }
            #expect(server.record.reasons.allSatisfy { $0 == .connectionLimit })
            #expect(server.record.reasons.count == ledger.limits.reserve + 1)
            // Those that were served before go on, and their places are free again afterwards.
            #expect(busy.allSatisfy { !$0.isOver })
            for client in busy + declined { await client.close() }
            #expect(await eventually { ledger.openConnections == 0 && ledger.handshakesInProgress == 0 })
            let next = try await Self.client(server, sends: Self.get)
            #expect(await eventually { next.text.hasSuffix("good") })
            await next.close()
        }
    }

    @Test func connectionThatNobodyUsesMakesWay() async throws {
        let ledger = Self.limits { $0.total = 2 }
        try await withServer(Self.patient, { $0.connections = ledger }) { server async throws in
            let idle = try await Self.client(server, sends: Self.get)
            #expect(await eventually { idle.text.hasSuffix("good") })
            let busy = try await Self.client(server, sends: Self.hold)
            #expect(await eventually { busy.text.contains("begun") })
            var served: TCPClient?
            // Within the first second it counts as in use.
            let isServed = try await eventually {
                let client = try await Self.client(server, sends: Self.get)
                _ = await eventually { client.text.contains("HTTP/1.1 ") || client.isOver }
                if client.text.hasPrefix("HTTP/1.1 200 ") { served = client } else { await client.close() }
                return served != nil
            }
            #expect(isServed)
            #expect(await eventually { idle.isOver })
            #expect(!busy.isOver)
            for client in [idle, busy] + [served].compactMap({ $0 }) { await client.close() }
        }
    }

    @Test func addressHasItsShare() async throws {
        let ledger = Self.limits { $0.perAddress = 2 }
        try await withServer(Self.patient, { $0.connections = ledger }) { server async throws in
            let one = try await Self.client(server, sends: Self.hold)
            let other = try await Self.client(server, sends: Self.hold)
            #expect(await eventually { one.text.contains("begun") && other.text.contains("begun") })
            #expect(await Self.isRefused(by: server))
            #expect(server.record.reasons == [.addressLimit])
            await one.close()
            #expect(await eventually { ledger.openConnections == 1 })
            let next = try await Self.client(server, sends: Self.get)
            #expect(await eventually { next.text.hasSuffix("good") })
            for client in [other, next] { await client.close() }
        }
    }

    @Test func handshakesInProgressAreBounded() async throws {
        let ledger = Self.limits { $0.handshakes = 1 }
        try await withServer(Self.patient, { $0.connections = ledger }) { server async throws in
            let silent = try await Self.client(server)
            #expect(await eventually { ledger.handshakesInProgress == 1 })
            #expect(await Self.isRefused(by: server))
            #expect(server.record.reasons == [.handshakeLimit])
            await silent.send(Self.get)
            #expect(await eventually { silent.text.hasSuffix("good") && ledger.handshakesInProgress == 0 })
            let next = try await Self.client(server, sends: Self.get)
            #expect(await eventually { next.text.hasSuffix("good") })
            for client in [silent, next] { await client.close() }
        }
    }

    // MARK: Too slow

    @Test func silentConnectionEnds() async throws {
        var timeouts = Self.patient
        timeouts.handshake = .milliseconds(300)
        try await withServer(timeouts) { server async throws in
            let client = try await Self.client(server)
            #expect(await eventually { client.isOver })
            #expect(server.record.reasons == [.handshakeTimeout])
            await client.close()
        }
    }

    /// A byte now and then is less than the pace asks for.
    @Test func tricklingBodyIsToldOfItsTimeout() async throws {
        var timeouts = Self.patient
        timeouts.body = MinimumPace(rate: 500, grace: .milliseconds(800))
        try await withServer(timeouts) { server async throws in
            let client = try await Self.client(
                server, sends: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            _ = try await eventually {
                await client.send("b")
                try await Task.sleep(for: .milliseconds(50))
                return client.isOver
            }
            #expect(client.text.hasPrefix("HTTP/1.1 408 "), "\(client.text)")
            #expect(server.record.reasons == [.slowBody])
            await client.close()
        }
    }

    @Test func clientThatNeverReadsIsCutOff() async throws {
        var timeouts = Self.patient
        timeouts.response = MinimumPace(rate: 500, grace: .milliseconds(1500))
        try await withServer(timeouts) { server async throws in
            let client = try await TCPClient(port: server.server.port, reads: false)
            await client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await eventually { server.record.ends == [.timedOut] })
            #expect(server.record.reasons.contains(.slowReader))
            #expect(await eventually { await server.server.connectionCount() == 0 })
            await client.close()
        }
    }

    /// A stream that has nothing to say is not a slow client's.
    @Test func quietStreamGoesOn() async throws {
        var timeouts = Self.patient
        timeouts.response = MinimumPace(rate: 1_000_000, grace: .milliseconds(200))
        timeouts.body = timeouts.response
        timeouts.requestHead = .milliseconds(200)
        try await withServer(timeouts) { server async throws in
            let client = try await Self.client(server, sends: Self.hold)
            #expect(await eventually { client.text.contains("begun") })
            // Several looks at it, which come once a second.
            #expect(await !eventually(within: .seconds(3)) { client.isOver })
            #expect(server.record.reasons.isEmpty)
            await client.close()
        }
    }

    // MARK: Whose connection it is

    private static func trusting(_ blocks: String..., protocol expected: ProxyProtocol = .off)
        -> (inout HTTPSServer.Options) -> Void
    {
        let prefixes = blocks.compactMap { try? NetworkPrefix($0) }
        return { options in
            options.trustedProxies = TrustedProxies(prefixes)
            options.proxyProtocol = expected
        }
    }

    @Test func proxyHeaderNamesTheClient() async throws {
        try await withServer(Self.patient, Self.trusting("127.0.0.0/8", protocol: .on)) { server async throws in
            let client = try await Self.client(server)
            // In pieces, the last with the request.
            await client.send("PROXY TCP4 192.0.2.7 ")
            await client.send(
                "198.51.100.1 12345 443\r\nGET /who HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n")
            #expect(await eventually { client.text.hasSuffix("192.0.2.7") }, "\(client.text)")
            await client.close()
        }
    }

    @Test func forwardedAddressIsBelievedOfProxiesOnly() async throws {
        let request = "GET /who HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n\r\n"
        for (trusted, expected) in [("127.0.0.0/8", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")] {
            try await withServer(Self.patient, Self.trusting(trusted)) { server async throws in
                let client = try await Self.client(server, sends: request)
                #expect(await eventually { client.text.hasSuffix("\r\n\r\n\(expected)") }, "\(client.text)")
                await client.close()
            }
        }
    }

    @Test func whoIsNoProxyIsRefusedWhereOneIsExpected() async throws {
        try await withServer(Self.patient, Self.trusting("10.0.0.0/8", protocol: .v1)) { server async throws in
            #expect(await Self.isRefused(by: server))
            #expect(server.record.reasons == [.untrustedProxy])
        }
    }

    @Test(arguments: [Self.get, "PROXY TCP4 junk\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"])
    func connectionWithoutItsHeaderEnds(_ text: String) async throws {
        try await withServer(Self.patient, Self.trusting("127.0.0.0/8", protocol: .on)) { server async throws in
            let client = try await Self.client(server, sends: text)
            #expect(await eventually { client.isOver })
            #expect(client.text.isEmpty)
            #expect(server.record.reasons == [.proxyHeader])
            await client.close()
        }
    }

    @Test func headerThatDoesNotEndEnds() async throws {
        var timeouts = Self.patient
        timeouts.proxyHeader = .milliseconds(300)
        try await withServer(timeouts, Self.trusting("127.0.0.0/8", protocol: .on)) { server async throws in
            let client = try await Self.client(server, sends: "PROXY TCP4 192.0.2.7 ")
            #expect(await eventually { client.isOver })
            #expect(server.record.reasons == [.proxyHeaderTimeout])
            await client.close()
        }
    }

    @Test func proxiedAddressHasItsShare() async throws {
        let ledger = Self.limits { $0.perAddress = 1 }
        let configure: (inout HTTPSServer.Options) -> Void = { options in
            Self.trusting("127.0.0.0/8", protocol: .on)(&options)
            options.connections = ledger
        }
        try await withServer(Self.patient, configure) { server async throws in
            let one = "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n"
            let first = try await Self.client(server, sends: one + Self.hold)
            #expect(await eventually { first.text.contains("begun") })
            let second = try await Self.client(server, sends: one + Self.get)
            #expect(await eventually { second.isOver })
            #expect(server.record.reasons == [.addressLimit])
            let other = try await Self.client(
                server, sends: "PROXY TCP4 192.0.2.8 198.51.100.1 1 2\r\n" + Self.get)
            #expect(await eventually { other.text.hasSuffix("good") })
            for client in [first, second, other] { await client.close() }
            #expect(await eventually { ledger.openConnections == 0 && ledger.countedAddresses == 0 })
        }
    }
}
