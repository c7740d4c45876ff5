import Admission
import ArgumentParser
import HTTP

/// The values of the options of `keys`: read in a way that says what is wrong with one.
enum KeyArguments {
    static func rate(_ text: String) throws -> RequestRate {
        if let rate = RequestRate(text) { return rate }
        throw ValidationError("write a number of requests per second such as 10 or 0.5, with three decimals at most")
    }

    /// Model patterns, divided by commas.
    static func models(_ text: String) throws -> [String] {
        let patterns = text.split(separator: ",").map(String.init)
        guard !patterns.isEmpty, patterns.allSatisfy(ModelPatterns.isPattern) else {
            throw ValidationError("write names of models, or beginnings of names with a star behind them: qwen3-*")
        }
        for suffix in [":thinking", ":no-think"] where patterns.contains(where: { $0.hasSuffix(suffix) }) {
            throw ValidationError("write the model without \(suffix): a key is good for a model, however it thinks")
        }
        return patterns
    }

    /// Blocks of addresses, divided by commas.
    static func networks(_ text: String) throws -> [NetworkPrefix] {
        var networks: [NetworkPrefix] = []
        for part in text.split(separator: ",") {
            do throws(NetworkPrefix.Fault) {
                networks.append(try NetworkPrefix(part))
            } catch {
                throw ValidationError("\(part) \(error.phrase)")
            }
        }
        guard !networks.isEmpty else { throw ValidationError("write networks such as 10.0.0.0/8,2001:db8::/32") }
        return networks
    }

    static func length(_ text: String) throws -> KeyTime {
        if let time = KeyTime(text), case .length = time { return time }
        throw ValidationError("write a length of time such as 30m, 24h or 7d")
    }

    static func time(_ text: String) throws -> KeyTime {
        if let time = KeyTime(text) { return time }
        throw ValidationError("write a length of time such as 12h or 90d, or a date such as 2027-06-30")
    }
}

/// A length of time (`30m`, `12h`, `90d`, `2w`) or the last day of something (`2027-06-30`), in UTC.
enum KeyTime: Sendable {
    case length(milliseconds: Int64, text: String)
    /// Milliseconds since 1970 of the instant at which the day is over.
    case date(end: Int64)

    /// Longer ones are a mistake: a century.
    private static let most: Int64 = 100 * 366 * 86_400_000

    init?(_ text: String) {
        if let length = Self.length(text) {
            self = .length(milliseconds: length, text: text)
        } else if let end = Self.endOfDay(text) {
            self = .date(end: end)
        } else {
            return nil
        }
    }

    func instant(now: Int64) -> Int64 {
        switch self {
        case .length(let milliseconds, _): now + milliseconds
        case .date(let end): end
        }
    }

    private static func length(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
        guard let unit = text.last.flatMap({ units[$0] }), let count = number(text.dropLast()) else { return nil }
        let (length, overflow) = count.multipliedReportingOverflow(by: unit)
        return !overflow && length > 0 && length <= most ? length : nil
    }

    private static func endOfDay(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2], let year = number(parts[0]),
            let month = number(parts[1]), let day = number(parts[2]), year >= 1970, (1...12).contains(month),
            day >= 1, day <= days(in: month, of: year)
        else { return nil }
        return (daysSince1970(year, month, day) + 1) * 86_400_000
    }

    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
        return Int64(text)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        switch month {
        case 2: return isLeap ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    /// Years begin with March here, so that a leap day is a year's last; 1970 begins 719,468 days after 0000-03-01.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? month - 3 : month + 9
        let year = month > 2 ? year : year - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day - 1 - 719_468
    }
}
