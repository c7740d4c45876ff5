/// The models that a key is good for: names, and beginnings of names with a star behind them (`qwen3-*`). Names are
/// compared as they are written: what is not on the list is refused.
package struct ModelPatterns: Sendable, Equatable {
    /// The longest pattern in bytes, and the most of them.
    package static let longest = 128
    package static let most = 200

    private var names: Set<String> = []
    private var beginnings: [String] = []
    /// Nothing is left out.
    package private(set) var allowsAll: Bool

    /// - Parameter patterns: empty for all models.
    package init(_ patterns: [String]) {
        allowsAll = patterns.isEmpty || patterns.contains("*")
        for pattern in patterns {
            if pattern.hasSuffix("*") {
                beginnings.append(String(pattern.dropLast()))
            } else {
                names.insert(pattern)
            }
        }
    }

    /// Whether a text can be a pattern.
    package static func isPattern(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }
            && !text.dropLast().contains("*")
    }

    package func allows(_ model: String) -> Bool {
        allowsAll || names.contains(model) || beginnings.contains { model.hasPrefix($0) }
    }
}
