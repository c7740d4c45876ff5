internal import Glibc
package import NIOCore

extension JSONDocument {
    /// What a string or a key stands for, unescaped; nil for other kinds. A surrogate without its partner becomes
    /// U+FFFD.
    package func string(_ node: JSONNode) -> String? {
        unsafe withStringBody(of: node) { body, isEscaped in
            guard isEscaped else { return unsafe String(decoding: body, as: UTF8.self) }
            // Unescaping never lengthens: the shortest escape of a character is as long as its UTF-8 at least.
            return unsafe String(unsafeUninitializedCapacity: body.count) { target in
                var count = 0
                _ = unsafe JSONUnescaper.forEachPiece(of: body) { piece in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[count...])
                        .copyMemory(from: piece)
                    count += piece.count
                    return true
                }
                return count
            }
        }
    }

    /// Appends the unescaped UTF-8 of a string or a key to `output`; false, and nothing, for other kinds.
    @discardableResult
    package func writeString(_ node: JSONNode, into output: inout ByteBuffer) -> Bool {
        unsafe withStringBody(of: node) { body, isEscaped in
            guard isEscaped else {
                unsafe output.writeBytes(body)
                return
            }
            _ = unsafe JSONUnescaper.forEachPiece(of: body) { piece in
                unsafe output.writeBytes(piece)
                return true
            }
        } != nil
    }

    /// Whether the node is a string or a key that stands for `expected`, compared byte for byte after unescaping.
    package func stringEquals(_ node: JSONNode, _ expected: StaticString) -> Bool {
        expected.withUTF8Buffer { unsafe equals(node, UnsafeRawBufferPointer($0)) }
    }

    /// As `stringEquals` for a string that is not a literal.
    package func stringEquals(_ node: JSONNode, _ expected: String) -> Bool {
        var expected = expected
        return expected.withUTF8 { unsafe equals(node, UnsafeRawBufferPointer($0)) }
    }

    /// A number that is written without fraction or exponent and fits in an Int; nil for everything else.
    package func integer(_ node: JSONNode) -> Int? {
        let number = tape[node.index]
        guard number.kind == .number else { return nil }
        return unsafe bytes.withUnsafeReadableBytes { text in
            unsafe Self.integer(UnsafeRawBufferPointer(rebasing: text[number.range]))
        }
    }

    /// A number as the nearest Double; nil if it is none, or too large for one.
    package func double(_ node: JSONNode) -> Double? {
        numberText(node).flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
    }

    package func bool(_ node: JSONNode) -> Bool? {
        switch kind(of: node) {
        case .true: true
        case .false: false
        default: nil
        }
    }

    package func isNull(_ node: JSONNode) -> Bool {
        kind(of: node) == .null
    }
}

// MARK: - Bytes

extension JSONDocument {
    @inline(__always)
    private func equals(_ node: JSONNode, _ expected: UnsafeRawBufferPointer) -> Bool {
        let string = tape[node.index]
        guard string.isString else { return false }
        guard !string.isEscaped else { return unsafe equalsEscaped(node, expected) }
        let length = Int(string.end) - Int(string.start) - 2
        guard length == expected.count else { return false }
        return unsafe bytes.withUnsafeReadableBytes { text in
            let start = Int(string.start) + 1
            return unsafe isEqual(UnsafeRawBufferPointer(rebasing: text[start..<start + length]), expected)
        }
    }

    @inline(never)
    private func equalsEscaped(_ node: JSONNode, _ expected: UnsafeRawBufferPointer) -> Bool {
        unsafe withStringBody(of: node) { body, _ in
            var rest = unsafe expected[...]
            let isPrefix = unsafe JSONUnescaper.forEachPiece(of: body) { piece in
                let beginning = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(piece.count))
                unsafe rest = rest.dropFirst(piece.count)
                return unsafe beginning.count == piece.count && isEqual(beginning, piece)
            }
            return unsafe isPrefix && rest.isEmpty
        } ?? false
    }

    /// Compares two stretches of the same length.
    @inline(__always)
    func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let start = left.baseAddress, let other = right.baseAddress else { return true }
        return unsafe memcmp(start, other, left.count) == 0
    }

    /// Gives `body` the bytes between the quotation marks; nil if the node is no string.
    @inline(__always)
    func withStringBody<Result>(
        of node: JSONNode, _ body: (UnsafeRawBufferPointer, _ isEscaped: Bool) -> Result
    ) -> Result? {
        let string = tape[node.index]
        guard string.kind == .string else { return nil }
        return unsafe bytes.withUnsafeReadableBytes { text in
            unsafe body(
                UnsafeRawBufferPointer(rebasing: text[Int(string.start) + 1..<Int(string.end) - 1]), string.isEscaped)
        }
    }

    private static func integer(_ digits: UnsafeRawBufferPointer) -> Int? {
        let isNegative = unsafe digits.first == UInt8(ascii: "-")
        // Counted down, since there is one more number below zero than above it.
        var value = 0
        for index in (isNegative ? 1 : 0)..<digits.count {
            let digit = unsafe digits[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (scaled, isTooLong) = value.multipliedReportingOverflow(by: 10)
            let (next, isTooLow) = scaled.subtractingReportingOverflow(Int(digit))
            if isTooLong || isTooLow { return nil }
            value = next
        }
        return isNegative ? value : value == .min ? nil : -value
    }

    private func numberText(_ node: JSONNode) -> String? {
        let number = tape[node.index]
        guard number.kind == .number else { return nil }
        return unsafe bytes.withUnsafeReadableBytes { unsafe String(decoding: $0[number.range], as: UTF8.self) }
    }
}
