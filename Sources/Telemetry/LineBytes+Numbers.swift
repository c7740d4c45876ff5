internal import NIOCore

extension LineBytes {
    /// Writes an integer in decimal.
    mutating func writeDecimal(_ value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        writeMagnitude(value.magnitude)
    }

    /// Writes a length of time in milliseconds with three decimals, as a JSON number. A negative one counts as zero.
    mutating func writeMilliseconds(_ time: TimeAmount) {
        let microseconds = Swift.max(time.nanoseconds, 0).magnitude / 1000
        let (whole, fraction) = microseconds.quotientAndRemainder(dividingBy: 1000)
        writeMagnitude(UInt(whole))
        append(UInt8(ascii: "."))
        writePadded(UInt(fraction), digits: 3)
    }

    /// Writes the last `digits` digits (at most eight) of a number, with leading zeros.
    mutating func writePadded(_ value: UInt, digits: Int) {
        var rest = value
        var word: UInt64 = 0
        for _ in 0..<digits { word.prependDigit(of: &rest) }
        append(word, length: digits)
    }

    private mutating func writeMagnitude(_ value: UInt) {
        guard value < 100_000_000 else {
            writeMagnitude(value / 100_000_000)
            writePadded(value % 100_000_000, digits: 8)
            return
        }
        var rest = value
        var word: UInt64 = 0
        var count = 0
        repeat {
            word.prependDigit(of: &rest)
            count += 1
        } while rest > 0
        append(word, length: count)
    }
}

extension UInt64 {
    /// Takes the last digit off a number and puts it before the digits that the word holds, the first in the low byte.
    fileprivate mutating func prependDigit(of number: inout UInt) {
        let (rest, digit) = number.quotientAndRemainder(dividingBy: 10)
        self = self << 8 | UInt64(UInt8(ascii: "0")) + UInt64(digit)
        number = rest
    }
}
