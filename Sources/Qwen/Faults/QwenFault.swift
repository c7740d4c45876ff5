package import NIOCore

/// An error that Qwen, or something in front of it, has answered, in whichever of its shapes.
///
/// How the shapes are read is FaultEnvelope's part; what they mean stands in FaultTable; what follows from it, in
/// FaultPolicy.
package struct QwenFault: Error, Sendable, Equatable {
    package var kind: Kind
    /// The status that the error really has, wherever that was said; nil if nowhere.
    package var status: Int?
    /// Qwen's own code; at most `longestCode` bytes.
    package var code: String?
    /// Qwen's own sentence, if it gave one; at most `longestMessage` bytes. It can quote the credential: redact it.
    package var message: String?
    /// Qwen's name of the request, for the log and for Qwen's support.
    package var requestID: String?
    /// How long Qwen asks to wait before the next request.
    package var retryAfter: TimeAmount?

    package static let longestMessage = 2048
    package static let longestCode = 128

    package init(
        kind: Kind, status: Int? = nil, code: String? = nil, message: String? = nil, requestID: String? = nil,
        retryAfter: TimeAmount? = nil
    ) {
        self.kind = kind
        self.status = status
        self.code = code.flatMap { FaultText.capped($0, to: Self.longestCode) }
        self.message = message.flatMap { FaultText.capped($0, to: Self.longestMessage) }
        self.requestID = requestID.flatMap { FaultText.capped($0, to: Self.longestCode) }
        self.retryAfter = retryAfter
    }

    /// An answer that ended before it was whole.
    package static let truncated = QwenFault(kind: .truncated)

    /// What to tell of it: Qwen's own words, or a plain sentence where it had none.
    package var words: String { message ?? kind.sentence }
}

/// The texts of an error.
enum FaultText {
    /// The text without white space around it, cut behind the last character of which all bytes fit in `limit`; nil
    /// if nothing is left.
    static func capped(_ text: String, to limit: Int) -> String? {
        let trimmed = trimmed(text)
        guard trimmed.utf8.count > limit else { return trimmed.isEmpty ? nil : String(trimmed) }
        var end = trimmed.utf8.index(trimmed.startIndex, offsetBy: limit)
        // Continuation bytes belong to what stands in front of them.
        while end > trimmed.startIndex, trimmed.utf8[end] & 0xC0 == 0x80 {
            end = trimmed.utf8.index(before: end)
        }
        return String(trimmed[..<end])
    }

    static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return rest
    }
}
