import JSON
import NIOCore
import Testing

/// UTF-8 and the bytes that end plain text, at every place of the eight-byte steps.
@Suite struct JSONTextTests {
    static let valid: [[UInt8]] = [
        [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xE1, 0x80, 0x80], [0xEC, 0xBF, 0xBF],
        [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80],
        [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0x7F],
    ]
    static let invalid: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xC2, 0xC2, 0x80], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1], [0xE1, 0x41, 0x80], [0xE1, 0x80, 0x41], [0xE1, 0x80, 0xC0],
        [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF0, 0x90, 0x80], [0xF0, 0x90], [0xF0], [0xF1, 0x80, 0x80, 0x41], [0xF1, 0x80, 0x41, 0x80],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF], [0xF8, 0x88, 0x80, 0x80, 0x80],
        [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xF4, 0xBF, 0x80, 0x80],
    ]

    private static let fillers: [UInt8] = Array("abcdefghijklmnopqrstuvwxyz".utf8)

    /// Calls `body` with strings that have `piece` at every place, and where it is in them.
    private func everywhere(_ piece: [UInt8], _ body: (_ text: [UInt8], _ offset: Int) throws -> Void) rethrows {
        for before in 0...17 {
            for after in 0...9 {
                let text = [UInt8(ascii: "\"")] + Self.fillers[..<before] + piece + Self.fillers[..<after]
                try body(text + [UInt8(ascii: "\"")], before + 1)
            }
        }
    }

    @Test(arguments: valid) func validSequencePassesEverywhere(_ sequence: [UInt8]) throws {
        everywhere(sequence) { text, _ in #expect(refusal(of: text) == nil) }
        everywhere(sequence + sequence) { text, _ in #expect(refusal(of: text) == nil) }
        try everywhere(sequence) { text, _ in
            let document = try scanned(text)
            #expect(document.string(document.root) == String(decoding: text.dropFirst().dropLast(), as: UTF8.self))
        }
    }

    @Test(arguments: invalid) func invalidSequenceIsRefusedEverywhere(_ sequence: [UInt8]) {
        everywhere(sequence) { text, offset in #expect(refusal(of: text) == JSONError(.invalidUTF8, at: offset)) }
        everywhere(Array("é\\n".utf8) + sequence) { text, offset in
            #expect(refusal(of: text) == JSONError(.invalidUTF8, at: offset + 4))
        }
        // In a key, and outside of strings.
        #expect(refusal(of: Array("{\"".utf8) + sequence + Array("\":1}".utf8)) == JSONError(.invalidUTF8, at: 2))
        #expect(refusal(of: Array("[".utf8) + sequence + Array("]".utf8)) == JSONError(.expectedValue, at: 1))
    }

    @Test func sequenceCutByTheEndIsRefused() {
        for sequence in Self.valid where sequence.count > 1 {
            for count in 1..<sequence.count {
                #expect(refusal(of: Array("\"abc".utf8) + sequence[..<count]) == JSONError(.invalidUTF8, at: 4))
            }
        }
    }

    /// Every sequence of two bytes and of three, against the standard library's decoder.
    @Test func shortSequencesAgreeWithTheStandardLibrary() {
        var document = JSONDocument()
        func isAccepted(_ bytes: [UInt8]) -> Bool {
            (try? document.scan(ByteBuffer(bytes: [0x22] + bytes + [0x22]))) != nil
        }
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0x70)...0xFF {
                let pair = [first, second]
                #expect(isAccepted(pair) == (String(validating: pair, as: UTF8.self) != nil), "\(pair)")
                for third: UInt8 in [0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
                    let triple = [first, second, third]
                    #expect(isAccepted(triple) == (String(validating: triple, as: UTF8.self) != nil), "\(triple)")
                    guard first >= 0xEF else { continue }
                    for fourth: UInt8 in [0x7F, 0x80, 0xBF, 0xC0] {
                        let four = triple + [fourth]
                        #expect(isAccepted(four) == (String(validating: four, as: UTF8.self) != nil), "\(four)")
                    }
                }
            }
        }
    }

    @Test func everyByteAtEveryPlace() throws {
        for byte in UInt8(0)...0x7F {
            everywhere([byte]) { text, offset in
                switch byte {
                case 0..<0x20: #expect(refusal(of: text) == JSONError(.controlCharacter, at: offset))
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): break
                default: #expect(refusal(of: text) == nil)
                }
            }
        }
        everywhere(Array("\"".utf8)) { text, offset in
            #expect(refusal(of: text) == JSONError(.trailingBytes, at: offset + 1))
        }
        everywhere(Array("\\n".utf8)) { text, _ in #expect(refusal(of: text) == nil) }
        everywhere(Array("\\u00e9".utf8)) { text, _ in #expect(refusal(of: text) == nil) }
        everywhere(Array("\\q".utf8)) { text, offset in
            #expect(refusal(of: text) == JSONError(.invalidEscape, at: offset))
        }
    }
}
