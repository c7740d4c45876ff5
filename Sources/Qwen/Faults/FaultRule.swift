/// One row of the table of errors: what an envelope must say to be of a kind.
///
/// Each column that is given must fit; within a column one entry is enough.
struct FaultRule: Sendable {
    let kind: QwenFault.Kind
    private let codes: [CodePattern]
    private let phrases: [String]
    private let statuses: [Int]
    private let forms: [FaultEnvelope.Form]

    /// - Parameters:
    ///   - code: codes in Qwen's spelling. Case, spaces and underscores do not count, so that one spelling stands for
    ///     `LimitRequests` and `limit_requests`. A `*` at either end stands for anything.
    ///   - says: what the message holds, in lower case.
    ///   - at: the statuses. Inside a stream none may be known: then a row that goes by words fits without.
    ///   - form: what the body is.
    init(
        _ kind: QwenFault.Kind, code: [String] = [], says: [String] = [], at statuses: [Int] = [],
        form: [FaultEnvelope.Form] = []
    ) {
        self.kind = kind
        codes = code.map(CodePattern.init)
        phrases = says
        self.statuses = statuses
        forms = form
    }

    /// - Parameters:
    ///   - codes: as `CodePattern.normalized` gives them.
    ///   - message: in lower case.
    func matches(codes given: [String], message: String, status: Int?, form: FaultEnvelope.Form) -> Bool {
        if !forms.isEmpty, !forms.contains(form) { return false }
        if !statuses.isEmpty {
            if let status {
                guard statuses.contains(status) else { return false }
            } else if phrases.isEmpty {
                return false
            }
        }
        if !codes.isEmpty, !given.contains(where: { code in codes.contains { $0.matches(code) } }) { return false }
        return phrases.isEmpty || phrases.contains { message.contains($0) }
    }
}

/// A code with a `*` at an end, or none.
struct CodePattern: Sendable {
    private let text: String
    private let isOpenAtStart: Bool
    private let isOpenAtEnd: Bool

    init(_ pattern: String) {
        isOpenAtStart = pattern.hasPrefix("*")
        isOpenAtEnd = pattern.hasSuffix("*")
        text = Self.normalized(pattern)
    }

    /// A code without what its spellings differ in.
    static func normalized(_ code: String) -> String {
        code.lowercased().filter { $0 != "_" && $0 != " " && $0 != "-" && $0 != "*" }
    }

    func matches(_ code: String) -> Bool {
        switch (isOpenAtStart, isOpenAtEnd) {
        case (false, false): code == text
        case (true, false): code.hasSuffix(text)
        case (false, true): code.hasPrefix(text)
        case (true, true): code.contains(text)
        }
    }
}
