import HTTP
import NIOCore

/// An input is a script of steps of two bytes: what a client sends, what the application does, and whether the client
/// reads. So a few bytes reach every counter, and mutations change the order of events.
struct AttackTarget {
    private static let streams = 8
    private static let queuedBytes = 1 << 20
    /// Bytes of an answer, more or less.
    private static let answer = 2 << 20
    /// Frames of no progress that may come at once, and what time brings back in a second.
    private static let patience = 800, perSecond = 20
    /// GET, https, /, and `a` for the authority.
    private static let request: [UInt8] = [0x82, 0x87, 0x84, 0x01, 0x01, 0x61]

    private let server: HTTP2Server
    private var now = NIODeadline.uptimeNanoseconds(0)
    private var reads = true
    private var isOver = false
    private var lastID: UInt32 = 0xFFFF_FFFF
    /// Streams that the application has, and those that it has heard the end of and goes on working for.
    private var open: [StreamID] = []
    private var working: [StreamID] = []
    /// Bytes of bodies that were written since the client last read, and of what else there may be for each stream.
    private var written = 0
    private var seconds = 0
    /// Frames for which no excuse pays.
    private var useless = 0

    static func run(_ input: [UInt8]) {
        var run = AttackTarget()
        var rest = input.prefix(512)[...]
        while rest.count >= 2, !run.isOver {
            let (operation, argument) = (rest[rest.startIndex], Int(rest[rest.startIndex + 1]))
            rest = rest.dropFirst(2)
            // The upper half says how often: 1, 4, 16, …
            let times = 1 << (2 * (operation >> 6))
            for _ in 0..<times where !run.isOver {
                run.step(operation & 0x3F, argument)
                run.check()
            }
        }
        run.end()
    }

    private init() {
        var limits = HTTPLimits()
        limits.concurrentStreams = Self.streams
        limits.queuedBytes = Self.queuedBytes
        server = HTTP2Server(limits: limits)
        send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4, 0, 0) + Self.frame(4, 1, 0))
    }

    // MARK: Steps

    private mutating func step(_ operation: UInt8, _ argument: Int) {
        let word = UInt32(argument)
        switch operation % 28 {
        case 0: begin(flags: 5)
        case 1: begin(flags: 4)
        case 2: begin(flags: 5, Self.request + [0x00, 0x01, 0x58, 0x01, 0x31])
        case 3: begin(flags: 1)
        case 4: send(Self.frame(9, argument % 2 == 0 ? 4 : 0, lastID, argument % 3 == 0 ? Self.request : []))
        case 5: begin(flags: 5, Self.request + Array(repeating: 0x40 | 0x80, count: 16 * argument))
        case 6: send(Self.frame(3, 0, stream(argument), Self.big(8)))
        case 7: send(Self.frame(8, 0, argument % 2 == 0 ? 0 : stream(argument / 2), Self.big(word)))
        case 8: send(Self.frame(8, 0, stream(argument), Self.big(0x7FFF_FFFF)))
        case 9:
            send(Self.frame(0, argument % 2 == 0 ? 1 : 0, stream(argument / 2), Array(repeating: 7, count: argument)))
        case 10: send(Self.frame(0, 8, stream(argument), [UInt8(argument)] + Array(repeating: 0, count: argument)))
        case 11: useless(Self.frame(4, 0, 0, [0, 4] + Self.big(word << 8)))
        case 12: send(Self.frame(6, UInt8(argument & 1), 0, Array(repeating: 1, count: 8)))
        case 13: useless(Self.frame(2, 0, lastID &+ 2, Self.big(0) + [UInt8(argument)]))
        case 14: useless(Self.frame(0x20 | UInt8(argument & 15), UInt8(argument), 0, [1]))
        case 15: send(Self.frame(7, 0, 0, Self.big(0) + Self.big(0)))
        case 16: send(Self.frame(1, 5, stream(argument), [0x00, 0x01, 0x78, 0x01, 0x31]))
        case 17: send(Self.frame(UInt8(argument & 15), UInt8(argument >> 4), stream(argument), [1, 2, 3, 4, 5]))
        case 18: respond(argument)
        case 19: write(argument)
        case 20: if let id = pick(argument) { server.end(id) }
        case 21: if let id = pick(argument) { server.abort(id, argument % 2 == 0 ? .cancel : .internalError) }
        case 22: release(argument)
        case 23: reads.toggle()
        case 24: wait(argument)
        case 25: while !working.isEmpty { release(0) }
        case 26: send(Array(repeating: UInt8(argument), count: 3))
        default: if argument == 0 { server.shutdown() }
        }
        work()
    }

    private mutating func begin(flags: UInt8, _ block: [UInt8] = request) {
        lastID = lastID &+ 2 & 0x7FFF_FFFF
        send(Self.frame(1, flags, lastID, block))
    }

    private mutating func useless(_ frame: [UInt8]) {
        send(frame)
        useless += 1
    }

    private mutating func wait(_ seconds: Int) {
        self.seconds += seconds
        now = now + .seconds(Int64(seconds))
    }

    private mutating func respond(_ argument: Int) {
        if let id = pick(argument) { server.respond(id, ResponseHead(status: 200), end: argument > 200) }
    }

    private mutating func write(_ argument: Int) {
        guard let id = pick(argument), server.queuedBytes(id) < Self.answer else { return }
        let count = argument * argument * 8
        written += count
        server.write(id) { $0.writeRepeatingByte(0x61, count: count) }
    }

    private mutating func release(_ index: Int) {
        guard !working.isEmpty else { return }
        server.release(working.remove(at: index % working.count))
    }

    private func pick(_ index: Int) -> StreamID? { open.isEmpty ? nil : open[index % open.count] }

    /// One of the last eight streams.
    private func stream(_ index: Int) -> UInt32 { lastID &- 2 &* UInt32(index % 8) & 0x7FFF_FFFF }

    // MARK: The engine's side

    private mutating func send(_ bytes: [UInt8]) {
        guard !isOver else { return }
        var input = ByteBuffer(bytes: bytes)
        do throws(ConnectionFault) { try server.receive(&input, now: now) } catch { isOver = true }
    }

    private mutating func work() {
        readEvents()
        if reads { readOutput() }
        readEvents()
        if server.isFinished { isOver = true }
    }

    private mutating func readOutput() {
        var output = ByteBuffer()
        while server.writeOutput(into: &output, limit: 1 << 16) { readEvents() }
        // 800 frames may wait, none of them larger than a response's head or a GOAWAY with its reason; bodies come with
        // headers for each frame of theirs, which a window may cut to a byte.
        fuzz.check(output.readableBytes <= 100 * 1024 + 10 * written, "\(output.readableBytes) bytes of output")
        written = server.bufferedBytes
    }

    private mutating func readEvents() {
        while let event = server.nextEvent() {
            switch event {
            case .head(let id, _, _): open.append(id)
            case .fault(let id, _): if !open.contains(id) { open.append(id) }
            case .body(let id, let bytes): server.consume(id, bytes.readableBytes)
            case .closed(let id), .reset(let id):
                fuzz.check(open.contains(id), "the end of a stream that nobody has")
                open.removeAll { $0 == id }
                working.append(id)
            case .end, .drained: break
            }
        }
    }

    // MARK: What must hold

    private func check() {
        fuzz.check(server.openStreams <= Self.streams, "\(server.openStreams) open streams")
        fuzz.check(open.count + working.count <= Self.streams, "\(open.count) streams, and work for \(working.count)")
        // Every stream may queue 256 KiB, and one of them all of its answer.
        let most = Self.queuedBytes + Self.streams * 256 * 1024 + Self.answer + 8 * 255 * 255
        fuzz.check(server.bufferedBytes <= most, "\(server.bufferedBytes) bytes wait")
        fuzz.check(
            isOver || useless <= Self.patience + Self.perSecond * seconds, "\(useless) frames of no progress")
    }

    private mutating func end() {
        readEvents()
        readOutput()
        if server.fault != nil { fuzz.check(server.isFinished, "a fault, and no end") }
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        big(UInt32(payload.count))[1...] + [type, flags] + big(stream) + payload
    }
}
