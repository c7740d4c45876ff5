import HTTP
import NIOCore

/// How long a server asks to wait: `retry-after-ms`, or Retry-After in seconds or as a date (RFC 9110 §10.2.3).
enum RetryAfter {
    /// A longer wait than a week is taken for a week.
    static let longest = TimeAmount.hours(7 * 24)

    /// - Parameter unixTime: seconds since 1970-01-01T00:00:00Z.
    static func delay(_ fields: HeaderFields, unixTime: Int64) -> TimeAmount? {
        if let text = fields["retry-after-ms"], let milliseconds = number(text) { return amount(milliseconds / 1000) }
        return fields["retry-after"].flatMap { delay($0, unixTime: unixTime) }
    }

    /// nil for a text that is neither; a date that has passed asks for no wait.
    static func delay(_ text: String, unixTime: Int64) -> TimeAmount? {
        if let seconds = number(text) { return amount(seconds) }
        guard let date = HTTPDateParser.unixTime(text) else { return nil }
        return amount(Double(date) - Double(unixTime))
    }

    /// A whole number of seconds, or one with a fraction, as some write it.
    private static func number(_ text: String) -> Double? {
        let digits = FaultText.trimmed(text)
        guard let first = digits.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(digits)
    }

    private static func amount(_ seconds: Double) -> TimeAmount {
        guard seconds > 0 else { return .zero }
        guard seconds < Double(longest.nanoseconds) / 1e9 else { return longest }
        return .nanoseconds(Int64((seconds * 1e9).rounded(.up)))
    }
}

/// Reads the dates of HTTP in their three forms (RFC 9110 §5.6.7).
package enum HTTPDateParser {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Seconds since 1970-01-01T00:00:00Z; nil for what is no date. The name of the day is not checked.
    package static func unixTime(_ text: String) -> Int64? {
        let parts = text.lowercased().split { $0 == " " || $0 == "," || $0 == "-" }
        // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; Sun Nov  6 08:49:37 1994
        let fields: (day: Substring, month: Substring, year: Substring, time: Substring)
        switch parts.count {
        case 6 where parts[5] == "gmt": fields = (parts[1], parts[2], parts[3], parts[4])
        case 5: fields = (parts[2], parts[1], parts[4], parts[3])
        default: return nil
        }
        guard let month = months.firstIndex(of: String(fields.month)), let day = number(fields.day, 1...31),
            var year = number(fields.year, 0...9999), let second = secondOfDay(fields.time)
        else { return nil }
        // Two digits: RFC 850 has no century; Retry-After names nothing that is long past.
        if fields.year.utf8.count == 2 { year += 2000 }
        return days(year, Int64(month) + 1, day) * 86_400 + second
    }

    private static func secondOfDay(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = number(parts[0], 0...23), let minute = number(parts[1], 0...59),
            let second = number(parts[2], 0...60)
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int64>) -> Int64? {
        guard text.utf8.count <= 4, let number = Int64(text), range.contains(number) else { return nil }
        return number
    }

    /// Days since 1970-01-01 of a Gregorian date. Years begin in March, so that the leap day is the last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
