/// A model as a client names it: Qwen's own name, and perhaps a suffix that turns thinking on or off, for clients that
/// have no other way to say so (`qwen3.7-plus:thinking`, `qwen3.7-plus:no-think`).
package struct ModelName: Sendable, Equatable {
    /// The name that Qwen knows.
    package let plain: String
    /// What the suffix asks for; nil without one.
    package let thinking: Bool?

    package init(plain: String, thinking: Bool?) {
        self.plain = plain
        self.thinking = thinking
    }

    package init(_ name: String) {
        if let plain = Self.removing(":thinking", from: name) {
            (self.plain, thinking) = (plain, true)
        } else if let plain = Self.removing(":no-think", from: name) {
            (self.plain, thinking) = (plain, false)
        } else {
            (plain, thinking) = (name, nil)
        }
    }

    private static func removing(_ suffix: String, from name: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }
}
