import NIOCore
import Testing

@testable import HTTP

/// The two engines against each other, the bytes between them cut in every way.
struct HTTP2ExchangeTests {
    /// A client and a server, and what each of them saw.
    final class Pair {
        let client: HTTP2Client
        let server: HTTP2Server
        let cut: Cut
        private(set) var requests: [Int32: (head: RequestHead, body: [UInt8])] = [:]
        private(set) var responses: [Int32: (head: ResponseHead, body: [UInt8])] = [:]
        private(set) var ended: Set<Int32> = []
        private(set) var failed: [Int32: StreamFailure] = [:]
        private(set) var closed: Set<Int32> = []
        private(set) var resets: Set<Int32> = []
        /// What the server does once a request is whole.
        var serve: (Pair, StreamID) -> Void = { pair, id in pair.echo(id) }
        var drained: (Pair, StreamID) -> Void = { _, _ in }
        var clientConsumes = true

        init(_ cut: Cut, limits: HTTPLimits = HTTPLimits()) {
            client = HTTP2Client(limits: limits)
            server = HTTP2Server(limits: limits)
            self.cut = cut
            pump()
        }

        func send(_ method: String = "POST", _ body: [UInt8] = [], fields: [(String, String)] = []) -> Int32? {
            var head = RequestHead(method: method, authority: "example.com", path: "/echo")
            for (name, value) in fields { head.fields.append(name: name, value: value) }
            return client.send(head, body: ByteBuffer(bytes: body))?.rawValue
        }

        func echo(_ id: StreamID) {
            let body = requests[id.rawValue]?.body ?? []
            var head = ResponseHead(status: 200, contentLength: body.count)
            head.fields.append("x-echo", "yes")
            server.respond(id, head, end: body.isEmpty)
            server.write(id) { $0.writeBytes(body) }
            server.end(id)
        }

        /// Moves bytes until neither side has any.
        func pump() {
            var moved = true
            while moved {
                moved = false
                var bytes = ByteBuffer()
                while client.writeOutput(into: &bytes, limit: 30_000) {}
                for piece in cut.pieces(of: Array(bytes.readableBytesView)) {
                    moved = true
                    var input = ByteBuffer(bytes: piece)
                    #expect(throws: Never.self) { try server.receive(&input, now: .uptimeNanoseconds(0)) }
                    serverEvents()
                }
                bytes = ByteBuffer()
                while server.writeOutput(into: &bytes, limit: 30_000) {}
                serverEvents()
                for piece in cut.pieces(of: Array(bytes.readableBytesView)) {
                    moved = true
                    var input = ByteBuffer(bytes: piece)
                    #expect(throws: Never.self) { try client.receive(&input, now: .uptimeNanoseconds(0)) }
                    clientEvents()
                }
                clientEvents()
            }
        }

        private func serverEvents() {
            while let event = server.nextEvent() {
                switch event {
                case .head(let id, let head, _): requests[id.rawValue] = (head, [])
                case .body(let id, let bytes):
                    requests[id.rawValue]?.body += Array(bytes.readableBytesView)
                    server.consume(id, bytes.readableBytes)
                case .end(let id): serve(self, id)
                case .fault(_, let fault): Issue.record("\(fault)")
                case .reset(let id):
                    resets.insert(id.rawValue)
                    server.release(id)
                case .drained(let id): drained(self, id)
                case .closed(let id):
                    closed.insert(id.rawValue)
                    server.release(id)
                }
            }
        }

        private func clientEvents() {
            while let event = client.nextEvent() {
                switch event {
                case .head(let id, let head): responses[id.rawValue] = (head, [])
                case .body(let id, let bytes):
                    responses[id.rawValue]?.body += Array(bytes.readableBytesView)
                    if clientConsumes { client.consume(id, bytes.readableBytes) }
                case .end(let id): ended.insert(id.rawValue)
                case .failed(let id, let failure): failed[id.rawValue] = failure
                case .drained: break
                }
            }
        }
    }

    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) } }

    /// nghttp2 refers to fields whose names are in lower case, and copies others: both outlive the lists they came from.
    @Test func fieldsGoOutAsTheyWereWhenTheListsAreGone() throws {
        let pair = Pair(.whole)
        pair.serve = { pair, id in
            var head = ResponseHead(status: 200, contentLength: 0)
            head.fields.append(name: "X-Upper", value: "Value")
            head.fields.append(name: "lower", value: String(repeating: "v", count: 300))
            pair.server.respond(id, head, end: true)
            head.fields.removeAll(keepingCapacity: true)
            head.fields.append(name: "other", value: String(repeating: "o", count: 300))
        }
        let long = String(repeating: "w", count: 300)
        let first = try #require(pair.send(fields: [("Mixed-Case", "One"), ("second", long)]))
        // Not sent so far, and taken back: its fields are not asked for any more.
        let second = try #require(pair.send(fields: [("third", long)]))
        pair.client.cancel(StreamID(second))
        pair.pump()
        let request = try #require(pair.requests[first]?.head)
        #expect(request.fields.name(at: 0) == "mixed-case" && request.fields["mixed-case"] == "One")
        #expect(request.fields["second"] == long)
        let response = try #require(pair.responses[first]?.head)
        #expect(response.fields.name(at: 0) == "x-upper" && response.fields["x-upper"] == "Value")
        #expect(response.fields["lower"] == String(repeating: "v", count: 300) && response.fields["other"] == nil)
        #expect(pair.requests[second] == nil)
    }

    @Test(arguments: Cut.allCases, [0, 1, 1_000, 70_000])
    func echo(_ cut: Cut, _ size: Int) throws {
        let pair = Pair(size > 1_000 && cut == .bytes ? .random : cut)
        let body = Self.bytes(size)
        let id = try #require(pair.send("POST", body, fields: [("X-Mixed-Case", "v"), ("cookie", "a=1; b=2")]))
        pair.pump()
        let request = try #require(pair.requests[id])
        #expect(request.body == body)
        #expect(request.head.fields["x-mixed-case"] == "v" && request.head.fields["cookie"] == "a=1; b=2")
        let response = try #require(pair.responses[id])
        #expect(response.body == body && response.head.contentLength == size)
        #expect(response.head.fields["x-echo"] == "yes")
        #expect(pair.ended == [id] && pair.closed == [id] && pair.failed.isEmpty && pair.resets.isEmpty)
        #expect(pair.client.openStreams == 0 && pair.server.openStreams == 0)
    }

    /// A hundred at once, of sizes that differ, over windows that are far too small for them.
    @Test(arguments: [Cut.whole, .random])
    func many(_ cut: Cut) {
        var limits = HTTPLimits()
        limits.streamWindow = 999
        limits.connectionWindow = 70_000
        let pair = Pair(cut, limits: limits)
        var bodies: [Int32: [UInt8]] = [:]
        for index in 0..<100 {
            let body = Self.bytes(index * 37)
            if let id = pair.send("POST", body) { bodies[id] = body }
        }
        #expect(bodies.count == 100)
        pair.pump()
        #expect(pair.ended == Set(bodies.keys) && pair.closed == Set(bodies.keys))
        for (id, body) in bodies { #expect(pair.responses[id]?.body == body) }
    }

    /// A response of many chunks, each written when the one before has gone out.
    @Test(arguments: Cut.allCases)
    func stream(_ cut: Cut) throws {
        let pair = Pair(cut)
        var left = 500
        var sent = 0
        func next(_ pair: Pair, _ id: StreamID) {
            left -= 1
            guard left >= 0 else { return pair.server.end(id) }
            pair.server.write(id) { sent += $0.writeString("data: {\"chunk\":\(left)}\n\n") }
        }
        pair.serve = { pair, id in
            pair.server.respond(id, ResponseHead(status: 200), end: false)
            next(pair, id)
        }
        pair.drained = next
        let id = try #require(pair.send("POST", Self.bytes(10)))
        pair.pump()
        #expect(pair.responses[id]?.body.count == sent)
        #expect(pair.responses[id]?.head.contentLength == nil)
        #expect(pair.ended == [id] && pair.closed == [id])
        #expect(left == -1)
    }

    /// A reader that takes nothing stops its stream at one window, and another stream goes on.
    @Test func backpressure() throws {
        let pair = Pair(.whole)
        pair.clientConsumes = false
        pair.serve = { pair, id in
            pair.server.respond(id, ResponseHead(status: 200), end: false)
            pair.server.write(id) { $0.writeRepeatingByte(1, count: 200_000) }
            pair.server.end(id)
        }
        let slow = try #require(pair.send())
        pair.pump()
        #expect(pair.responses[slow]?.body.count == 65_535)
        #expect(pair.server.queuedBytes(StreamID(slow)) == 200_000 - 65_535)
        pair.clientConsumes = true
        let fast = try #require(pair.send())
        pair.pump()
        #expect(pair.responses[fast]?.body.count == 200_000 && pair.ended == [fast])
        pair.client.consume(StreamID(slow), 65_535)
        pair.pump()
        #expect(pair.responses[slow]?.body.count == 200_000 && pair.ended == [slow, fast])
    }

    @Test(arguments: Cut.allCases)
    func abort(_ cut: Cut) throws {
        let pair = Pair(cut)
        pair.serve = { pair, id in
            pair.server.respond(id, ResponseHead(status: 200), end: false)
            pair.server.write(id) { $0.writeString("not whole") }
            pair.server.abort(id, .internalError)
        }
        let id = try #require(pair.send())
        pair.pump()
        #expect(pair.responses[id]?.body == Array("not whole".utf8))
        #expect(pair.failed[id] == StreamFailure(.reset(Code.internalError), hasBegun: true) && pair.ended.isEmpty)
        #expect(pair.resets == [id])
    }

    /// Cancelled before, during and after: the server hears of it once, and the connection serves on.
    @Test(arguments: Cut.allCases)
    func cancel(_ cut: Cut) throws {
        let pair = Pair(cut)
        pair.serve = { pair, id in
            pair.server.respond(id, ResponseHead(status: 200), end: false)
            pair.server.write(id) { $0.writeString("some") }
        }
        let early = try #require(pair.send())
        pair.client.cancel(StreamID(early))
        let late = try #require(pair.send())
        pair.pump()
        pair.client.cancel(StreamID(late))
        pair.pump()
        #expect(pair.resets == [late] && pair.requests[early] == nil)
        pair.serve = { pair, id in pair.echo(id) }
        let good = try #require(pair.send("POST", Self.bytes(5)))
        pair.pump()
        #expect(pair.ended == [good] && pair.closed == [good])
        #expect(pair.client.openStreams == 0 && pair.server.openStreams == 0)
    }

    @Test(arguments: Cut.allCases)
    func shutdown(_ cut: Cut) throws {
        let pair = Pair(cut)
        pair.serve = { _, _ in }
        let id = try #require(pair.send())
        pair.pump()
        pair.server.shutdown()
        pair.pump()
        #expect(pair.client.capacity == 0 && !pair.client.isFinished && !pair.server.isFinished)
        pair.server.shutdown()
        pair.pump()
        pair.echo(StreamID(id))
        pair.pump()
        #expect(pair.ended == [id] && pair.closed == [id])
        #expect(pair.client.isFinished && pair.server.isFinished)
    }

    /// An early answer reaches the client whole.
    @Test func earlyAnswer() throws {
        let pair = Pair(.whole)
        var head = ResponseHead(status: 413, contentLength: 2)
        head.fields.append("x", "1")
        let id = try #require(pair.send("POST", Self.bytes(300_000)))
        // The first window's worth only.
        var bytes = ByteBuffer()
        while pair.client.writeOutput(into: &bytes, limit: 1 << 20) {}
        try pair.server.receive(&bytes, now: .uptimeNanoseconds(0))
        pair.server.respond(StreamID(id), head, end: false)
        pair.server.write(StreamID(id)) { $0.writeString("no") }
        pair.server.end(StreamID(id))
        pair.pump()
        #expect(pair.responses[id]?.head.status == 413 && pair.responses[id]?.body == Array("no".utf8))
        #expect(pair.ended == [id] && pair.failed.isEmpty && pair.closed == [id])
        #expect(pair.client.openStreams == 0 && pair.server.openStreams == 0)
    }

    /// Random bytes, and good ones with some changed: nothing traps, and what ends is finished.
    @Test func randomBytes() {
        var generator = SystemRandomNumberGenerator()
        let good =
            Make.preface + Make.settings([(4, 100)]) + Make.settingsAck
            + Make.headers(1, Make.request("POST"), end: false)
            + Make.data(1, "hello") + Make.frame(Kind.data, Flag.padded, 1, [2, 65, 0, 0]) + Make.windowUpdate(1, 9)
            + Make.headers(1, [("x", "1")]) + Make.priority(3, on: 1) + Make.headers(3, Make.request()) + Make.ping()
            + Make.reset(3) + Make.headers(5, Make.request()) + Make.goAway(0, 0)
        for round in 0..<3_000 {
            let client = RawClient(settings: round % 2 == 0 ? nil : [], cut: round % 3 == 0 ? .random : .whole)
            var bytes = round % 2 == 0 ? good : Array(good.dropFirst(Make.preface.count + 24))
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            client.send(bytes)
            client.send((0..<50).map { _ in UInt8.random(in: 0...255, using: &generator) })
            if client.thrown != nil { #expect(client.server.isFinished) }
            var open: Set<String> = []
            for line in client.transcript {
                let words = line.split(separator: " ")
                let stream = String(words[1])
                switch words[0] {
                case "head", "fault": open.insert(stream)
                case "closed", "reset": #expect(open.remove(stream) != nil, "\(client.transcript)")
                default: #expect(open.contains(stream), "\(client.transcript)")
                }
            }
        }
    }

    /// The same for the client engine.
    @Test func randomBytesForTheClient() {
        var generator = SystemRandomNumberGenerator()
        let good =
            RawServer.head(1, "100") + RawServer.head(1, "200", [("content-length", "5")]) + Make.data(1, "hello")
            + Make.headers(1, [("x", "1")]) + RawServer.head(3) + Make.data(3, "x") + Make.ping()
            + Make.settings([(4, 9)])
            + Make.windowUpdate(0, 5) + Make.reset(5) + Make.data(3, "", end: true) + Make.goAway(3, 0)
        for round in 0..<3_000 {
            let server = RawServer(cut: round % 3 == 0 ? .random : .whole)
            for _ in 0..<4 { _ = server.request("POST", body: "body") }
            server.clear()
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            server.send(bytes)
            server.client.receiveEnd(clean: false)
            server.run()
            // Each call ends once, and nothing comes after.
            var over: Set<Substring> = []
            for line in server.transcript {
                let words = line.split(separator: " ")
                #expect(!over.contains(words[1]), "\(server.transcript)")
                if words[0] == "end" || words[0] == "failed" { over.insert(words[1]) }
            }
            #expect(over == ["1", "3", "5", "7"], "\(server.transcript)")
            #expect(server.client.isFinished && server.client.openStreams == 0)
        }
    }
}
