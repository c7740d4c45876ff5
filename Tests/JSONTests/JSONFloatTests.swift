import JSON
import NIOCore
import Testing

/// Decimals to Floats, with the standard library as the judge.
struct JSONFloatTests {
    private func floats(_ array: String) throws -> [Float]? {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: array))
        var floats: [Float] = []
        return document.appendFloats(of: document.root, to: &floats) ? floats : nil
    }

    private func check(_ texts: [String]) throws {
        let parsed = try #require(try floats("[\(texts.joined(separator: ","))]"))
        for (text, value) in zip(texts, parsed) {
            let expected = try #require(Float(text))
            #expect(value.bitPattern == expected.bitPattern, "\(text)")
        }
        #expect(parsed.count == texts.count)
    }

    @Test func usualAndUnusualNumbers() throws {
        try check([
            "0", "-0", "0.0", "-0.0e7", "1", "-1", "0.1", "-0.034627810120582581", "1e-5", "1E+5", "1.5e0", "100",
            "16777217", "16777219", "3.4028234663852886e38", "1.401298464324817e-45", "7e-46", "1e-400",
            "1.17549435e-38",
            "1.1754943157898258e-38", "5e-39", "0.00000000000000000000000000000000000000000000001",
            "123456789012345678901234567890", "0.1000000000000000000000000000000000000000000001",
            "18446744073709551615", "9999999999999999999", "99999999999999999999", "1e22", "1e23", "-1e-22", "1e-23",
            "1." + String(repeating: "0", count: 400) + "1", String(repeating: "9", count: 38),
        ])
    }

    /// Decimals that a stop at the nearest Double would round to the wrong side: just beside the middle between two
    /// Floats, by less than half a unit of the Double's last place.
    @Test func noDoubleRounding() throws {
        let nearMiddle = [
            "1.00000005960464477540", "1.00000005960464477539", "1.000000059604644775390625",
            "1.0000000596046447753906250000000001", "1.0000000596046447753906249999999999",
            "1.000000178813934326171875", "1.0000001788139343261718749999999", "8388608.5", "8388609.5",
            "8388608.500000000001", "8388608.4999999999999",
        ]
        try check(nearMiddle)
        #expect(try floats("[1.0000000596046447753906250000000001]") == [1.0 + Float.ulpOfOne])
    }

    @Test func randomDecimals() throws {
        var random = SplitMix(seed: 64)
        var texts: [String] = []
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: texts.append("\(Double.random(in: -1...1, using: &random))")
            case 1: texts.append("\(Float(bitPattern: .random(in: 0..<0x7F80_0000, using: &random)))")
            case 2:
                // Exactly in the middle between two Floats, which a Double holds.
                let float = Float(bitPattern: .random(in: 0x3000_0000..<0x4F00_0000, using: &random))
                texts.append("\((Double(float) + Double(float.nextUp)) / 2)")
            case 3:
                let digits = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                    Int.random(in: 0...9, using: &random)
                }
                let exponent = Int.random(in: -60...30, using: &random)
                let fraction = digits.map(String.init).joined()
                let float = Float("0.\(fraction)e\(exponent)") ?? .infinity
                if float.isFinite { texts.append("0.\(fraction)e\(exponent)") }
            default:
                let middle = Float(bitPattern: .random(in: 0x3000_0000..<0x4F00_0000, using: &random))
                let double = (Double(middle) + Double(middle.nextUp)) / 2
                texts.append("\(double.nextUp)")
                texts.append("\(double.nextDown)")
            }
        }
        try check(texts)
    }

    @Test(arguments: ["[1,\"2\"]", "[null]", "[[1]]", "[1e39]", "[-3.5e38]", "{}", "7", "[1e99999]"])
    func whatHoldsNoFloats(_ text: String) throws {
        #expect(try floats(text) == nil)
    }

    @Test func emptyArray() throws {
        #expect(try floats("[]") == [])
    }
}
