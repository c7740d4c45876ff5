import NIOCore
import Testing

@testable import HTTP

/// Inputs that are right but for a few random bytes, with seeds that make failures repeatable.
///
/// Whatever an input is, nothing may trap, and what comes of it must not depend on how it was cut.
struct HTTP1MutationTests {
    /// SplitMix64.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let telling = latin1("\r\n\t\u{0} :,;=\"\\0159afx+-_#/*\u{7F}\u{80}\u{FF}")

    private func mutate(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &generator)
            let byte = Self.telling.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.remove(at: index)
            case 1: bytes.insert(byte, at: index)
            case 2: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            case 3: bytes.insert(contentsOf: bytes[..<index].suffix(8), at: index)
            default: bytes[index] = byte
            }
        }
        return bytes
    }

    private func pieces(_ bytes: [UInt8], _ generator: inout Generator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...12, using: &generator)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func requests(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        for _ in 0..<5 {
            for request in HTTP1RequestTests.good {
                let input = mutate(latin1(request.input), &generator)
                var whole = ServerDriver()
                try whole.feed(input)
                var cut = ServerDriver()
                for piece in pieces(input, &generator) { try cut.feed(piece) }
                let text = input.debugDescription
                #expect(whole.transcript == cut.transcript, "\(text)")
                #expect(whole.output == cut.output, "\(text)")
                #expect(whole.server.isFinished == cut.server.isFinished, "\(text)")
                #expect(whole.server.isReceivingHead == cut.server.isReceivingHead, "\(text)")
                for head in whole.heads {
                    #expect(head.path == "*" || RequestValidation.isOriginForm(head.path), "\(text)")
                    #expect(head.authority.isEmpty || RequestValidation.isAuthority(head.authority), "\(text)")
                }
            }
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func responses(_ seed: UInt64) {
        var generator = Generator(state: seed)
        for response in HTTP1ClientTests.good {
            let input = mutate(latin1(response.input), &generator)
            let whole = outcome([input[...]], response.method)
            let cut = outcome(pieces(input, &generator), response.method)
            #expect(whole == cut, "\(input.debugDescription)")
        }
    }

    /// What a client makes of a response that comes in `pieces` and is followed by the connection's end.
    private func outcome(_ pieces: [ArraySlice<UInt8>], _ method: String) -> [String] {
        let client = HTTP1Client(limits: HTTPLimits())
        _ = client.send(RequestHead(method: method, authority: "a", path: "/"), body: ByteBuffer())
        var output = ByteBuffer()
        while client.writeOutput(into: &output, limit: 1000) {}
        var lines: [String] = []
        for piece in pieces {
            var input = ByteBuffer(bytes: piece)
            try? client.receive(&input, now: .uptimeNanoseconds(0))
        }
        lines.append("finished \(client.isFinished)")
        client.receiveEnd(clean: true)
        var body = ByteBuffer()
        while let event = client.nextEvent() {
            if case .body(_, var bytes) = event {
                body.writeBuffer(&bytes)
            } else {
                lines.append("\(event)")
            }
        }
        return lines + [String(buffer: body)]
    }
}
