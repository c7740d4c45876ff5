import NIOCore

/// Follows the arguments of a call, a JSON object inside a JSON string that comes in pieces, to its end.
///
/// Only the nesting is looked at: whether the object is valid is not known, but whether more can belong to it.
struct ArgumentsProgress: Sendable, Equatable {
    /// Where the outer string stands.
    private enum Escape: Equatable {
        case none
        case begun
        /// `\u`, and how many of its digits are still to come.
        case unit(UInt16, missing: Int)
    }

    private var escape = Escape.none
    private var depth = 0
    private var hasBegun = false
    private var isInString = false
    private var isInnerEscape = false

    /// An object, or an array, has begun and ended. What is neither is never whole.
    var isWhole: Bool { hasBegun && depth == 0 }

    /// Takes the next piece of the outer string: its text, escaped, which may be cut inside an escape.
    mutating func take(_ text: ByteBuffer) {
        for byte in text.readableBytesView {
            switch escape {
            case .none:
                if byte == UInt8(ascii: "\\") { escape = .begun } else { step(byte) }
            case .begun:
                escape = .none
                switch byte {
                case UInt8(ascii: "u"): escape = .unit(0, missing: 4)
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): step(byte)
                default: step(UInt8(ascii: " "))
                }
            case .unit(let high, let missing):
                // The letters of either case have bit 6 set, and 1 to 6 in their low bits.
                let unit = high << 4 | UInt16(byte & 0x40 == 0 ? byte & 0x0F : byte & 0x0F + 9)
                if missing > 1 {
                    escape = .unit(unit, missing: missing - 1)
                } else {
                    escape = .none
                    step(unit < 0x80 ? UInt8(unit) : 0x80)
                }
            }
        }
    }

    /// Takes the next byte of the object.
    private mutating func step(_ byte: UInt8) {
        if isWhole { return }
        if isInString {
            if isInnerEscape {
                isInnerEscape = false
            } else if byte == UInt8(ascii: "\\") {
                isInnerEscape = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            hasBegun = true
            depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth = max(depth - 1, 0)
        default: break
        }
    }
}
