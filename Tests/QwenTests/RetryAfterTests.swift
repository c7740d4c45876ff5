import HTTP
import NIOCore
import Testing

@testable import Qwen

@Suite struct RetryAfterTests {
    /// 1994-11-06T08:49:37Z
    static let date: Int64 = 784_111_777

    @Test(arguments: [
        ("0", TimeAmount.zero), ("7", .seconds(7)), (" 120 ", .seconds(120)), ("1.5", .milliseconds(1500)),
        ("99999999999", RetryAfter.longest),
        ("Sun, 06 Nov 1994 08:49:37 GMT", .seconds(37)), ("Sun, 06 Nov 1994 08:00:00 GMT", .zero),
        ("Sun Nov  6 08:49:37 1994", .seconds(37)), ("Tue, 06 Nov 2096 08:49:37 GMT", RetryAfter.longest),
    ])
    func delay(_ text: String, _ expected: TimeAmount) {
        #expect(RetryAfter.delay(text, unixTime: Self.date - 37) == expected)
    }

    @Test(arguments: [
        "", "soon", "-1", "+1", "1e3", "0x10", "1.2.3", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 25:49:37 GMT", "NaN", "inf",
    ])
    func nonsense(_ text: String) {
        #expect(RetryAfter.delay(text, unixTime: 0) == nil)
    }

    @Test func twoDigitYearIsOfThisCentury() {
        #expect(HTTPDateParser.unixTime("Friday, 06-Nov-26 08:49:37 GMT") == 1_793_954_977)
        #expect(HTTPDateParser.unixTime("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(HTTPDateParser.unixTime("Thu, 29 Feb 2024 00:00:00 GMT") == 1_709_164_800)
    }

    @Test func millisecondsComeFirst() {
        var fields = HeaderFields()
        fields.append("retry-after", "3")
        #expect(RetryAfter.delay(fields, unixTime: 0) == .seconds(3))
        fields.append("retry-after-ms", "250")
        #expect(RetryAfter.delay(fields, unixTime: 0) == .milliseconds(250))
        #expect(RetryAfter.delay(HeaderFields(), unixTime: 0) == nil)
    }

    // MARK: UTC+8

    @Test func midnightInChina() {
        // 1970-01-01T00:00Z is 08:00 there.
        #expect(ChinaTime.untilMidnight(0) == .hours(16))
        #expect(ChinaTime.untilMidnight(16 * 3600 - 1) == .seconds(1))
        #expect(ChinaTime.untilMidnight(16 * 3600) == .hours(24))
        #expect(ChinaTime.untilMidnight(-9 * 3600) == .hours(1))
    }

    @Test func mondayInChina() {
        // A Thursday, 08:00 there.
        #expect(ChinaTime.untilMonday(0) == .hours(16 + 3 * 24))
        // 2026-11-23 was a Monday: 00:00 there is 2026-11-22T16:00Z.
        #expect(ChinaTime.untilMonday(1_795_363_200 - 1) == .seconds(1))
        #expect(ChinaTime.untilMonday(1_795_363_200) == .hours(7 * 24))
    }
}
