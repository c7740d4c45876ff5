/// A set of ASCII bytes, one bit for each; bytes from 0x80 on are in no set.
struct ASCIISet {
    /// Bits for the bytes 0x00–0x3F and 0x40–0x7F.
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let bits = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && (bits &>> UInt64(byte)) & 1 == 1
    }

    /// `tchar`: what methods and field names are made of (RFC 9110 §5.6.2).
    static var token: ASCIISet { ASCIISet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
    /// What a request target may hold: visible ASCII without `#` (RFC 9112 §3.2 has no fragment).
    static var target: ASCIISet { ASCIISet(low: 0xFFFF_FFF6_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF) }
}

/// What the parsers of this folder do to bytes. This file holds all their loops; offsets count from the span's start.
extension RawSpan {
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The offset of the first control byte (below 0x20 other than TAB, or DEL) at or after `start`, or the end.
    ///
    /// It takes eight bytes at a time: a byte below 0x20 borrows into its top bit when 0x20 is subtracted, and so
    /// does a byte equal to 0x7F when it is made zero and 1 is subtracted. A borrow can mark a byte wrongly only
    /// above one that is marked rightly, and the lowest mark is what counts.
    @inline(__always)
    func firstControl(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones &<< 7
        var offset = start
        while offset &+ 8 <= byteCount {
            let word = unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let deletes = word ^ (ones &* 0x7F)
            let marks = ((word &- ones &* 0x20) & ~word | (deletes &- ones) & ~deletes) & tops
            if marks == 0 {
                offset &+= 8
                continue
            }
            offset &+= marks.trailingZeroBitCount / 8
            if byte(at: offset) != UInt8(ascii: "\t") { return offset }
            offset &+= 1
        }
        while offset < byteCount {
            let byte = byte(at: offset)
            if byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7F { return offset }
            offset &+= 1
        }
        return byteCount
    }

    /// The offset of the first byte at or after `start` that is not in `set`, or `end`.
    @inline(__always)
    func endOfRun(of set: ASCIISet, from start: Int, to end: Int) -> Int {
        var offset = start
        while offset < end, set.contains(byte(at: offset)) { offset &+= 1 }
        return offset
    }

    /// `range` without spaces and tabs at its ends (OWS, RFC 9110 §5.6.3).
    @inline(__always)
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isBlank(byte(at: start)) { start &+= 1 }
        while end > start, isBlank(byte(at: end &- 1)) { end &-= 1 }
        return start..<end
    }

    /// Whether the bytes of `range` are `text`, which is in lower case, without regard to ASCII case.
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for index in 0..<expected.count {
                var byte = byte(at: range.lowerBound &+ index)
                if byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") { byte |= 0x20 }
                if unsafe byte != expected[index] { return false }
            }
            return true
        }
    }

    /// The number that `range` spells with decimal digits only, or nil; nil also when it does not fit.
    func decimal(_ range: Range<Int>) -> Int? {
        guard !range.isEmpty else { return nil }
        var number = 0
        for offset in range {
            let digit = byte(at: offset) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(digit))
            if overflow || carry { return nil }
            number = sum
        }
        return number
    }

    func string(_ range: Range<Int>) -> String {
        unsafe withUnsafeBytes { bytes in
            unsafe String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
    }

    /// Appends the field whose name and value are these ranges.
    @inline(__always)
    func append(_ line: FieldLine, to fields: inout HeaderFields) {
        unsafe withUnsafeBytes { bytes in
            unsafe fields.append(
                name: UnsafeRawBufferPointer(rebasing: bytes[line.name]),
                value: UnsafeRawBufferPointer(rebasing: bytes[line.value]))
        }
    }

    /// Copies `name: value CRLF` into `target`, which has room for it; returns its length.
    @inline(__always)
    func copyFieldLine(
        _ name: Range<Int>, _ value: Range<Int>, to target: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        let line = unsafe UnsafeMutableRawBufferPointer(
            rebasing: target[offset..<offset + name.count + value.count + 4])
        unsafe withUnsafeBytes { bytes in
            unsafe line.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[name]))
            unsafe line[name.count] = UInt8(ascii: ":")
            unsafe line[name.count + 1] = UInt8(ascii: " ")
            unsafe UnsafeMutableRawBufferPointer(rebasing: line[(name.count + 2)...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[value]))
        }
        unsafe line[line.count - 2] = UInt8(ascii: "\r")
        unsafe line[line.count - 1] = UInt8(ascii: "\n")
        return line.count
    }
}
