package import NIOCore

/// How a credential is doing, for `/health/detailed`: without its secret.
package struct CredentialSnapshot: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case healthy
        /// In use, but others are preferred, or fewer calls at once are made.
        case slowed
        /// Not in use for a moment, because call after call was refused for too much.
        case pausing
        /// Not in use until a quota, a bill or a token is looked at again.
        case resting
        /// Not in use until somebody logs in again.
        case dead
    }

    package var name: String
    package var access: PooledCredential.Access
    package var state: State
    /// The kind of the error that put it into this state; nil if it is healthy.
    package var reason: String?
    /// How long it takes until it is used again; nil if it is in use or dead.
    package var opensIn: TimeAmount?
    package var inFlight: Int
    package var succeeded: Int
    package var failed: Int
}
