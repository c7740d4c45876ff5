import JSON
import NIOCore
import Testing

@Suite struct JSONWriterTests {
    @Test func commasAreSet() {
        var writer = JSONWriter(ByteBuffer(string: "data: "))
        writer.beginObject()
        writer.member("a", .integer(1))
        writer.key("b")
        writer.beginArray()
        writer.value(.null)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.value(.bool(true))
        writer.value(utf8: ByteBuffer(string: "x\n").readableBytesSpan)
        writer.endArray()
        writer.member("c", .raw("[1, 2]"))
        writer.key("d")
        writer.beginObject()
        writer.member("e", .double(1.5))
        writer.endObject()
        writer.endObject()
        #expect(
            String(buffer: writer.buffer)
                == #"data: {"a":1,"b":[null,{},[],true,"x\n"],"c":[1, 2],"d":{"e":1.5}}"#)
    }

    private func written(_ bytes: [UInt8]) -> [UInt8] {
        var output = ByteBuffer()
        JSONWriter.writeString(utf8: ByteBuffer(bytes: bytes).readableBytesSpan, into: &output)
        return Array(output.readableBytesView)
    }

    @Test func onlyWhatMustBeIsEscaped() {
        for byte in UInt8(0)...0x7F {
            let expected: String =
                switch byte {
                case 0x22: "\\\""
                case 0x5C: "\\\\"
                case 0x08: "\\b"
                case 0x09: "\\t"
                case 0x0A: "\\n"
                case 0x0C: "\\f"
                case 0x0D: "\\r"
                case 0..<0x10: "\\u000" + String(byte, radix: 16)
                case 0x10..<0x20: "\\u00" + String(byte, radix: 16)
                default: String(UnicodeScalar(byte))
                }
            for count in [0, 1, 7, 8, 9, 20] {
                let filler = String(repeating: "é", count: count)
                let bytes = Array(filler.utf8) + [byte] + Array(filler.utf8)
                #expect(written(bytes) == Array("\"\(filler)\(expected)\(filler)\"".utf8))
            }
        }
        #expect(written([]) == Array("\"\"".utf8))
        #expect(written(Array("/\u{2028}\u{7F}😀千".utf8)) == Array("\"/\u{2028}\u{7F}😀千\"".utf8))
    }

    @Test func invalidBytesAreReplacedAsTheStandardLibraryDoes() {
        var random = SplitMix(seed: 3)
        let pieces: [[UInt8]] = JSONTextTests.invalid + JSONTextTests.valid + [[0x41], Array("plain text".utf8)]
        for _ in 0..<3000 {
            let bytes = (0..<random.below(6)).flatMap { _ in random.pick(pieces) }
            let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
            #expect(written(bytes) == [0x22] + repaired + [0x22], "\(bytes)")
        }
    }

    @Test func scannerReadsBackWhatIsWritten() throws {
        var random = SplitMix(seed: 4)
        for _ in 0..<500 {
            let scalars = (0..<random.below(30)).map { _ in
                Unicode.Scalar(UInt32(random.below(random.pick([0x30, 0x100, 0x3000, 0x110000])))) ?? "x"
            }
            let value = String(String.UnicodeScalarView(scalars))
            var output = ByteBuffer()
            JSONWriter.writeString(value, into: &output)
            let document = try scanned(output.readableBytesView)
            #expect(document.string(document.root).map { Array($0.utf8) } == Array(value.utf8))
        }
    }

    @Test(arguments: [0, 1, -1, 9, 10, -10, 1_795_000_001, Int.max, Int.min]) func integer(_ value: Int) {
        var output = ByteBuffer()
        JSONWriter.writeInteger(value, into: &output)
        #expect(String(buffer: output) == String(value))
    }

    @Test(arguments: [0.0, -0.0, 1.5, 1e20, -2.5e-10, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1])
    func doubleIsReadBackTheSame(_ value: Double) throws {
        var output = ByteBuffer()
        JSONWriter.writeDouble(value, into: &output)
        let document = try scanned(output.readableBytesView)
        #expect(document.double(document.root) == value)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func doubleThatJSONLacksIsNull(_ value: Double) {
        var output = ByteBuffer()
        JSONWriter.writeDouble(value, into: &output)
        #expect(String(buffer: output) == "null")
    }
}
