/// Finds the ends of lines (WHATWG HTML §9.2.5: CR, LF, or both).
enum LineScanner {
    /// The length of the line that `bytes` begin with, and where the next line begins: nil if the end of this one is
    /// not among them. After a CR that is the last byte, the LF that may come belongs to it.
    @inline(__always)
    static func firstLine(of bytes: RawSpan) -> (length: Int, next: Int?) {
        let end = endOfLine(in: bytes)
        guard end < bytes.byteCount else { return (end, nil) }
        let isPair =
            bytes[end] == UInt8(ascii: "\r") && end + 1 < bytes.byteCount && bytes[end + 1] == UInt8(ascii: "\n")
        return (end, isPair ? end + 2 : end + 1)
    }

    /// The offset of the first CR or LF, the number of bytes if there is none.
    ///
    /// Eight bytes are looked at in one step: in `ends`, bit 7 of a byte is set where the byte is CR or LF. A borrow
    /// can set it falsely only above a byte where it is set truly, and the lowest one counts.
    @inline(__always)
    static func endOfLine(in bytes: RawSpan) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let count = bytes.byteCount
        var offset = 0
        while offset + 8 <= count {
            let word = unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
            let feeds = word ^ (ones &* 0x0A)
            let returns = word ^ (ones &* 0x0D)
            let ends = (((feeds &- ones) & ~feeds) | ((returns &- ones) & ~returns)) & (ones &* 0x80)
            if ends != 0 { return offset + ends.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count, bytes[offset] != UInt8(ascii: "\n"), bytes[offset] != UInt8(ascii: "\r") { offset += 1 }
        return offset
    }

    static func startsWithByteOrderMark(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
    }
}

extension RawSpan {
    /// The byte at `offset`, which is checked.
    subscript(offset: Int) -> UInt8 {
        @inline(__always) get { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
    }

    @inline(__always)
    func starts(with prefix: StaticString) -> Bool {
        guard byteCount >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            guard unsafe self[index] == prefix.utf8Start[index] else { return false }
        }
        return true
    }
}
