import JSON
import NIOCore
import Testing

@testable import Translation

struct EmbeddingAssemblerTests {
    private static func answer(_ vectors: [(index: Int, text: String)], tokens: Int = 3) -> String {
        let data = vectors.map { #"{"embedding":\#($0.text),"index":\#($0.index),"object":"embedding"}"# }
        return #"{"data":[\#(data.joined(separator: ","))],"model":"text-embedding-v4","object":"list","#
            + #""usage":{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)},"id":"73591b79"}"#
    }

    private func assemble(
        _ request: String, _ answers: [(call: Int, text: String)], limit: Int = 1 << 20
    ) throws -> String {
        var assembler = EmbeddingAssembler(try embeddingRequest(request), limit: limit)
        var document = JSONDocument()
        var output = ByteBuffer()
        for answer in answers {
            let early = assembler.finish(into: &output)
            #expect(!early)
            try assembler.receive(ByteBuffer(string: answer.text), call: answer.call, document: &document)
        }
        let isWhole = assembler.finish(into: &output)
        #expect(isWhole == assembler.isComplete)
        return String(buffer: output)
    }

    @Test func numbersPassByteForByte() throws {
        let text = try assemble(
            #"{"input":["a","b"]}"#, [(0, Self.answer([(1, "[1.50, -2E-3]"), (0, "[0.10,\n7]")]))])
        #expect(
            text == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,\#n7]},"#
                + #"{"object":"embedding","index":1,"embedding":[1.50, -2E-3]}],"model":"text-embedding-v4","#
                + #""usage":{"prompt_tokens":3,"total_tokens":3}}"#)
    }

    @Test func callsComeInAnyOrder() throws {
        let input = (0..<12).map { "\"\($0)\"" }.joined(separator: ",")
        let first = Self.answer((0..<10).map { ($0, "[\($0)]") }, tokens: 10)
        let text = try assemble(
            "{\"input\":[\(input)]}", [(1, Self.answer([(0, "[10]"), (1, "[11]")], tokens: 2)), (0, first)])
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: text))
        let member = document.member("data", of: document.root)
        let data = try #require(member)
        for (place, element) in document.elements(of: data).enumerated() {
            #expect(document.member("index", of: element).flatMap { document.integer($0) } == place)
            #expect(
                document.member("embedding", of: element).map { String(buffer: document.text(of: $0)) } == "[\(place)]")
        }
        #expect(text.hasSuffix(#""usage":{"prompt_tokens":12,"total_tokens":12}}"#))
    }

    @Test func base64IsBitForBit() throws {
        var random = SplitMix(seed: 4)
        let numbers =
            (0..<1_024).map { _ in "\(Double.random(in: -0.2...0.2, using: &random))" } + ["0", "-0", "1e-40"]
        let text = try assemble(
            #"{"input":"a","encoding_format":"base64"}"#,
            [(0, Self.answer([(0, "[\(numbers.joined(separator: ","))]")]))])
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: text))
        let member = document.member("data", of: document.root)
        let data = try #require(member)
        var elements = document.elements(of: data)
        let encoded = elements.next().flatMap { document.member("embedding", of: $0) }.flatMap { document.string($0) }
        let floats = decodedFloats(try #require(encoded))
        #expect(floats?.map(\.bitPattern) == numbers.compactMap { Float($0)?.bitPattern })
    }

    /// Against the vectors of RFC 4648's own alphabet: every number of bytes modulo three.
    @Test(
        arguments: [
            ([], ""), ([1], "AACAPw=="), ([1, -2], "AACAPwAAAMA="), ([1, -2, 0.1], "AACAPwAAAMDNzMw9"),
            ([Float(bitPattern: 0xFFFF_FBEF)], "7/v//w=="),
        ] as [([Float], String)])
    func base64Vectors(_ floats: [Float], _ expected: String) {
        var output = ByteBuffer()
        Base64Floats.write(floats.span, into: &output)
        #expect(String(buffer: output) == expected)
        #expect(expected.utf8.count == Base64Floats.length(of: floats.count))
    }

    static let faults: [(String, EmbeddingAssembler.Fault)] = [
        ("<html>", .malformed), ("[]", .malformed), (#"{"code":"c","message":"m"}"#, .upstream),
        (#"{"error":{"message":"m"},"data":[]}"#, .upstream), (#"{"data":[]}"#, .malformed),
        (answer([(0, "[1]"), (1, "[2]")]), .malformed), (answer([(1, "[1]")]), .malformed),
        (answer([(0, "\"AACA\"")]), .malformed), (answer([(0, "[null]")]), .malformed),
        (answer([(0, "[1e39]")]), .malformed), (answer([(0, "[\(String(repeating: "1,", count: 400))1]")]), .tooLarge),
    ]

    @Test(arguments: faults.indices) func faultsAreTold(_ index: Int) throws {
        let (text, fault) = Self.faults[index]
        #expect(throws: fault) {
            try assemble(#"{"input":"a","encoding_format":"base64"}"#, [(0, text)], limit: 1_024)
        }
    }

    private func decodedFloats(_ text: String) -> [Float]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for letter in text.utf8 where letter != UInt8(ascii: "=") {
            let value: UInt8
            switch letter {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = letter - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = letter - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = letter + 4
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        guard bytes.count % 4 == 0 else { return nil }
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}
