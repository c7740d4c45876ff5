import HTTP
import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// One question in plain HTTP, without an event loop.
@Suite(.timeLimit(.minutes(1))) struct PlainProbeTests {
    private func ask(_ path: String, port: Int, timeout: TimeAmount = .seconds(10)) -> Result<Int, PlainProbe.Failure> {
        let request = RequestHead(method: "GET", scheme: "http", authority: "localhost", path: path)
        do throws(PlainProbe.Failure) {
            return .success(try PlainProbe.ask(request, of: "127.0.0.1", port: port, timeout: timeout).status)
        } catch {
            return .failure(error)
        }
    }

    private func reason(_ result: Result<Int, PlainProbe.Failure>) -> String {
        switch result {
        case .success(let status): "\(status)"
        case .failure(let failure): failure.reason
        }
    }

    @Test func theHeadOfTheAnswerIsEnough() async throws {
        let server = try await TestServer()
        // An answer without an end does not hold it up.
        for path in ["/", "/endless"] { #expect(try ask(path, port: server.server.port).get() == 200) }
        await server.stop()
        #expect(reason(ask("/", port: server.server.port)) == "nothing listens there")
    }

    @Test func whatIsNoAnswerIsToldApart() async throws {
        let cases = [
            ("", "it closed the connection without an answer"),
            ("HTTP/1.1 20", "it closed the connection without an answer"),
            ("220 mail ESMTP\r\n\r\n", "it answers, but not in HTTP: "),
            ("HTTP/1.1 200 OK\r\na: \(String(repeating: "a", count: 100_000))", "its answer has no end to its head"),
        ]
        for (bytes, expected) in cases {
            let upstream = try await OneAnswer(bytes)
            let said = reason(ask("/", port: upstream.port))
            #expect(said.hasPrefix(expected), "\(bytes.prefix(20)): \(said)")
            await upstream.stop()
        }
    }

    @Test func silenceEndsWithTheTime() async throws {
        let upstream = try await OneAnswer(nil)
        #expect(reason(ask("/", port: upstream.port, timeout: .milliseconds(100))) == "it did not answer in time")
        await upstream.stop()
    }
}

/// A listener that answers the first bytes of each connection with the same bytes, and closes it; nil never answers.
private final class OneAnswer: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listener: any Channel

    init(_ answer: String?) async throws {
        listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    func stop() async {
        try? await listener.close()
        try? await group.shutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: String?

        init(_ answer: String?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            context.close(promise: nil)
        }
    }
}
