/// Loops over the bytes of strings, shared by the scanner and the writer.
///
/// They read through unchecked pointers, and nowhere but between the offsets that they are given.
enum JSONText {
    /// The offset of the first byte in `start..<end` that a string may not hold as it is: a quotation mark, a
    /// backslash, a control byte, or one that is not UTF-8. `end` if there is none.
    ///
    /// Eight ASCII bytes are looked at in one step. In `stops`, bit 7 of a byte is set where the byte is one of those
    /// or not ASCII; a borrow can set it falsely only above a byte where it is set truly, and the lowest one counts.
    @inline(__always)
    static func endOfPlainText(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var offset = start
        while true {
            while offset &+ 8 <= end {
                let word = unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let quotes = (word ^ (ones &* 0x22)) &- ones
                let backslashes = (word ^ (ones &* 0x5C)) &- ones
                let controls = word &- (ones &* 0x20)
                let stops = (quotes | backslashes | controls | word) & (ones &* 0x80)
                if stops != 0 {
                    offset &+= stops.trailingZeroBitCount &>> 3
                    break
                }
                offset &+= 8
            }
            guard offset < end else { return end }
            var byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            if byte < 0x80 {
                if byte < 0x20 || byte == 0x22 || byte == 0x5C { return offset }
                offset &+= 1
                continue
            }
            repeat {
                let length = unsafe sequenceLength(base, at: offset, to: end)
                if length == 0 { return offset }
                offset &+= length
                guard offset < end else { return end }
                byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            } while byte >= 0x80
        }
    }

    /// The length of the UTF-8 sequence of two to four bytes at `offset` (RFC 3629 §4), 0 if there is no valid one.
    @inline(__always)
    static func sequenceLength(_ base: UnsafeRawPointer, at offset: Int, to end: Int) -> Int {
        var word: UInt32 = 0
        if offset &+ 4 <= end {
            word = unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        } else {
            var shift: UInt32 = 0
            for next in offset..<end {
                word |= unsafe UInt32(base.load(fromByteOffset: next, as: UInt8.self)) &<< shift
                shift &+= 8
            }
        }
        // The first byte is the lowest of the word.
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
            let high = word & 0x200F
            return high != 0 && high != 0x200D ? 3 : 0  // neither overlong nor a surrogate
        }
        if word & 0xC0E0 == 0x80C0 {
            return word & 0x1E != 0 ? 2 : 0  // not overlong
        }
        if word & 0xC0C0_C0F8 == 0x8080_80F0 {
            let isOverlong = word & 0x3007 == 0
            let isTooHigh = word & 0x04 != 0 && word & 0x3003 != 0
            return isOverlong || isTooHigh ? 0 : 4
        }
        return 0
    }

    /// How many bytes at `offset`, where there is no valid sequence, one U+FFFD stands for: the longest beginning of a
    /// valid sequence, or one byte (Unicode 3.9, "maximal subpart").
    static func invalidLength(_ base: UnsafeRawPointer, at offset: Int, to end: Int) -> Int {
        let first = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        guard first >= 0xC2, first <= 0xF4, offset &+ 1 < end else { return 1 }
        let second = unsafe base.load(fromByteOffset: offset &+ 1, as: UInt8.self)
        let allowed: ClosedRange<UInt8> =
            switch first {
            case 0xE0: 0xA0...0xBF
            case 0xED: 0x80...0x9F
            case 0xF0: 0x90...0xBF
            case 0xF4: 0x80...0x8F
            default: 0x80...0xBF
            }
        guard first >= 0xE0, allowed.contains(second) else { return 1 }
        guard first >= 0xF0, offset &+ 2 < end else { return 2 }
        let third = unsafe base.load(fromByteOffset: offset &+ 2, as: UInt8.self)
        return third & 0xC0 == 0x80 ? 3 : 2
    }
}
