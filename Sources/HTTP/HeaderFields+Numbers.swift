/// Fields whose values are numbers, written without a string for each.
extension HeaderFields {
    /// Appends a field with a decimal number; a negative one counts as zero.
    package mutating func append(_ name: StaticString, decimal number: Int) {
        var text = NumberText()
        text.write(UInt64(max(number, 0)))
        append(name, text)
    }

    /// Appends a field with a length of time as Go writes them, rounded up to milliseconds: `20ms`, `1.5s`, `6m0s`,
    /// `0s`.
    package mutating func append(_ name: StaticString, duration nanoseconds: UInt64) {
        var text = NumberText()
        text.write(milliseconds: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0))
        append(name, text)
    }

    private mutating func append(_ name: StaticString, _ text: NumberText) {
        name.withUTF8Buffer { name in
            unsafe text.withBytes { value in unsafe append(name: UnsafeRawBufferPointer(name), value: value) }
        }
    }
}

/// Digits and units, on the stack.
private struct NumberText {
    private var bytes = InlineArray<32, UInt8>(repeating: 0)
    private var count = 0

    private mutating func write(_ byte: UInt8) {
        guard count < 32 else { return }
        bytes[count] = byte
        count += 1
    }

    private mutating func write(_ text: Unicode.Scalar) { write(UInt8(ascii: text)) }

    mutating func write(_ number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            write(UInt8(truncatingIfNeeded: 0x30 + number / divisor % 10))
            divisor /= 10
        }
    }

    mutating func write(milliseconds: UInt64) {
        guard milliseconds == 0 || milliseconds >= 1000 else {
            write(milliseconds)
            write("m")
            return write("s")
        }
        let (seconds, fraction) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        if seconds >= 3600 {
            write(seconds / 3600)
            write("h")
        }
        if seconds >= 60 {
            write(seconds / 60 % 60)
            write("m")
        }
        write(seconds % 60)
        if fraction > 0 {
            write(".")
            write(fraction / 100, fraction / 10 % 10, fraction % 10)
        }
        write("s")
    }

    /// Digits behind the point, without zeros at their end.
    private mutating func write(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
        write(first)
        if second > 0 || third > 0 { write(second) }
        if third > 0 { write(third) }
    }

    func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        let span = bytes.span
        unsafe span.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
