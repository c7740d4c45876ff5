import HTTP
import NIOCore
import NIOPosix
import Synchronization
import TLS
import TestSupport

@testable import Transport

/// Who calls a scripted upstream: a pool on a loop of its own.
final class Caller: Sendable {
    /// What came of a call.
    struct Outcome: Sendable, Equatable {
        var status: Int?
        var body = ""
        var failure: UpstreamError.Kind?
        /// Times that the request was sent.
        var attempts = 0
        /// Times that a response began.
        var beginnings = 0

        static func whole(_ body: String, attempts: Int = 1) -> Outcome {
            Outcome(status: 200, body: body, attempts: attempts, beginnings: 1)
        }
        static func failed(_ kind: UpstreamError.Kind, attempts: Int = 1) -> Outcome {
            Outcome(failure: kind, attempts: attempts)
        }
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let context: NIOLoopBound<LoopContext>
    private let pool: NIOLoopBound<UpstreamPool>

    init(
        host: String = "127.0.0.1", port: Int, trusting certificates: TestCertificates,
        timeouts: ClientTimeouts = ClientTimeouts(), resolver: (any Resolver & Sendable)? = nil
    ) async throws {
        let tls = try TLSClientContext(additionalTrustFile: certificates.authority.certificateFile)
        let context = try await LoopContext.makeAll(group)[0]
        let eventLoop = context.eventLoop
        self.context = context
        pool = try await eventLoop.submit {
            let pool = UpstreamPool(
                origin: Origin(host: host, port: port), tls: tls, loop: context.value, timeouts: timeouts)
            pool.resolver = resolver
            return NIOLoopBound(pool, eventLoop: eventLoop)
        }.get()
    }

    func stop() async {
        _ = try? await pool.submit { $0.close() }
        _ = try? await context.submit { $0.shutdown() }
        try? await group.shutdownGracefully()
    }

    /// The pool's connections, those that are being opened included.
    func connectionCount() async throws -> Int { try await pool.submit { $0.connectionCount } }

    /// Starts a call; its outcome comes with the future.
    func start(_ path: String = "/") async throws -> EventLoopFuture<Outcome> {
        try await pool.submit { pool in
            let promise = pool.loop.eventLoop.makePromise(of: Outcome.self)
            let recorder = Recorder(promise)
            let call = UpstreamCall(
                head: RequestHead(method: "GET", authority: pool.origin.authority, path: path), body: ByteBuffer(),
                handler: recorder, now: pool.loop.updateTime())
            recorder.call = call
            pool.start(call)
            return promise.futureResult
        }
    }

    /// Calls and waits for the outcome.
    func call(_ path: String = "/") async throws -> Outcome {
        try await start(path).get()
    }

    private final class Recorder: UpstreamCallHandler {
        private let promise: EventLoopPromise<Outcome>
        private var outcome = Outcome()
        var call: UpstreamCall?

        init(_ promise: EventLoopPromise<Outcome>) { self.promise = promise }

        func responseBegan(_ head: ResponseHead) {
            outcome.status = head.status
            outcome.beginnings += 1
        }

        func responseBodyReceived(_ bytes: ByteBuffer) {
            outcome.body += String(buffer: bytes)
            call?.consume(bytes.readableBytes)
        }

        func responseEnded() { end() }

        func responseFailed(_ error: UpstreamError) {
            outcome.failure = error.kind
            end()
        }

        private func end() {
            outcome.attempts = call?.attempts ?? 0
            call = nil
            promise.succeed(outcome)
        }
    }
}

/// A scripted upstream and a caller, for the length of a test.
func withUpstream(
    _ applicationProtocol: ApplicationProtocol, timeouts: ClientTimeouts = ClientTimeouts(),
    greeting: [UInt8] = HTTP2Bytes.settings(), script: @escaping ScriptedUpstream.Script,
    calls: (Caller, ScriptedUpstream) async throws -> Void
) async throws {
    let certificates = try TestCertificates()
    let upstream = try await ScriptedUpstream(certificates, applicationProtocol, greeting: greeting, script: script)
    let caller = try await Caller(port: upstream.port, trusting: certificates, timeouts: timeouts)
    do {
        try await calls(caller, upstream)
    } catch {
        await caller.stop()
        await upstream.stop()
        throw error
    }
    await caller.stop()
    await upstream.stop()
}

/// Waits until `condition` holds; false when it does not within the limit.
func eventually(within limit: Duration = .seconds(10), _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        await Task.yield()
    }
    return try await condition()
}
