import TLS
import Testing

@testable import Qwen

/// Against matrices of another encoder (Python's qrcode 8).
@Suite struct QRCodeTests {
    private static let url = "https://chat.qwen.ai/authorize?user_code=ABCD-EFGH&client=qwen-code"

    struct Golden: Sendable, CustomTestStringConvertible {
        let text: String
        let correction: QRCode.Correction
        let version: Int
        /// For each mask the first 8 bytes of the SHA-256 of the rows: `0` and `1`, with newlines between.
        let digests: [String]
        var testDescription: String { "version \(version), \(correction)" }
    }

    static let goldens: [Golden] = [
        Golden(
            text: "A", correction: .low, version: 1,
            digests: [
                "f195dbbdf146dae0", "95a2fc3c2f4ba591", "f6b7034cc19dcb46", "adbb39441edd4b5d",
                "35edfce50e12a5ce", "e21fc0a220981d78", "bd1610b63134b888", "1091f5fc7f89aa7a",
            ]),
        Golden(
            text: "A", correction: .medium, version: 1,
            digests: [
                "2bae48594b732587", "43f688a881761c91", "1df28de52a4a3bd0", "bc9009ae87ca68f1",
                "177b3a1897a152ae", "a6fca46e028f9962", "90e985ca4eb58895", "23eee31305a65603",
            ]),
        Golden(
            text: url, correction: .low, version: 4,
            digests: [
                "3620640fccf2b7d0", "49e5812837f7a32d", "bebd427d7af87675", "0d7ec20d868db15a",
                "b4dd489bc1262e5e", "4bd844fad38ea293", "491e518d68cf4078", "ed240b81ecd25cd9",
            ]),
        Golden(
            text: url, correction: .medium, version: 5,
            digests: [
                "f6cfd93be9e6e834", "404a6a4e39ec14e1", "7c5f04baac151b52", "ad571ed0138f7f2d",
                "0656b29e4500351c", "43862b3f5e2dbf40", "bcd283d11ae6bd03", "6a029feb75c4bf22",
            ]),
        Golden(
            text: url + String(repeating: "x", count: 60), correction: .low, version: 6,
            digests: [
                "efc27b45762dee98", "e0ba712662f0b141", "d8e04139bf7e43c8", "64d4d6b6b138a617",
                "a94fe8c25bb42ce2", "b843bcf587155b83", "b38c7d9ddf3adbac", "5ac83624b58f1c7b",
            ]),
        Golden(
            text: url + String(repeating: "x", count: 60), correction: .medium, version: 8,
            digests: [
                "71c92f601f0d745f", "e4dbdef23550d656", "ccf6febf6dd1e291", "6a1431a7be1e9607",
                "b0dd4c7b02e1d8c9", "afb79fe8beab1135", "7102234924baf5d4", "c67eb0bd761ba2e8",
            ]),
        Golden(
            text: "https://example.com/" + String(repeating: "0123456789", count: 18) + "éééééé", correction: .low,
            version: 9,
            digests: [
                "6e0810bfb994f91c", "19b4408276888875", "2bf72000d38ef8fd", "1901263263ba4c47",
                "7a9db408c3e2f2e2", "f062511604161e10", "947b3242ae087852", "2d745170bd4e659a",
            ]),
        Golden(
            text: "https://example.com/" + String(repeating: "0123456789", count: 18) + "éééééé", correction: .medium,
            version: 10,
            digests: [
                "0abf819e911d168f", "8ec0d099fd02f13a", "5baca74523e6d42e", "a47134fbcb8e2989",
                "585d97f86df34513", "134f0eb61250d22f", "37829dca95c42951", "a24e1ec24d7bc872",
            ]),
        Golden(
            text: "https://example.com/" + String(repeating: "ab/", count: 130), correction: .low, version: 13,
            digests: [
                "9e95d110e2b1847c", "794b9e76a844d46d", "181184794b6b08c3", "9963407f19138aa9",
                "499eeb8b027072ef", "527be20752b27e5f", "9daff9a2470dd97e", "9b3e45f3073ee227",
            ]),
    ]

    private func rows(_ code: QRCode) -> [String] {
        (0..<code.size).map { row in
            String((0..<code.size).map { code.isDark(row: row, column: $0) ? "1" : "0" })
        }
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: goldens) func everyMaskIsThatOfAnotherEncoder(_ golden: Golden) throws {
        for mask in 0..<8 {
            let code = try #require(QRCode(golden.text, correction: golden.correction, mask: mask))
            #expect(code.version == golden.version)
            let digest = try SHA256Hasher().hash(Array(rows(code).joined(separator: "\n").utf8).span)
            #expect(hex(digest.bytes.prefix(8)) == golden.digests[mask], "mask \(mask)")
        }
    }

    /// The whole matrix, four modules a digit, row by row.
    @Test func bestMaskIsThatOfAnotherEncoder() throws {
        let low = try #require(QRCode(Self.url, correction: .low))
        #expect(low.mask == 2)
        #expect(
            nibbles(Array(rows(low).joined()))
                == "fe2aa93fc153f2506e82c5ebb75df045dba40ab2ec16dc4107faaaaafe00e74a00fbd6e3d570"
                + "963691eca9c3b345b131d84136d99cc02625990ddf6c2b8428651c642ff6020934845f92f391"
                + "719f48a575c543eef025954125f9aeb97f205509663d8cbe1612f880647e457fa0cbeb504936"
                + "f1fbaee62f85d605fa42eb6f248d0564784cfef95ed10")
        let medium = try #require(QRCode("https://chat.qwen.ai/authorize?user_code=ABCD-EFGH", correction: .medium))
        #expect(medium.mask == 6)
        #expect(
            nibbles(Array(rows(medium).joined()))
                == "fea2243fc17429506ebc3bcbb74e22f5dbaab6d2ec12d35907faaaaafe009837009fa950cb98"
                + "4c8ec705acf9fbf4a058227721eedb1829c482b058aa0299d01a23adde421b7854068d15ce8f"
                + "e54daa21af55deef514d450da552d25c9f3cb7535dc3d5db2909fb8059d0453fa2cc6a9051e2"
                + "71ebae07ff95d6507e8ee993c567048b413ffef0d3980")
    }

    private func nibbles(_ bits: [Character]) -> String {
        stride(from: 0, to: bits.count, by: 4).map { start in
            let nibble = String(bits[start..<min(start + 4, bits.count)])
            let padded = nibble + String(repeating: "0", count: 4 - nibble.count)
            return String(Int(padded, radix: 2) ?? 0, radix: 16)
        }.joined()
    }

    @Test func betterCorrectionIsTakenWhereItIsFree() throws {
        // Version 1 holds 17 bytes at L and 14 at M.
        #expect(try #require(QRCode(String(repeating: "a", count: 14))).correction == .medium)
        #expect(try #require(QRCode(String(repeating: "a", count: 15))).correction == .low)
        #expect(try #require(QRCode(String(repeating: "a", count: 15))).version == 1)
        #expect(try #require(QRCode(String(repeating: "a", count: 18))).version == 2)
    }

    @Test func largestFitsATerminal() throws {
        let largest = try #require(QRCode(String(repeating: "a", count: 425)))
        #expect(largest.version == 13)
        #expect(QRCode(String(repeating: "a", count: 426)) == nil)
        #expect(try #require(QRCode("")).version == 1)
        let lines = largest.text(.darkOnLight).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count == 77 })
    }

    /// A codeword is divisible by the generator.
    @Test func remainderMakesACodeword() {
        let code = ReedSolomon(count: 10)
        let data: [UInt8] = [
            0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11,
        ]
        // ISO/IEC 18004 annex I.
        #expect(code.remainder(of: data) == [0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55])
        #expect(code.remainder(of: data + code.remainder(of: data)) == Array(repeating: 0, count: 10))
    }

    @Test func halfBlocksShowWhatIsDark() throws {
        let code = try #require(QRCode(Self.url))
        for style in [QRCode.TextStyle.darkOnLight, .lightOnDark, .coloured] {
            let (start, end) = style == .coloured ? ("\u{1B}[38;5;16;48;5;231m", "\u{1B}[0m") : ("", "")
            let lines = code.text(style).split(separator: "\n", omittingEmptySubsequences: false)
            // Quiet zone of four on each side, an odd number of rows, and the end of the last line.
            #expect(lines.count == (code.size + 9) / 2 + 1)
            #expect(lines.last?.isEmpty == true)
            for (index, line) in lines.dropLast().enumerated() {
                try #require(line.hasPrefix(start) && line.hasSuffix(end))
                let cells = Array(line.dropFirst(start.count).dropLast(end.count))
                try #require(cells.count == code.size + 8)
                for (column, cell) in cells.enumerated() {
                    let isSet: (Int) -> Bool = { row in
                        code.isDark(row: row, column: column - 4) != (style == .lightOnDark)
                    }
                    let expected: Character =
                        switch (isSet(2 * index - 4), isSet(2 * index - 3)) {
                        case (true, true): "█"
                        case (true, false): "▀"
                        case (false, true): "▄"
                        case (false, false): " "
                        }
                    if cell != expected { Issue.record("line \(index), column \(column)") }
                }
            }
        }
    }
}
