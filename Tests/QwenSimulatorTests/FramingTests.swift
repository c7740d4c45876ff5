import EventStream
import HTTP
import NIOCore
import TLS
import Testing

@testable import QwenSimulator

/// How frames become bytes, and bytes writes.
@Suite(.timeLimit(.minutes(2))) struct FramingTests {
    private func reply(_ message: String, over applicationProtocol: ApplicationProtocol = .http2) async throws -> Reply
    {
        var reply: Reply?
        try await SimulatorFixture.run(over: applicationProtocol) { reply = try await $0.chat(message) }
        return try #require(reply)
    }

    /// The text without what differs from call to call.
    private func normalized(_ reply: Reply) -> String {
        Assembled(reply.frames).content
    }

    @Test func linesEndAsAsked() async throws {
        let crlf = try await reply("chunks=2 eol=crlf")
        #expect(crlf.text.contains("\r\n\r\ndata: "))
        #expect(crlf.text.hasSuffix("data: [DONE]\r\n\r\n"))
        #expect(!crlf.text.replacing("\r\n", with: "").contains("\n"))
        let carriageReturn = try await reply("chunks=2 eol=cr")
        #expect(!carriageReturn.text.utf8.contains(UInt8(ascii: "\n")))
        #expect(carriageReturn.frames.count == 5)
        let tight = try await reply("chunks=2 space=off")
        #expect(tight.text.hasPrefix("data:{"))
        #expect(!tight.text.contains("data: "))
        #expect(tight.frames.count == 5)
    }

    @Test func commentsAndNativeLinesComeBeforeFrames() async throws {
        let heartbeat = try await reply("chunks=5 heartbeat=2")
        #expect(heartbeat.text.components(": keep-alive\n\n") == 5)
        #expect(heartbeat.frames.count == 8)
        let native = try await reply("chunks=1 native=on")
        #expect(native.text.hasPrefix("id:1\nevent:result\n:HTTP_STATUS/200\ndata: {"))
        #expect(native.events.first?.status == 200)
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func framesAreCutAnywhere(_ applicationProtocol: ApplicationProtocol) async throws {
        let whole = try await reply("chunks=2 text=你好", over: applicationProtocol)
        let bytes = try await reply("chunks=2 text=你好 split=1", over: applicationProtocol)
        #expect(bytes.isWhole)
        #expect(normalized(bytes) == "你好你好")
        #expect(bytes.body.readableBytes == whole.body.readableBytes)
        let random = try await reply("chunks=50 size=20 split=1-7", over: applicationProtocol)
        #expect(random.isWhole)
        #expect(random.frames.count == 53)
        if applicationProtocol == .http2 {
            // Each write is a DATA frame of its own.
            #expect(bytes.writes.count == bytes.body.readableBytes)
            #expect(random.writes.allSatisfy { (1...7).contains($0.readableBytes) })
            #expect(Set(random.writes.map(\.readableBytes)).count == 7)
        }
    }

    @Test func severalFramesLeaveInOneWrite() async throws {
        let single = try await reply("chunks=6 delay=5")
        let packed = try await reply("chunks=6 delay=5 batch=3")
        #expect(single.frames.count == packed.frames.count)
        #expect(packed.writes.contains { String(buffer: $0).components("data: ") >= 3 })
        #expect(packed.writes.count < single.writes.count)
    }

    @Test func silenceInMidStreamEnds() async throws {
        let begun = ContinuousClock.now
        let reply = try await reply("chunks=4 idle=300@2")
        #expect(ContinuousClock.now - begun >= .milliseconds(290))
        #expect(reply.frames.count == 7)
        #expect(try await self.reply("chunks=4 idle=20@2 split=3-9").frames.count == 7)
    }

    @Test func firstByteIsLate() async throws {
        let begun = ContinuousClock.now
        #expect(try await reply("chunks=1 first=300").isWhole)
        #expect(ContinuousClock.now - begun >= .milliseconds(290))
    }

    // MARK: Failures

    @Test(arguments: [ApplicationProtocol.http1, .http2])
    func streamEndsWithinAFrame(_ applicationProtocol: ApplicationProtocol) async throws {
        let reply = try await reply("chunks=5 size=4 fail=middle@2", over: applicationProtocol)
        #expect(reply.isWhole)
        #expect(reply.frames.count == 4)
        #expect(!reply.text.hasSuffix("\n"))
        #expect(reply.frames.last?.hasSuffix("}") == false)
        #expect(Assembled(reply.frames).content == "0xx 1xx ")
    }

    @Test(arguments: [ApplicationProtocol.http1, .http2], ["cut", "reset"])
    func streamBreaks(_ applicationProtocol: ApplicationProtocol, _ failure: String) async throws {
        for split in ["", " split=2-30"] {
            let reply = try await reply("chunks=5 size=4 fail=\(failure)@2\(split)", over: applicationProtocol)
            #expect(reply.status == 200)
            #expect(!reply.isWhole)
            #expect(!reply.text.contains("[DONE]"))
        }
    }

    @Test func streamEndsEarlyOrStalls() async throws {
        try await SimulatorFixture.run { fixture in
            let early = try await fixture.chat("chunks=5 size=4 fail=end@2")
            #expect(early.isWhole)
            #expect(early.frames.count == 3)
            let call = try await fixture.client.start(
                "POST", SimulatorFixture.path, body: SimulatorFixture.body("chunks=5 fail=stall@2"))
            await call.bodyBegan()
            #expect(fixture.simulator.counters.read().active == 1)
            try await call.cancel()
        }
    }

    // MARK: Gzip

    @Test func checksumFollowsTheVector() {
        var checksum = CRC32()
        checksum.update(Array("123456789".utf8))
        #expect(checksum.value == 0xCBF4_3926)
    }

    @Test func storedBlocksGiveTheTextBack() throws {
        var gzip = GzipStream()
        var output = ByteBuffer()
        let long = String(repeating: "0123456789", count: 10_000)
        gzip.write(ByteBuffer(string: "abc"), into: &output)
        gzip.write(ByteBuffer(string: long), into: &output)
        gzip.finish(into: &output)
        #expect(inflate(output) == "abc" + long)
        var empty = GzipStream()
        var nothing = ByteBuffer()
        empty.finish(into: &nothing)
        #expect(inflate(nothing) == "")
    }

    @Test func answersAreCompressedWhereTheyMayBe() async throws {
        try await SimulatorFixture.run { fixture in
            let always = try await fixture.chat("chunks=2 size=4 gzip=always")
            #expect(always.fields["content-encoding"] == "gzip")
            #expect(inflate(always.body)?.hasSuffix("data: [DONE]\n\n") == true)
            let whole = try await fixture.chat("chunks=2 size=4 gzip=always split=3", stream: false)
            #expect(inflate(whole.body).flatMap { jsonValue($0, "choices.0.message.content") } == "0xx 1xx ")
            #expect(try await fixture.chat("chunks=2 gzip=asked").fields["content-encoding"] == nil)
            let asked = try await fixture.client.send(
                "POST", SimulatorFixture.path, body: SimulatorFixture.body("chunks=2 gzip=asked split=1-50"),
                fields: [("accept-encoding", "br, gzip")])
            #expect(asked.fields["content-encoding"] == "gzip")
            #expect(inflate(asked.body)?.hasSuffix("data: [DONE]\n\n") == true)
        }
    }

    /// Reads gzip of stored blocks; nil if anything is wrong with it.
    private func inflate(_ bytes: ByteBuffer) -> String? {
        var bytes = bytes
        guard bytes.readBytes(length: 4) == [0x1F, 0x8B, 8, 0], bytes.readBytes(length: 6) != nil else { return nil }
        var output = ByteBuffer()
        while let header: UInt8 = bytes.readInteger() {
            guard let length: UInt16 = bytes.readInteger(endianness: .little),
                let complement: UInt16 = bytes.readInteger(endianness: .little), length == ~complement, header <= 1,
                var block = bytes.readSlice(length: Int(length))
            else { return nil }
            output.writeBuffer(&block)
            if header == 1 { break }
        }
        var checksum = CRC32()
        checksum.update(output.readableBytesView)
        guard bytes.readInteger(endianness: .little, as: UInt32.self) == checksum.value,
            bytes.readInteger(endianness: .little, as: UInt32.self) == UInt32(output.readableBytes),
            bytes.readableBytes == 0
        else { return nil }
        return String(buffer: output)
    }
}

extension String {
    /// How often `text` occurs.
    fileprivate func components(_ text: String) -> Int {
        ranges(of: text).count
    }
}
