extension WallTime {
    /// RFC 3339 in UTC, to the second: `2026-08-05T12:34:56Z`. Clamped as `TimestampWriter` does.
    package var text: String {
        let seconds = Int(min(max(self.seconds, 0), 253_402_300_799))
        let date = TimestampWriter.civilDate(days: seconds / 86_400)
        let parts = [date.month, date.day, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60]
            .map { ($0 < 10 ? "0" : "") + "\($0)" }
        return "\(date.year)-\(parts[0])-\(parts[1])T\(parts[2]):\(parts[3]):\(parts[4])Z"
    }
}

/// Writes moments as RFC 3339 in UTC with milliseconds, `2026-08-05T12:34:56.789Z`. The text of a second is kept,
/// since thousands of lines may share it. The years 1970...9999 are written; anything else is clamped to them.
struct TimestampWriter: ~Copyable {
    private var second: Int64 = -1
    /// `2026-08-05T12:34:56.` of `second`.
    private var text = LineBytes()

    mutating func write(_ time: WallTime, into output: inout LineBytes) {
        let milliseconds = min(max(time.nanoseconds / 1_000_000, 0), 253_402_300_799_999)
        let (second, millisecond) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        if second != self.second {
            self.second = second
            renderSecond()
        }
        unsafe text.withUnsafeBytes { unsafe output.append(contentsOf: $0) }
        output.writePadded(UInt(millisecond), digits: 3)
        output.append(UInt8(ascii: "Z"))
    }

    private mutating func renderSecond() {
        let (days, timeOfDay) = second.quotientAndRemainder(dividingBy: 86_400)
        let date = Self.civilDate(days: Int(days))
        let (hour, rest) = Int(timeOfDay).quotientAndRemainder(dividingBy: 3600)
        text.clear()
        text.writePadded(UInt(date.year), digits: 4)
        text.append(UInt8(ascii: "-"))
        text.writePadded(UInt(date.month), digits: 2)
        text.append(UInt8(ascii: "-"))
        text.writePadded(UInt(date.day), digits: 2)
        text.append(UInt8(ascii: "T"))
        text.writePadded(UInt(hour), digits: 2)
        text.append(UInt8(ascii: ":"))
        text.writePadded(UInt(rest / 60), digits: 2)
        text.append(UInt8(ascii: ":"))
        text.writePadded(UInt(rest % 60), digits: 2)
        text.append(UInt8(ascii: "."))
    }

    /// The Gregorian date of a day counted from 1970-01-01. Years are reckoned from March, so that the leap day comes
    /// last, in eras of 400 years or 146,097 days (H. Hinnant, "chrono-compatible low-level date algorithms").
    static func civilDate(days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
            month: month,
            day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }
}
