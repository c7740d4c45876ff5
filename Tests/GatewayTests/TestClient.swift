import HTTP
import NIOCore
import NIOPosix
import Synchronization
import TLS
import Transport

/// A client over the gateway's own upstream pool: HTTP/1.1 or HTTP/2 over TLS, with its pace and its end in the hand of
/// the test.
final class TestClient: Sendable {
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

    /// Starts a request.
    ///
    /// - Parameter reads: false leaves the body's window closed: the client does not read.
    func start(
        _ method: String, _ path: String, body: String = "", fields: [(String, String)] = [], reads: Bool = true,
        authority: String? = nil
    ) async throws -> TestResponse {
        var list = HeaderFields()
        for (name, value) in fields { list.append(name: name, value: value) }
        let head = RequestHead(method: method, authority: authority ?? self.authority, path: path, fields: list)
        let context = self.context
        return try await pool.submit { pool in
            let response = TestResponse(eventLoop: pool.eventLoopForTests(context), reads: reads)
            let now = context.value.updateTime()
            let call = UpstreamCall(
                head: head, body: ByteBuffer(string: body), handler: response.makeHandler(), now: now)
            response.attach(call)
            pool.start(call)
            return response
        }
    }

    /// Sends a chat completion request with the usual fields.
    ///
    /// - Parameter members: further members of the request, each with a comma behind it.
    func chat(
        _ message: String, streaming: Bool, members: String = "", key: String = GatewayFixture.clientKey,
        reads: Bool = true
    ) async throws -> TestResponse {
        try await start(
            "POST", "/v1/chat/completions",
            body: #"{"stream":\#(streaming),\#(members)"messages":[{"role":"user","content":"\#(message)"}]}"#,
            fields: [("authorization", "Bearer \(key)"), ("content-type", "application/json")], reads: reads)
    }
}

extension UpstreamPool {
    func eventLoopForTests(_ context: NIOLoopBound<LoopContext>) -> any EventLoop { context.eventLoop }
}

/// The response to a test's request, as far as it has come.
final class TestResponse: Sendable {
    struct State: Sendable {
        var head: ResponseHead?
        var body = ByteBuffer()
        var isEnded = false
        var failure: UpstreamError?
        var untaken = 0
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let call = Mutex<NIOLoopBound<UpstreamCall>?>(nil)
    private let reads: Bool

    init(eventLoop: any EventLoop, reads: Bool) {
        self.eventLoop = eventLoop
        self.reads = reads
    }

    var current: State { state.withLock { $0 } }
    var text: String { String(buffer: current.body) }
    var isOver: Bool { state.withLock { $0.isEnded || $0.failure != nil } }

    /// Waits for the end, whichever it is.
    func finish() async throws -> State {
        _ = await GatewayFixture.eventually(within: .seconds(60)) { isOver }
        return current
    }

    func cancel() async throws {
        let call = call.withLock { $0 }
        try await call?.submit { $0.cancel() }
    }

    /// Takes what came while the client did not read.
    func takeAll() async throws {
        let call = call.withLock { $0 }
        let count = state.withLock { state in
            defer { state.untaken = 0 }
            return state.untaken
        }
        try await call?.submit { $0.consume(count) }
    }

    func attach(_ call: UpstreamCall) {
        let bound = NIOLoopBound(call, eventLoop: eventLoop)
        self.call.withLock { $0 = bound }
    }

    func makeHandler() -> any UpstreamCallHandler { Handler(self) }

    private final class Handler: UpstreamCallHandler {
        private let response: TestResponse

        init(_ response: TestResponse) { self.response = response }

        func responseBegan(_ head: ResponseHead) { response.state.withLock { $0.head = head } }

        func responseBodyReceived(_ bytes: ByteBuffer) {
            response.state.withLock { state in
                state.body.writeImmutableBuffer(bytes)
                if !response.reads { state.untaken += bytes.readableBytes }
            }
            guard response.reads else { return }
            response.call.withLock { $0 }?.value.consume(bytes.readableBytes)
        }

        func responseEnded() { response.state.withLock { $0.isEnded = true } }
        func responseFailed(_ error: UpstreamError) { response.state.withLock { $0.failure = error } }
    }
}
