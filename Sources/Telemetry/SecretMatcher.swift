/// What tells a kind of secret from other text: how it begins, and how many letters, digits, hyphens and underscores it
/// has in all, those included.
package struct SecretForm: Sendable, Equatable {
    let prefix: [UInt8]
    let length: Int

    /// - Parameter prefix: four characters or more.
    package init(prefix: String, length: Int) {
        self.prefix = Array(prefix.utf8)
        self.length = length
    }

    /// The length of such a secret at a place; nil if there is none.
    fileprivate func length(in text: Span<UInt8>, at position: Int) -> Int? {
        guard text.count - position >= length else { return nil }
        for index in prefix.indices where text[position + index] != prefix[index] { return nil }
        for index in prefix.count..<length where !Self.isPart(text[position + index]) { return nil }
        return length
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// A fixed set of secrets and the search for them in text. The search costs about a nanosecond a byte, however many
/// the secrets are, and nothing at all for text shorter than the shortest of them.
struct SecretMatcher: Sendable {
    /// What stands in the place of a secret.
    static let replacement = "[redacted]"

    /// Longest first, so that a secret that begins with another one is replaced whole.
    private let secrets: [[UInt8]]
    private let forms: [SecretForm]
    private let shortest: Int
    /// One bit for each hash of a secret's first four bytes: a position whose bit is clear needs no comparison.
    private let filter: [Bool]

    /// - Parameters:
    ///   - secrets: of at least four bytes each; shorter ones are left aside.
    ///   - forms: of others.
    init(_ secrets: [[UInt8]], forms: [SecretForm] = []) {
        let secrets = secrets.filter { $0.count >= 4 }
        self.secrets = secrets.sorted { $0.count > $1.count }
        self.forms = forms
        shortest = min(self.secrets.last?.count ?? .max, forms.map(\.length).min() ?? .max)
        var filter = [Bool](repeating: false, count: 256)
        for secret in secrets + forms.map(\.prefix) {
            var window: UInt32 = 0
            for byte in secret.prefix(4) { window = window >> 8 | UInt32(byte) << 24 }
            filter[Self.hash(window)] = true
        }
        self.filter = filter
    }

    private static func hash(_ window: UInt32) -> Int { Int((window &* 0x9E37_79B1) >> 24) }

    /// Whether a secret is in the text.
    func occur(in text: Span<UInt8>) -> Bool {
        firstMatch(in: text, from: 0) != nil
    }

    /// The text with every secret in it replaced; the same text where there is none.
    func redact(_ text: String) -> String {
        let first = firstMatch(in: text.utf8Span.span, from: 0)
        guard let first else { return text }
        return replaceAll(in: Array(text.utf8), first: first)
    }

    private func replaceAll(in text: [UInt8], first: Range<Int>) -> String {
        var result: [UInt8] = []
        var copied = 0
        var match: Range<Int>? = first
        while let range = match {
            result += text[copied..<range.lowerBound]
            result += Self.replacement.utf8
            copied = range.upperBound
            match = firstMatch(in: text.span, from: copied)
        }
        result += text[copied...]
        return String(decoding: result, as: UTF8.self)
    }

    private func firstMatch(in text: Span<UInt8>, from start: Int) -> Range<Int>? {
        guard text.count - start >= shortest else { return nil }
        return unsafe text.withUnsafeBytes { bytes in
            unsafe filter.withUnsafeBufferPointer { filter in
                // Four bytes at least, as every secret has, follow the last position.
                for position in start...(bytes.count - shortest) {
                    let window = unsafe UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                    guard unsafe filter[Self.hash(window)] else { continue }
                    if let length = lengthOfSecret(in: text, at: position) { return position..<(position + length) }
                }
                return nil
            }
        }
    }

    private func lengthOfSecret(in text: Span<UInt8>, at position: Int) -> Int? {
        for secret in secrets where secret.count <= text.count - position {
            if secret.indices.allSatisfy({ secret[$0] == text[position + $0] }) { return secret.count }
        }
        for form in forms {
            if let length = form.length(in: text, at: position) { return length }
        }
        return nil
    }
}
