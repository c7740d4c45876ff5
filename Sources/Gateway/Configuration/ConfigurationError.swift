/// The configuration cannot be used. Holds all that is wrong with it, so that it can be put right in one go.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line each: the variable, the fault of its value (never a secret's value), and what a right one looks like.
    package let problems: [String]

    package var description: String { problems.joined(separator: "\n") }
}

/// What is wrong with one value: a phrase that follows the variable's name, as in “is not a duration”.
struct ValueFault: Error, Equatable {
    let phrase: String

    init(_ phrase: String) { self.phrase = phrase }
}
