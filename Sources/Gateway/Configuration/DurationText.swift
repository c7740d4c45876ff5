/// Durations as configurations of the seed system spell them: Go's, `1m30s`, `500ms`, `2h`; and a plain whole number,
/// which counts seconds.
enum DurationText {
    /// Longer ones are a mistake: a week.
    static let maximum = Duration.seconds(7 * 24 * 3600)

    /// - Throws: The fault of text that is not a duration, or is too long.
    static func parse(_ text: String) throws(ValueFault) -> Duration {
        let digitsOnly = !text.isEmpty && text.utf8.allSatisfy(\.isASCIIDigit)
        var rest = (digitsOnly ? text + "s" : text)[...].utf8
        guard !rest.isEmpty else { throw ValueFault("is not a duration") }
        var total = Duration.zero
        while !rest.isEmpty {
            total += try component(&rest)
            // Checked at each step, so that the sum cannot overflow.
            guard total <= maximum else { throw ValueFault("is longer than a week") }
        }
        return total
    }

    /// Takes one number and its unit off the front.
    private static func component(_ text: inout Substring.UTF8View) throws(ValueFault) -> Duration {
        let digits = text.prefix { $0.isASCIIDigit }
        text = text.dropFirst(digits.count)
        let unit = text.prefix { !$0.isASCIIDigit }
        text = text.dropFirst(unit.count)
        guard !digits.isEmpty else { throw ValueFault("is not a duration") }
        guard let number = Int64(Substring(digits)), number <= 1_000_000_000_000 else {
            throw ValueFault("is longer than a week")
        }
        switch String(Substring(unit)) {
        case "h": return .seconds(number * 3600)
        case "m": return .seconds(number * 60)
        case "s": return .seconds(number)
        case "ms": return .milliseconds(number)
        default: throw ValueFault("has a number without one of the units h, m, s, ms")
        }
    }
}
