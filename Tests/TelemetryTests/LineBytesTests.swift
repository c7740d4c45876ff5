import Foundation
import NIOCore
import Testing

@testable import Telemetry

@Suite struct LineBytesTests {
    private func written(_ write: (inout LineBytes) -> Void) -> String {
        var bytes = LineBytes()
        write(&bytes)
        return unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    @Test func decimalNumbers() {
        var numbers = [0, 7, -7, .max, .min, .max - 1, .min + 1]
        var power = 1
        for _ in 0..<19 {
            numbers += [power - 1, power, power + 1, -power]
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        for number in numbers { #expect(written { $0.writeDecimal(number) } == String(number)) }
    }

    @Test(arguments: [
        (0, "0.000"), (1, "0.000"), (999, "0.000"), (1000, "0.001"), (999_999, "0.999"), (1_000_000, "1.000"),
        (1_234_567, "1.234"), (-5, "0.000"), (.min, "0.000"), (.max, "9223372036854.775"),
    ])
    func milliseconds(nanoseconds: Int64, text: String) {
        #expect(written { $0.writeMilliseconds(.nanoseconds(nanoseconds)) } == text)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1970-01-01T00:00:00.000Z"), (.min, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999_999_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_001_000_000, "2000-03-01T00:00:00.001Z"), (1_785_933_296_789_999_999, "2026-08-05T12:34:56.789Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"), (.max, "2262-04-11T23:47:16.854Z"),
    ])
    func timestamps(nanoseconds: Int64, text: String) {
        var writer = TimestampWriter()
        #expect(written { writer.write(WallTime(nanoseconds: nanoseconds), into: &$0) } == text)
    }

    @Test func timestampsAgreeWithFoundation() {
        var writer = TimestampWriter()
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        // Three months and a bit at a time, from 1970 to 2262, forwards and then back.
        let moments = stride(from: Int64(0), to: 9_223_372_036_000, by: 7_862_400_337)
        for milliseconds in Array(moments) + moments.reversed() {
            let time = WallTime(nanoseconds: milliseconds * 1_000_000)
            let expected = Date(timeIntervalSince1970: Double(milliseconds) / 1000 + 0.0001).formatted(style)
            #expect(written { writer.write(time, into: &$0) } == expected)
        }
    }

    @Test func everyCharacterSurvivesAJSONParser() throws {
        for value in UInt32(0)...0x3100 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = "a\(scalar)b"
            let quoted = written { $0.writeQuoted(text) }
            let read = try JSONSerialization.jsonObject(with: Data(quoted.utf8), options: .fragmentsAllowed) as? String
            #expect(read?.utf8.elementsEqual(text.utf8) == true)
        }
    }

    @Test func invalidUTF8BecomesReplacementCharacters() {
        let text = String(decoding: [0x61, 0xFF, 0xC3, 0x62, 0xED, 0xA0, 0x80] as [UInt8], as: UTF8.self)
        let quoted = written { $0.writeQuoted(text) }
        #expect(quoted.hasPrefix("\"a\u{FFFD}\u{FFFD}b\u{FFFD}"))
    }
}
