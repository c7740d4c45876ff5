import NIOCore

@testable import HTTP

/// Error codes (RFC 9113 §7).
enum Code {
    static let noError: UInt32 = 0x0
    static let protocolError: UInt32 = 0x1
    static let internalError: UInt32 = 0x2
    static let flowControlError: UInt32 = 0x3
    static let streamClosed: UInt32 = 0x5
    static let frameSizeError: UInt32 = 0x6
    static let refusedStream: UInt32 = 0x7
    static let cancel: UInt32 = 0x8
    static let compressionError: UInt32 = 0x9
    static let enhanceYourCalm: UInt32 = 0xB
}

/// Frame types (RFC 9113 §6).
enum Kind {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let rstStream: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
}

enum Flag {
    static let ack: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let priority: UInt8 = 0x20
}

func big32(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// Makes frames by hand, right ones and wrong ones.
enum Make {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        big32(UInt32(payload.count))[1...] + [type, flags] + big32(stream) + payload
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(
            Kind.settings, 0, 0,
            entries.flatMap { [UInt8($0.0 >> 8), UInt8(truncatingIfNeeded: $0.0)] + big32($0.1) })
    }

    static let settingsAck = frame(Kind.settings, Flag.ack, 0)

    /// A header block of literals without indexing, uncompressed (RFC 7541 §6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0] + text($0.0) + text($0.1) }
    }

    static func text(_ text: String) -> [UInt8] {
        let bytes = latin1(text)
        return integer(bytes.count, prefix: 7, first: 0) + bytes
    }

    /// RFC 7541 §5.1.
    static func integer(_ value: Int, prefix: Int, first: UInt8) -> [UInt8] {
        let most = 1 << prefix - 1
        if value < most { return [first | UInt8(value)] }
        var bytes = [first | UInt8(most)]
        var rest = value - most
        while rest >= 128 {
            bytes.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    static func headers(_ stream: UInt32, _ block: [UInt8], end: Bool = true, flags: UInt8 = 0) -> [UInt8] {
        frame(Kind.headers, Flag.endHeaders | (end ? Flag.endStream : 0) | flags, stream, block)
    }

    static func headers(
        _ stream: UInt32, _ fields: [(String, String)], end: Bool = true, flags: UInt8 = 0
    ) -> [UInt8] {
        headers(stream, block(fields), end: end, flags: flags)
    }

    /// A good request's control data.
    static func request(_ method: String = "GET", path: String = "/") -> [(String, String)] {
        [(":method", method), (":scheme", "https"), (":authority", "example.com"), (":path", path)]
    }

    static func data(_ stream: UInt32, _ text: String, end: Bool = false) -> [UInt8] {
        frame(Kind.data, end ? Flag.endStream : 0, stream, Array(text.utf8))
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = Code.cancel) -> [UInt8] {
        frame(Kind.rstStream, 0, stream, big32(code))
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        frame(Kind.windowUpdate, 0, stream, big32(increment))
    }

    static func priority(_ stream: UInt32, on dependency: UInt32) -> [UInt8] {
        frame(Kind.priority, 0, stream, big32(dependency) + [15])
    }

    static func ping(_ flags: UInt8 = 0) -> [UInt8] {
        frame(Kind.ping, flags, 0, [1, 2, 3, 4, 5, 6, 7, 8])
    }

    static func goAway(_ lastStream: UInt32, _ code: UInt32) -> [UInt8] {
        frame(Kind.goAway, 0, 0, big32(lastStream) + big32(code))
    }
}

/// A frame as it was read from an engine's output.
struct WireFrame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    /// The 32-bit number at the payload's `offset`.
    func number(at offset: Int) -> UInt32 {
        guard payload.count >= offset + 4 else { return .max }
        return payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var isEnd: Bool { (type == Kind.data || type == Kind.headers) && flags & Flag.endStream != 0 }
}

/// Cuts output into frames.
struct FrameReader {
    private var bytes: [UInt8] = []
    /// Bytes of a connection preface that come first.
    var skip = 0

    mutating func read(_ buffer: ByteBuffer) -> [WireFrame] {
        bytes += Array(buffer.readableBytesView)
        let skipped = min(skip, bytes.count)
        bytes.removeFirst(skipped)
        skip -= skipped
        var frames: [WireFrame] = []
        while bytes.count >= 9 {
            let length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
            guard bytes.count >= 9 + length else { break }
            let stream = bytes[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                WireFrame(type: bytes[3], flags: bytes[4], stream: stream, payload: Array(bytes[9..<9 + length])))
            bytes.removeFirst(9 + length)
        }
        return frames
    }
}

/// What an engine did about something wrong.
enum Verdict: Equatable, CustomStringConvertible {
    case goAway(UInt32)
    case reset(UInt32, UInt32)
    case accepted

    var description: String {
        switch self {
        case .goAway(let code): "GOAWAY \(code)"
        case .reset(let stream, let code): "RST_STREAM \(code) on \(stream)"
        case .accepted: "accepted"
        }
    }

    /// The first GOAWAY with an error, or else the first RST_STREAM.
    init(_ frames: [WireFrame]) {
        if let frame = frames.first(where: { $0.type == Kind.goAway && $0.number(at: 4) != 0 }) {
            self = .goAway(frame.number(at: 4))
        } else if let frame = frames.first(where: { $0.type == Kind.rstStream }) {
            self = .reset(frame.stream, frame.number(at: 0))
        } else {
            self = .accepted
        }
    }
}

/// How an engine's input is cut.
enum Cut: CaseIterable, Sendable {
    case whole, bytes, random

    func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        switch self {
        case .whole: return bytes.isEmpty ? [] : [bytes[...]]
        case .bytes: return bytes.indices.map { bytes[$0...$0] }
        case .random:
            var pieces: [ArraySlice<UInt8>] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...40))
                pieces.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            return pieces
        }
    }
}

/// Drives an `HTTP2Server` as a connection would: hand-made frames in, frames and a transcript of the events out.
///
/// Consecutive body events are written as one, so that transcripts do not depend on how the input was cut.
final class RawClient {
    let server: HTTP2Server
    var cut = Cut.whole
    /// Answers every whole request with "ok", and every fault with its status.
    var answers = true
    /// Begins to answer every whole request, and goes no further.
    var begins = false
    var consumes = true
    /// Whether the work for a stream is gone as soon as the stream is; otherwise it is among `held`.
    var releases = true
    private(set) var held: [StreamID] = []
    var now = NIODeadline.uptimeNanoseconds(0)
    /// Whether output is taken; if not, the peer does not read.
    var reads = true

    private(set) var transcript: [String] = []
    private(set) var heads: [RequestHead] = []
    private(set) var faults: [RequestFault] = []
    private(set) var frames: [WireFrame] = []
    private(set) var thrown: ConnectionFault?
    private var reader = FrameReader()

    /// - Parameter settings: the client's SETTINGS; nil sends no preface.
    init(limits: HTTPLimits = HTTPLimits(), settings: [(UInt16, UInt32)]? = [], cut: Cut = .whole, acks: Bool = true) {
        server = HTTP2Server(limits: limits)
        if let settings {
            send(Make.preface + Make.settings(settings) + (acks ? Make.settingsAck : []))
            clear()
        }
        self.cut = cut
    }

    func send(_ bytes: [UInt8]) {
        for piece in cut.pieces(of: bytes) {
            var input = ByteBuffer(bytes: piece)
            do {
                try server.receive(&input, now: now)
            } catch {
                thrown = error
            }
            run()
        }
    }

    /// Works through events and output until there are none.
    func run() {
        repeat {
            while let event = server.nextEvent() { note(event) }
        } while reads && flush()
        while let event = server.nextEvent() { note(event) }
    }

    /// Takes the output that is there.
    @discardableResult
    func flush(limit: Int = 1 << 20) -> Bool {
        var buffer = ByteBuffer()
        guard server.writeOutput(into: &buffer, limit: limit) else { return false }
        frames += reader.read(buffer)
        return true
    }

    func clear() {
        transcript = []
        frames = []
    }

    /// What the connection ended for.
    var reason: ConnectionFault.Reason? { thrown?.reason ?? server.terminated?.reason }

    func takeTranscript() -> [String] {
        defer { transcript = [] }
        return transcript
    }

    func takeFrames() -> [WireFrame] {
        defer { frames = [] }
        return frames
    }

    /// The sum of the window that came back for a stream.
    func windowGiven(_ stream: UInt32) -> Int {
        frames.filter { $0.type == Kind.windowUpdate && $0.stream == stream }
            .reduce(0) { $0 + Int($1.number(at: 0)) }
    }

    /// The frames that bear END_STREAM.
    var endCount: Int { frames.count { $0.isEnd } }

    /// The DATA bytes that came on a stream.
    func body(_ stream: UInt32) -> [UInt8] {
        frames.filter { $0.type == Kind.data && $0.stream == stream }.flatMap(\.payload)
    }

    func verdict(of bytes: [UInt8]) -> Verdict {
        clear()
        send(bytes)
        return Verdict(frames)
    }

    /// Sends the frame again and again until the connection ends or `most` were sent; how many it took, and the
    /// GOAWAY's code.
    func flood(most: Int = 20_000, _ frame: (Int) -> [UInt8]) -> (count: Int, verdict: Verdict) {
        clear()
        for index in 0..<most {
            send(frame(index))
            if server.isFinished || thrown != nil {
                flush()
                return (index + 1, Verdict(frames))
            }
        }
        return (most, .accepted)
    }

    private func note(_ event: ServerEvent) {
        switch event {
        case .head(let id, let head, let hasBody):
            heads.append(head)
            transcript.append("head \(id.rawValue) \(head.method) \(head.path)\(hasBody ? " +body" : "")")
        case .body(let id, let bytes):
            if consumes { server.consume(id, bytes.readableBytes) }
            let prefix = "body \(id.rawValue) "
            if let last = transcript.last, last.hasPrefix(prefix) {
                transcript[transcript.count - 1] = last + String(buffer: bytes)
            } else {
                transcript.append(prefix + String(buffer: bytes))
            }
        case .end(let id):
            transcript.append("end \(id.rawValue)")
            if answers { answer(id, 200, "ok") }
            if begins {
                server.respond(id, ResponseHead(status: 200), end: false)
                server.write(id) { $0.writeString("begun") }
            }
        case .fault(let id, let fault):
            faults.append(fault)
            transcript.append("fault \(id.rawValue) \(fault.status)")
            if answers { answer(id, fault.status, "fault") }
        case .reset(let id):
            transcript.append("reset \(id.rawValue)")
            release(id)
        case .drained(let id): transcript.append("drained \(id.rawValue)")
        case .closed(let id):
            transcript.append("closed \(id.rawValue)")
            release(id)
        }
    }

    private func release(_ id: StreamID) {
        if releases { server.release(id) } else { held.append(id) }
    }

    func answer(_ id: StreamID, _ status: Int, _ body: String) {
        server.respond(id, ResponseHead(status: status, contentLength: body.utf8.count), end: false)
        server.write(id) { $0.writeString(body) }
        server.end(id)
    }
}

/// Drives an `HTTP2Client` against hand-made frames of a server.
final class RawServer {
    let client: HTTP2Client
    var cut = Cut.whole
    var consumes = true

    private(set) var transcript: [String] = []
    private(set) var heads: [ResponseHead] = []
    private(set) var failures: [StreamFailure] = []
    private(set) var frames: [WireFrame] = []
    private(set) var thrown: ConnectionFault?
    private var reader = FrameReader()

    init(limits: HTTPLimits = HTTPLimits(), settings: [(UInt16, UInt32)] = [], cut: Cut = .whole) {
        client = HTTP2Client(limits: limits)
        reader.skip = Make.preface.count
        run()
        send(Make.settings(settings) + Make.settingsAck)
        clear()
        self.cut = cut
    }

    func send(_ bytes: [UInt8]) {
        for piece in cut.pieces(of: bytes) {
            var input = ByteBuffer(bytes: piece)
            do {
                try client.receive(&input, now: .uptimeNanoseconds(0))
            } catch {
                thrown = error
            }
            run()
        }
    }

    func run() {
        repeat {
            while let event = client.nextEvent() { note(event) }
        } while flush()
        while let event = client.nextEvent() { note(event) }
    }

    private func flush() -> Bool {
        var buffer = ByteBuffer()
        guard client.writeOutput(into: &buffer, limit: 1 << 20) else { return false }
        frames += reader.read(buffer)
        return true
    }

    func clear() {
        transcript = []
        frames = []
    }

    func takeTranscript() -> [String] {
        defer { transcript = [] }
        return transcript
    }

    func request(_ method: String = "GET", body: String = "") -> StreamID? {
        defer { run() }
        return client.send(
            RequestHead(method: method, authority: "example.com", path: "/"), body: ByteBuffer(string: body))
    }

    /// The header section of a response.
    static func head(
        _ stream: UInt32, _ status: String = "200", _ fields: [(String, String)] = [], end: Bool = false
    ) -> [UInt8] {
        Make.headers(stream, [(":status", status)] + fields, end: end)
    }

    private func note(_ event: ClientEvent) {
        switch event {
        case .head(let id, let head):
            heads.append(head)
            transcript.append("head \(id.rawValue) \(head.status)")
        case .body(let id, let bytes):
            if consumes { client.consume(id, bytes.readableBytes) }
            let prefix = "body \(id.rawValue) "
            if let last = transcript.last, last.hasPrefix(prefix) {
                transcript[transcript.count - 1] = last + String(buffer: bytes)
            } else {
                transcript.append(prefix + String(buffer: bytes))
            }
        case .end(let id): transcript.append("end \(id.rawValue)")
        case .failed(let id, let failure):
            failures.append(failure)
            transcript.append("failed \(id.rawValue) \(failure.reason)\(failure.isUnprocessed ? " unprocessed" : "")")
        case .drained(let id): transcript.append("drained \(id.rawValue)")
        }
    }
}
