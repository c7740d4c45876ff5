import Foundation
import HTTP
import NIOCore
import QwenSimulator
import TLS
import Testing

@testable import Gateway

/// The whole way: a client's TLS, the gateway, and Qwen's TLS, in each pairing of the protocols.
@Suite(.timeLimit(.minutes(2))) struct RelayTests {
    struct Pairing: Sendable, CustomTestStringConvertible {
        let downstream: ApplicationProtocol
        let upstream: ApplicationProtocol
        var testDescription: String { "\(downstream.rawValue) to \(upstream.rawValue)" }

        static let all: [Pairing] = [
            Pairing(downstream: .http1, upstream: .http1), Pairing(downstream: .http1, upstream: .http2),
            Pairing(downstream: .http2, upstream: .http1), Pairing(downstream: .http2, upstream: .http2),
        ]
    }

    private func run(
        _ pairing: Pairing, _ body: (GatewayFixture, TestClient) async throws -> Void
    ) async throws {
        var options = GatewayFixture.Options()
        options.upstreamProtocols = [pairing.upstream]
        try await GatewayFixture.run(options) { fixture in
            let client = try await fixture.client(pairing.downstream)
            do {
                try await body(fixture, client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    @Test(arguments: Pairing.all) func answersWhole(_ pairing: Pairing) async throws {
        try await run(pairing) { _, client in
            let response = try await client.chat("chunks=5 size=4", streaming: false).finish()
            #expect(response.head?.status == 200)
            #expect(response.head?.fields["content-type"] == "application/json")
            #expect(response.isEnded)
            #expect(String(buffer: response.body).contains(#""content":"0xx 1xx 2xx 3xx 4xx ""#))
        }
    }

    @Test(arguments: Pairing.all) func streamsTenThousandChunksByteForByte(_ pairing: Pairing) async throws {
        try await run(pairing) { _, client in
            let response = try await client.chat("chunks=10000 size=8", streaming: true).finish()
            #expect(response.isEnded)
            #expect(response.head?.fields["content-type"] == "text/event-stream; charset=utf-8")
            let events = String(buffer: response.body).components(separatedBy: "\n\n")
            // The opening, the pieces, the finish, the marker, and nothing behind the last empty line.
            try #require(events.count == 10_004)
            #expect(events[10_002] == "data: [DONE]")
            #expect(events[10_003].isEmpty)
            for index in 0..<10_000 {
                let number = String(index)
                let text = number + String(repeating: "x", count: 7 - number.utf8.count) + " "
                #expect(events[index + 1].hasPrefix(#"data: {"choices":[{"delta":{"content":"\#(text)","#))
            }
        }
    }

    /// The window for it must open while the event is still incomplete, with nothing to send to the client.
    @Test(arguments: Pairing.all) func eventLargerThanEveryWindowArrives(_ pairing: Pairing) async throws {
        try await run(pairing) { _, client in
            let response = try await client.chat("chunks=3 size=400000", streaming: true).finish()
            #expect(response.isEnded)
            #expect(response.body.readableBytes > 1_200_000)
        }
    }

    @Test(arguments: Pairing.all) func identicalChunksAllArrive(_ pairing: Pairing) async throws {
        try await run(pairing) { _, client in
            let response = try await client.chat("chunks=500 text=ha", streaming: true).finish()
            #expect(String(buffer: response.body).components(separatedBy: #""content":"ha""#).count == 501)
        }
    }

    @Test(arguments: Pairing.all, ["cut", "reset", "end"])
    func brokenStreamIsNeverWhole(_ pairing: Pairing, _ failure: String) async throws {
        try await run(pairing) { _, client in
            for position in [1, 2, 7] {
                let response = try await client.chat(
                    "chunks=8 delay=1 fail=\(failure)@\(position)", streaming: true
                ).finish()
                let text = String(buffer: response.body)
                #expect(!response.isEnded, "\(failure) after \(position) must not end cleanly")
                #expect(response.failure != nil)
                #expect(!text.contains("[DONE]"))
                #expect(text.contains(#"data: {"error":{"message":"#))
                #expect(text.contains(#""code":"upstream_truncated""#))
            }
        }
    }

    @Test(arguments: Pairing.all) func brokenAnswerBecomesBadGateway(_ pairing: Pairing) async throws {
        try await run(pairing) { _, client in
            let response = try await client.chat("chunks=50 fail=cut@1", streaming: false).finish()
            #expect(response.head?.status == 502)
            #expect(String(buffer: response.body).contains(#""code":"upstream_truncated""#))
        }
    }

    @Test(arguments: Pairing.all) func leavingClientCancelsTheCall(_ pairing: Pairing) async throws {
        try await run(pairing) { fixture, client in
            for message in ["chunks=100 delay=50", "first=60000"] {
                let before = fixture.simulator.counters.read().cancelled
                let response = try await client.chat(message, streaming: true)
                #expect(await GatewayFixture.eventually { fixture.simulator.counters.read().active == 1 })
                if message.hasPrefix("chunks") {
                    #expect(await GatewayFixture.eventually { response.current.body.readableBytes > 0 })
                }
                try await response.cancel()
                let cancelled = await GatewayFixture.eventually(within: .milliseconds(250)) {
                    fixture.simulator.counters.read().cancelled == before + 1
                }
                #expect(cancelled, "the call must end within 250 ms")
            }
        }
    }

    @Test(arguments: Pairing.all) func slowReaderHoldsItsStreamBack(_ pairing: Pairing) async throws {
        try await run(pairing) { fixture, client in
            // Forty megabytes: far more than all windows and socket buffers on the way.
            let response = try await client.chat("chunks=40000 size=1000", streaming: true, reads: false)
            #expect(await GatewayFixture.eventually { response.current.untaken > 0 })
            // Another client of the same gateway is not held up by it.
            let other = try await fixture.client(pairing.downstream)
            let answer = try await other.chat("hello", streaming: true).finish()
            #expect(answer.isEnded)
            await other.close()
            #expect(fixture.simulator.counters.read().active == 1)
            while !response.isOver { try await response.takeAll() }
            #expect(response.current.isEnded)
            #expect(response.text.hasSuffix("data: [DONE]\n\n"))
        }
    }
}
