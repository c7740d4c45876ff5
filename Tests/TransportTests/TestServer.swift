import HTTP
import NIOCore
import NIOPosix
import Synchronization

@testable import Transport

/// A plain-HTTP listener whose answers depend on the path.
final class TestServer: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let contexts: [NIOLoopBound<LoopContext>]
    let server: HTTPSServer
    let record: Record

    /// What the application has seen.
    final class Record: Sendable {
        private let state = Mutex((written: 0, ends: [ExchangeEnd]()))
        private let refusals = Mutex<[ConnectionFault.Reason]>([])

        /// Why connections were refused or ended, and exchanges broken off.
        var reasons: [ConnectionFault.Reason] { refusals.withLock { $0 } }
        func refused(_ reason: ConnectionFault.Reason) { refusals.withLock { $0.append(reason) } }

        /// Bytes of the last answer to `/endless`.
        var written: Int { state.withLock { $0.written } }
        var ends: [ExchangeEnd] { state.withLock { $0.ends } }

        func wrote(_ bytes: Int) { state.withLock { $0.written = bytes } }
        func ended(_ end: ExchangeEnd) { state.withLock { $0.ends.append(end) } }
    }

    init(
        timeouts: ServerTimeouts = ServerTimeouts(), configure: (inout HTTPSServer.Options) -> Void = { _ in }
    ) async throws {
        contexts = try await LoopContext.makeAll(group)
        var options = HTTPSServer.Options(host: "127.0.0.1", port: 0)
        options.timeouts = timeouts
        configure(&options)
        let record = Record()
        self.record = record
        server = try await HTTPSServer.start(options, tls: nil, contexts: contexts) { _ in Service(record) }
    }

    func stop() async {
        _ = await server.drain(timeout: .zero)
        for context in contexts { _ = try? await context.submit { $0.shutdown() } }
        try? await group.shutdownGracefully()
    }

    /// Bytes of the answer to `/endless`, before it ends.
    static let endlessBytes = 64 * 1024 * 1024

    private final class Service: ExchangeService {
        private let record: Record
        init(_ record: Record) { self.record = record }

        func exchange(_ exchange: ServerExchange, began head: RequestHead, hasBody: Bool) -> any ExchangeHandler {
            Handler(exchange, head.path, record)
        }
        func exchange(_ exchange: ServerExchange, refused fault: RequestFault) -> any ExchangeHandler {
            let handler = Handler(exchange, "", record)
            handler.answer(fault.status, "refused")
            return handler
        }
        func connectionFailed(_ connection: ServerConnection, _ fault: ConnectionFault) { record.refused(fault.reason) }
        func connectionRefused(_ reason: ConnectionFault.Reason, from address: NetworkAddress?) {
            record.refused(reason)
        }
    }

    private final class Handler: ExchangeHandler {
        private let exchange: ServerExchange
        private let path: String
        private let record: Record
        private var written = 0

        init(_ exchange: ServerExchange, _ path: String, _ record: Record) {
            self.exchange = exchange
            self.path = path
            self.record = record
            if path == "/early" { answer(413, "too large") }
        }

        func answer(_ status: Int, _ text: String) {
            exchange.respond(ResponseHead(status: status, contentLength: text.utf8.count), end: false)
            exchange.write { $0.writeString(text) }
            exchange.end()
        }

        func bodyReceived(_ bytes: ByteBuffer) {}

        func requestEnded() {
            switch path {
            case "/who": answer(200, exchange.clientAddressText)
            case "/hold":
                exchange.respond(ResponseHead(status: 200), end: false)
                exchange.write { $0.writeString("begun") }
            case "/endless":
                exchange.respond(ResponseHead(status: 200, contentLength: TestServer.endlessBytes), end: false)
                writeMore()
            default: answer(200, "good")
            }
        }

        private func writeMore() {
            exchange.write { $0.writeRepeatingByte(UInt8(ascii: "x"), count: 64 * 1024) }
            written += 64 * 1024
            record.wrote(written)
            if written == TestServer.endlessBytes { exchange.end() }
        }

        func requestFailed(_ fault: RequestFault) { answer(fault.status, "refused") }
        func responseDrained() {
            if path == "/endless", written < TestServer.endlessBytes { writeMore() }
        }
        func exchangeEnded(_ end: ExchangeEnd) {
            if let limit = exchange.limit { record.refused(limit) }
            record.ended(end)
        }
    }
}

/// A TCP client that sends what it is told and reads when it is told.
final class TCPClient: Sendable {
    private let channel: any Channel
    private let state: State

    private final class State: Sendable {
        let bytes = Mutex(ByteBuffer())
        let count = Mutex(0)
        let isOver = Mutex(false)
        let error = Mutex<(any Error)?>(nil)
    }

    /// What came, without what was thrown away.
    var text: String { state.bytes.withLock { String(buffer: $0) } }
    var byteCount: Int { state.count.withLock { $0 } }
    var isOver: Bool { state.isOver.withLock { $0 } }
    /// The connection broke instead of ending in order.
    var broke: Bool { state.error.withLock { $0 != nil } }

    init(port: Int, reads: Bool = true) async throws {
        let state = State()
        self.state = state
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(state))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// - Returns: whether the bytes could be handed to the system.
    @discardableResult
    func send(_ text: String) async -> Bool {
        (try? await channel.writeAndFlush(ByteBuffer(string: text))) != nil
    }

    func read() async throws { try await channel.setOption(.autoRead, value: true).get() }
    func close() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let state: State
        init(_ state: State) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.count.withLock { $0 += bytes.readableBytes }
            state.bytes.withLock { if $0.readableBytes < 4096 { $0.writeImmutableBuffer(bytes) } }
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent { state.isOver.withLock { $0 = true } }
        }
        func channelInactive(context: ChannelHandlerContext) { state.isOver.withLock { $0 = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            state.error.withLock { $0 = error }
            context.close(promise: nil)
        }
    }
}
