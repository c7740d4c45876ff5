/// Why a JSON text was refused: what was wrong and where.
///
/// `description` is one sentence that names no more of the text than a key, so that it may be shown to the client.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was wrong, in the terms of RFC 8259.
    package enum Code: Equatable, Sendable {
        /// No byte, or nothing but white space.
        case emptyInput
        /// The text ends inside a value.
        case unexpectedEnd
        /// The text begins with U+FEFF (RFC 8259 §8.1 forbids it).
        case byteOrderMark
        case expectedValue
        case expectedKey
        case expectedColon
        case expectedCommaOrEnd
        /// Something other than white space follows the value.
        case trailingBytes
        case invalidNumber
        case invalidEscape
        /// A byte below 0x20 stands unescaped in a string.
        case controlCharacter
        /// Bytes that are not UTF-8 (RFC 3629): overlong, surrogate, above U+10FFFF, or cut short.
        case invalidUTF8
        /// Containers are nested deeper than `JSONLimits.depth`.
        case tooDeep
        /// There are more keys and values than `JSONLimits.nodes`.
        case tooManyNodes
        /// The text is longer than `JSONLimits.bytes`.
        case tooLarge
        /// A key, given here unescaped, occurs twice in an object that may hold it once only.
        case duplicateKey(String)
        /// Two edits touch the same bytes: the editing code is at fault, not the text.
        case overlappingEdits
    }

    package let code: Code
    /// The offset in bytes, from the first byte of the text, at which the fault was found.
    package let offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    package var description: String {
        "Invalid JSON at byte \(offset): \(reason)."
    }

    private var reason: String {
        switch code {
        case .emptyInput: "the text is empty"
        case .unexpectedEnd: "the text ends too early"
        case .byteOrderMark: "a byte order mark is not allowed"
        case .expectedValue: "expected a value"
        case .expectedKey: "expected a key in double quotes"
        case .expectedColon: "expected a colon after the key"
        case .expectedCommaOrEnd: "expected a comma or the end of the object or array"
        case .trailingBytes: "something follows the end of the value"
        case .invalidNumber: "the number is malformed"
        case .invalidEscape: "the escape sequence is malformed"
        case .controlCharacter: "a control character must be escaped inside a string"
        case .invalidUTF8: "the string is not valid UTF-8"
        case .tooDeep: "objects and arrays are nested too deeply"
        case .tooManyNodes: "there are too many values"
        case .tooLarge: "the text is too long"
        case .duplicateKey(let name): "the key \"\(Self.shortened(name))\" occurs twice in one object"
        case .overlappingEdits: "two edits overlap"
        }
    }

    /// A key may be megabytes long; a message must not be.
    private static func shortened(_ name: String) -> String {
        let prefix = String(decoding: name.utf8.prefix(64), as: UTF8.self)
        return name.utf8.count > 64 ? prefix + "…" : prefix
    }
}
