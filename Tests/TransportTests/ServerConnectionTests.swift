import NIOCore
import Testing

@testable import Transport

/// A client's connection: its deadlines, its pace, and its end.
@Suite(.timeLimit(.minutes(1))) struct ServerConnectionTests {
    private func withServer(
        _ timeouts: ServerTimeouts = ServerTimeouts(), _ body: (TestServer) async throws -> Void
    ) async throws {
        let server = try await TestServer(timeouts: timeouts)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private static let short: ServerTimeouts = {
        var timeouts = ServerTimeouts()
        timeouts.requestHead = .milliseconds(300)
        timeouts.body = MinimumPace(rate: 500, grace: .milliseconds(300))
        timeouts.keepAlive = .milliseconds(300)
        return timeouts
    }()

    // MARK: Deadlines

    @Test(arguments: ["GET / HT", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: "])
    func slowHeadIsToldOfItsTimeout(_ start: String) async throws {
        try await withServer(Self.short) { server async throws in
            let client = try await TCPClient(port: server.server.port)
            await client.send(start)
            #expect(await eventually { client.isOver })
            #expect(client.text.hasPrefix("HTTP/1.1 408 "), "\(client.text)")
            #expect(client.text.contains("connection: close\r\n") && client.text.hasSuffix("refused"))
            #expect(!client.broke)
            await client.close()
        }
    }

    /// A byte now and then does not put the deadline off.
    @Test func tricklingHeadIsToldOfItsTimeout() async throws {
        try await withServer(Self.short) { server async throws in
            let client = try await TCPClient(port: server.server.port)
            await client.send("GET / HTTP/1.1\r\nX: ")
            _ = try await eventually {
                await client.send("a")
                try await Task.sleep(for: .milliseconds(20))
                return client.isOver
            }
            #expect(client.text.hasPrefix("HTTP/1.1 408 "), "\(client.text)")
            await client.close()
        }
    }

    @Test func slowBodyIsToldOfItsTimeout() async throws {
        try await withServer(Self.short) { server async throws in
            let client = try await TCPClient(port: server.server.port)
            await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            #expect(await eventually { client.isOver })
            #expect(client.text.hasPrefix("HTTP/1.1 408 "), "\(client.text)")
            await client.close()
        }
    }

    @Test func idleConnectionIsClosedWithoutAWord() async throws {
        try await withServer(Self.short) { server async throws in
            let client = try await TCPClient(port: server.server.port)
            await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await eventually { client.text.hasSuffix("good") })
            let answer = client.text
            #expect(await eventually { client.isOver })
            #expect(client.text == answer && !client.broke)
            await client.close()
        }
    }

    // MARK: An early answer

    /// Closing at once would make the system reset the connection, and the answer would be lost (RFC 9112 §9.6).
    @Test func clientThatIsStillSendingReadsTheEarlyAnswer() async throws {
        try await withServer { server async throws in
            let client = try await TCPClient(port: server.server.port, reads: false)
            // Less than what the server throws away before it loses patience, and in one go: a second is all it waits.
            let body = String(repeating: "b", count: 800 * 1024)
            let head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
            #expect(await client.send(head + body))
            try await client.read()
            #expect(await eventually { client.isOver })
            #expect(client.text.hasPrefix("HTTP/1.1 413 ") && client.text.hasSuffix("too large"))
            #expect(!client.broke)
            await client.close()
            #expect(await eventually { await server.server.connectionCount() == 0 })
        }
    }

    @Test func clientThatNeverStopsSendingIsCutOff() async throws {
        try await withServer { server async throws in
            let client = try await TCPClient(port: server.server.port)
            await client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            let piece = String(repeating: "b", count: 64 * 1024)
            let isCut = await eventually { await !client.send(piece) }
            #expect(isCut)
            #expect(await eventually { await server.server.connectionCount() == 0 })
            await client.close()
        }
    }

    // MARK: Pace

    /// The application is asked for more only when what it wrote is on its way: nothing grows with the answer.
    @Test func clientThatDoesNotReadStopsTheAnswer() async throws {
        try await withServer { server async throws in
            let client = try await TCPClient(port: server.server.port, reads: false)
            await client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            var written = -1
            // It stands still once the system's buffers are full.
            _ = try await eventually {
                let before = written
                try await Task.sleep(for: .milliseconds(100))
                written = server.record.written
                return written > 0 && written == before
            }
            #expect(written < TestServer.endlessBytes / 2)
            try await client.read()
            #expect(await eventually(within: .seconds(30)) { client.byteCount > TestServer.endlessBytes })
            #expect(await eventually { server.record.ends == [.completed] })
            await client.close()
        }
    }

    // MARK: Drain

    @Test func drainWaitsForAnswersAndCountsWhatItBreaksOff() async throws {
        let server = try await TestServer()
        let idle = try await TCPClient(port: server.server.port)
        var holding: [TCPClient] = []
        for _ in 0..<3 {
            let client = try await TCPClient(port: server.server.port)
            await client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
            holding.append(client)
        }
        #expect(await eventually { holding.allSatisfy { $0.text.contains("begun") } })
        let started = ContinuousClock.now
        #expect(await server.server.drain(timeout: .milliseconds(300)) == 3)
        #expect(ContinuousClock.now - started >= .milliseconds(300))
        #expect(await eventually { holding.allSatisfy { $0.isOver } && idle.isOver })
        // Neither a last chunk nor an end in order: nobody takes the answers for whole.
        #expect(holding.map { $0.text.hasSuffix("0\r\n\r\n") } == [false, false, false])
        #expect(server.record.ends == [.shutDown, .shutDown, .shutDown])
        await #expect(throws: (any Error).self) { _ = try await TCPClient(port: server.server.port) }
        for client in holding + [idle] { await client.close() }
        await server.stop()
    }

    @Test func drainEndsWithTheLastAnswer() async throws {
        let server = try await TestServer()
        let client = try await TCPClient(port: server.server.port, reads: false)
        await client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.record.written > 0 })
        async let left = server.server.drain(timeout: .seconds(30))
        try await client.read()
        #expect(await left == 0)
        #expect(server.record.ends == [.completed])
        #expect(await eventually { client.isOver })
        #expect(client.byteCount > TestServer.endlessBytes)
        await client.close()
        await server.stop()
    }
}
