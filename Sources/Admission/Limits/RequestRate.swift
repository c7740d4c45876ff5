/// Requests per second, to the thousandth: `10`, `0.5`.
package struct RequestRate: Sendable, Equatable, CustomStringConvertible {
    package let thousandths: Int

    /// The highest rate.
    package static let most = 1_000_000

    package init(thousandths: Int) { self.thousandths = thousandths }

    /// Reads a number with at most three decimals, in 0...1,000,000; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...7).contains(parts[0].utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }), let whole = Int(parts[0])
        else { return nil }
        var thousandths = whole * 1000
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), let fraction = Int(parts[1]) else { return nil }
            thousandths += fraction * [100, 10, 1][parts[1].utf8.count - 1]
        }
        guard thousandths <= Self.most * 1000 else { return nil }
        self.thousandths = thousandths
    }

    package var description: String {
        let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
        guard rest > 0 else { return "\(whole)" }
        var digits = "\(1000 + rest)".dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    /// How many may come at once where nobody says: those of two seconds, as the defaults have it, and at least one.
    var usualBurst: Int { max(1, (2 * thousandths + 999) / 1000) }
}
