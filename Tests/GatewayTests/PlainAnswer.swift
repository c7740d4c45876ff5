import Foundation
import NIOCore
import NIOPosix

/// The answer to a plain HTTP request, as the admin address gives it.
struct PlainAnswer: Sendable {
    let status: Int
    /// The head as it came.
    let head: String
    let body: String

    /// The body as a JSON object; empty if it is none.
    var object: [String: Any] { TestJSON.object(body) }

    static func get(
        _ path: String, port: Int, host: String = "127.0.0.1", fields: [(String, String)] = []
    ) async throws -> PlainAnswer {
        let group = MultiThreadedEventLoopGroup.singleton
        let promise = group.any().makePromise(of: String.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(promise))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let lines = [("host", host), ("connection", "close")] + fields
        let head = lines.map { "\($0.0): \($0.1)\r\n" }.joined()
        let request = "GET \(path) HTTP/1.1\r\n\(head)\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request))
        let text = try await promise.futureResult.get()
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let status = parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return PlainAnswer(
            status: status ?? 0, head: String(parts.first ?? ""), body: String(parts.count > 1 ? parts[1] : ""))
    }

    /// All that comes until the connection closes.
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var received = ByteBuffer()
        private let promise: EventLoopPromise<String>

        init(_ promise: EventLoopPromise<String>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.writeImmutableBuffer(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) { promise.succeed(String(buffer: received)) }
    }
}

/// JSON as tests look into it.
enum TestJSON {
    static func object(_ text: String) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }

    /// The `error` object of an answer.
    static func error(_ text: String) -> [String: Any] { object(text)["error"] as? [String: Any] ?? [:] }
}

/// Accepts connections and says nothing, like a host that hangs.
final class SilentListener: Sendable {
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    private init(_ channel: any Channel) { self.channel = channel }

    static func start() async throws -> SilentListener {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        return SilentListener(channel)
    }

    func stop() async { try? await channel.close() }
}
