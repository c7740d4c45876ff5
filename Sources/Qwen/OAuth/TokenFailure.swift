/// Why a credential gives no token now.
package struct TokenFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// Qwen refuses the credential for good: somebody must log in again.
        case dead
        /// The token has expired and refreshes fail; another is tried in a while.
        case failing
        /// Another process has held the lock for too long.
        case lockTimeout
        /// The caller's patience is over; the refresh goes on.
        case outOfPatience
        case cancelled
        /// The gateway is stopping.
        case closed
    }

    package let code: Code
    /// What happened and what to do. Holds no secrets.
    package let explanation: String

    package init(_ code: Code, _ explanation: String) {
        self.code = code
        self.explanation = explanation
    }

    package var description: String { explanation }
}
