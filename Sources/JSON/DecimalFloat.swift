/// Decimal text to the nearest Float (IEEE 754 binary32, ties to even), as JSON numbers spell it (RFC 8259 §6).
///
/// A Double is not rounded once more unless the outcome is sure: from at most 19 digits and a power of ten that is
/// exact, the Double is off by less than two units in its last place. If the middle between two Floats is not within
/// `margin` units, both the decimal and the Double lie on the same side of it. The few others, and those with unusual
/// exponents, are left to the standard library.
enum DecimalFloat {
    /// The most decimal digits that always fit in 64 bits.
    private static let mostDigits = 19
    private static let margin = 8
    /// Powers of ten that a Double holds exactly.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The nearest Float to `text`, which the scanner has taken for a number; nil if it is too large for one.
    static func parse(_ text: UnsafeRawBufferPointer) -> Float? {
        if let quick = unsafe quickly(text) { return quick }
        guard let value = unsafe Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// nil if the outcome is not sure.
    @inline(__always)
    private static func quickly(_ text: UnsafeRawBufferPointer) -> Float? {
        let end = text.count
        var offset = 0
        let isNegative = unsafe end > 0 && text[0] == UInt8(ascii: "-")
        if isNegative { offset = 1 }
        var digits: UInt64 = 0
        var count = 0
        var exponent = 0
        var isFraction = false
        while offset < end {
            let byte = unsafe text[offset]
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                // Digits that there is no room for are off by less than 2⁻⁵⁹ of the number.
                if count < mostDigits {
                    digits = digits &* 10 &+ UInt64(digit)
                    if digits != 0 { count &+= 1 }
                    if isFraction { exponent &-= 1 }
                } else if !isFraction {
                    exponent &+= 1
                }
            } else if byte == UInt8(ascii: ".") {
                isFraction = true
            } else {
                guard let written = unsafe writtenExponent(text, from: offset &+ 1) else { return nil }
                exponent &+= written
                break
            }
            offset &+= 1
        }
        if digits == 0 { return isNegative ? -0.0 : 0 }
        guard exponent > -powers.count, exponent < powers.count else { return nil }
        var value = Double(digits)
        if exponent < 0 { value /= powers[-exponent] } else { value *= powers[exponent] }
        guard value >= 0x1p-125, value < 0x1p127 else { return nil }
        let tail = Int(truncatingIfNeeded: value.bitPattern & 0x1FFF_FFFF)
        guard (tail - 0x1000_0000).magnitude > UInt(margin) else { return nil }
        return Float(isNegative ? -value : value)
    }

    /// The exponent whose sign or first digit is at `start`; nil if it has more than four digits.
    private static func writtenExponent(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var offset = start
        guard offset < text.count else { return nil }
        let sign = unsafe text[offset]
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { offset += 1 }
        guard text.count - offset <= 4 else { return nil }
        var exponent = 0
        while offset < text.count {
            exponent = unsafe exponent * 10 + Int(text[offset] &- UInt8(ascii: "0"))
            offset += 1
        }
        return sign == UInt8(ascii: "-") ? -exponent : exponent
    }
}
