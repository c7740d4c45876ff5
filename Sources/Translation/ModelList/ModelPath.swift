/// Ids of models in URLs (`/v1/models/{id}`).
package enum ModelPath {
    private static let longestID = 256

    /// The id that the rest of a path stands for, behind `/v1/models/`. Ids may hold slashes and colons, written as they
    /// are or percent-encoded (RFC 3986 §2.1); one slash at the end is dropped.
    ///
    /// - Returns: nil if it is empty, too long, or holds what no id does: broken escapes, bytes that are not UTF-8,
    ///   spaces or control characters.
    package static func id(_ rest: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var text = Array(rest.utf8)[...]
        if text.last == UInt8(ascii: "/") { text.removeLast() }
        guard !text.isEmpty, text.count <= 3 * longestID else { return nil }
        while let byte = text.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = text.popFirst().flatMap(value), let low = text.popFirst().flatMap(value) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        guard bytes.count <= longestID, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
