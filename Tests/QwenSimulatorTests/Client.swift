import HTTP
import NIOCore
import NIOPosix
import Synchronization
import TLS
import Transport

/// A client over the project's own upstream pool, on an event loop of its own.
final class Client: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let context: NIOLoopBound<LoopContext>
    private let pool: NIOLoopBound<UpstreamPool>
    private let authority: String

    init(port: Int, trustFile: String, applicationProtocol: ApplicationProtocol) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        context = try await LoopContext.makeAll(group)[0]
        let tls = try TLSClientContext(additionalTrustFile: trustFile, alpn: [applicationProtocol])
        let eventLoop = context.eventLoop
        let origin = Origin(host: "127.0.0.1", port: port)
        authority = origin.authority
        let context = self.context
        pool = try await eventLoop.submit {
            let pool = UpstreamPool(origin: origin, tls: tls, loop: context.value, timeouts: ClientTimeouts())
            return NIOLoopBound(pool, eventLoop: eventLoop)
        }.get()
    }

    func close() async {
        _ = try? await pool.submit { $0.close() }
        _ = try? await context.submit { $0.shutdown() }
        try? await group.shutdownGracefully()
    }

    /// Sends a request and waits for the end of its response, whichever it is.
    func send(
        _ method: String, _ path: String, body: String = "", fields: [(String, String)] = []
    ) async throws -> Reply {
        try await start(method, path, body: body, fields: fields).finish()
    }

    /// Starts a request.
    func start(
        _ method: String, _ path: String, body: String = "", fields: [(String, String)] = []
    ) async throws -> Call {
        var list = HeaderFields()
        for (name, value) in fields { list.append(name: name, value: value) }
        let head = RequestHead(method: method, authority: authority, path: path, fields: list)
        let context = self.context
        return try await pool.submit { pool in
            let call = Call(eventLoop: context.eventLoop)
            let upstream = UpstreamCall(
                head: head, body: ByteBuffer(string: body), handler: CallHandler(call),
                now: context.value.updateTime())
            call.attach(upstream)
            pool.start(upstream)
            return call
        }
    }
}

/// A request whose response is under way.
final class Call: Sendable {
    fileprivate struct State: Sendable {
        var head: ResponseHead?
        var writes: [ByteBuffer] = []
        var isWhole = false
    }

    fileprivate let state = Mutex(State())
    fileprivate let upstream = Mutex<NIOLoopBound<UpstreamCall>?>(nil)
    private let eventLoop: any EventLoop
    private let began: AsyncStream<Void>
    private let ended: AsyncStream<Void>
    fileprivate let begin: AsyncStream<Void>.Continuation
    fileprivate let end: AsyncStream<Void>.Continuation

    fileprivate init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        (began, begin) = AsyncStream.makeStream()
        (ended, end) = AsyncStream.makeStream()
    }

    fileprivate func attach(_ call: UpstreamCall) {
        let bound = NIOLoopBound(call, eventLoop: eventLoop)
        upstream.withLock { $0 = bound }
    }

    /// Waits for the first bytes of the response's body.
    func bodyBegan() async {
        for await _ in began {}
    }

    func finish() async -> Reply {
        for await _ in ended {}
        return state.withLock { state in
            Reply(
                status: state.head?.status ?? 0, fields: state.head?.fields ?? HeaderFields(), writes: state.writes,
                isWhole: state.isWhole)
        }
    }

    func cancel() async throws {
        try await upstream.withLock { $0 }?.submit { $0.cancel() }
    }
}

private final class CallHandler: UpstreamCallHandler {
    private let call: Call

    init(_ call: Call) { self.call = call }

    func responseBegan(_ head: ResponseHead) { call.state.withLock { $0.head = head } }

    func responseBodyReceived(_ bytes: ByteBuffer) {
        call.state.withLock { $0.writes.append(bytes) }
        call.begin.finish()
        call.upstream.withLock { $0 }?.value.consume(bytes.readableBytes)
    }

    func responseEnded() {
        call.state.withLock { $0.isWhole = true }
        finish()
    }

    func responseFailed(_ error: UpstreamError) { finish() }

    private func finish() {
        call.begin.finish()
        call.end.finish()
    }
}
