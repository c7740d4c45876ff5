import NIOCore
import NIOPosix
import Synchronization
import TLS
import TestSupport

/// A TLS server on loopback that answers each request with the bytes a test gives it: what no engine of ours would say.
final class ScriptedUpstream: Sendable {
    /// A request that has come whole.
    struct Request: Sendable {
        /// The ordinal of its connection and of the request on it, both from 1.
        let connection: Int
        let ordinal: Int
        /// HTTP/2's stream identifier; 0 over HTTP/1.1.
        let stream: UInt8
        /// The request line, over HTTP/1.1.
        let line: String
    }

    /// What is done about a request.
    enum Reaction: Sendable {
        case send([UInt8])
        /// Sends, and ends the TCP connection without close_notify.
        case cut([UInt8])
        /// Sends, says close_notify, and ends the connection.
        case close([UInt8])
        case silence
    }

    typealias Script = @Sendable (Request) -> Reaction

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listener: any Channel
    private let log: Log
    let port: Int

    /// The requests so far, and the connections.
    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
        let connections = Mutex(0)
        let open = Mutex(0)
    }

    var requests: [Request] { log.requests.withLock { $0 } }
    /// Connections that were accepted, and those that are still there.
    var connections: Int { log.connections.withLock { $0 } }
    var openConnections: Int { log.open.withLock { $0 } }

    init(
        _ certificates: TestCertificates, _ applicationProtocol: ApplicationProtocol, host: String = "127.0.0.1",
        port: Int = 0, greeting: [UInt8] = HTTP2Bytes.settings(), script: @escaping Script
    ) async throws {
        let issued = try certificates.issue()
        let tls = try TLSServerContext(
            certificateChain: issued.certificate, privateKey: issued.privateKey, alpn: [applicationProtocol])
        let log = Log()
        self.log = log
        listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                let ordinal = log.connections.withLock { count in
                    count += 1
                    return count
                }
                log.open.withLock { $0 += 1 }
                channel.closeFuture.whenComplete { _ in log.open.withLock { $0 -= 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    let session = try TLSSession(server: tls)
                    let handler = Handler(session, ordinal, greeting) { request in
                        log.requests.withLock { $0.append(request) }
                        return script(request)
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: host, port: port).get()
        self.port = listener.localAddress?.port ?? 0
    }

    func stop() async {
        try? await listener.close()
        try? await group.shutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let session: TLSSession
        private let ordinal: Int
        /// What an HTTP/2 connection begins with.
        private let greeting: [UInt8]
        private let script: Script
        private var received = ByteBuffer()
        private var isGreeted = false
        private var count = 0

        init(_ session: TLSSession, _ ordinal: Int, _ greeting: [UInt8], _ script: @escaping Script) {
            self.session = session
            self.ordinal = ordinal
            self.greeting = greeting
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            var output = ByteBuffer()
            do {
                try session.receive(&bytes, plaintext: &received, output: &output)
            } catch {
                context.close(promise: nil)
                return
            }
            if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
            guard session.isEstablished else { return }
            if !isGreeted, session.negotiatedProtocol == .http2 { send(greeting, context) }
            isGreeted = true
            while let request = nextRequest() {
                switch script(request) {
                case .silence: break
                case .send(let bytes): send(bytes, context)
                case .cut(let bytes):
                    send(bytes, context)
                    context.close(promise: nil)
                case .close(let bytes):
                    send(bytes, context)
                    var output = ByteBuffer()
                    session.close(into: &output)
                    context.writeAndFlush(wrapOutboundOut(output), promise: nil)
                    context.close(promise: nil)
                }
            }
        }

        private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            var plaintext = ByteBuffer(bytes: bytes)
            var output = ByteBuffer()
            try? session.send(&plaintext, into: &output)
            if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
        }

        private func nextRequest() -> Request? {
            if session.negotiatedProtocol == .http2 { return nextStream() }
            // Bodies are not sent by these tests.
            guard let end = String(buffer: received).firstRange(of: "\r\n\r\n") else { return nil }
            let text = String(buffer: received)
            received.moveReaderIndex(forwardBy: text[..<end.upperBound].utf8.count)
            count += 1
            let line = text.prefix { $0 != "\r\n" }
            return Request(connection: ordinal, ordinal: count, stream: 0, line: String(line))
        }

        /// The next HEADERS with END_STREAM.
        private func nextStream() -> Request? {
            if received.readableBytesView.starts(with: HTTP2Bytes.preface) {
                received.moveReaderIndex(forwardBy: HTTP2Bytes.preface.count)
            }
            while let header = received.getBytes(at: received.readerIndex, length: 9) {
                let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
                guard received.readableBytes >= 9 + length else { return nil }
                received.moveReaderIndex(forwardBy: 9 + length)
                guard header[3] == 1, header[4] & 1 != 0 else { continue }
                count += 1
                return Request(connection: ordinal, ordinal: count, stream: header[8], line: "")
            }
            return nil
        }
    }
}

/// HTTP/2 frames of a server, made by hand (RFC 9113 §6).
enum HTTP2Bytes {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), kind, flags, 0, 0, 0, stream] + payload
    }

    static func settings(maxConcurrentStreams: UInt8? = nil) -> [UInt8] {
        frame(4, 0, 0, maxConcurrentStreams.map { [0, 3, 0, 0, 0, $0] } ?? [])
    }

    /// `:status: 200`, and the end of the response if told.
    static func head(_ stream: UInt8, end: Bool = false) -> [UInt8] { frame(1, end ? 5 : 4, stream, [0x88]) }
    /// `:status: 103`.
    static func interim(_ stream: UInt8) -> [UInt8] { frame(1, 4, stream, [0x08, 3] + Array("103".utf8)) }
    static func data(_ stream: UInt8, _ text: String, end: Bool = false) -> [UInt8] {
        frame(0, end ? 1 : 0, stream, Array(text.utf8))
    }
    static func answer(_ stream: UInt8, _ text: String) -> [UInt8] { head(stream) + data(stream, text, end: true) }
    static func reset(_ stream: UInt8, _ code: UInt8) -> [UInt8] { frame(3, 0, stream, [0, 0, 0, code]) }
    static func goAway(_ last: UInt8) -> [UInt8] { frame(7, 0, 0, [0, 0, 0, last, 0, 0, 0, 0]) }

    static let refusedStream: UInt8 = 7
}

/// HTTP/1.1 responses.
func http1(_ text: String) -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8)
}
