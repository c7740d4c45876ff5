// What the logins and refreshes need of the world. The gateway brings network, time, files and locks; tests bring fakes.

/// Carries a request to the authorization server over verified TLS.
package protocol OAuthTransport: Sendable {
    /// Sends the request once and takes the answer whole, up to `OAuthAnswer.longestBody`. Follows no redirects.
    /// Bounded in time by itself; a cancelled task ends it early, with an error.
    func send(_ request: OAuthRequest) async throws(OAuthTransportError) -> OAuthAnswer
}

/// The server could not be asked, or its answer did not arrive.
package struct OAuthTransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What happened, as the end of a sentence: `cannot reach chat.qwen.ai: connection refused`. Holds no secrets.
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The time.
package protocol OAuthClock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z: what credentials count in.
    var now: Int64 { get }
    /// Returns when that time has come. Throws at once when the task is cancelled.
    func sleep(until deadline: Int64) async throws(CancellationError)
}

/// Where credentials are kept: shared by all processes that use one directory, and durable.
package protocol OAuthCredentialStorage: Sendable {
    /// The credential as the storage has it now, whoever wrote it; nil if there is none.
    func load(_ name: String) async throws(OAuthStorageError) -> OAuthCredential?
    /// When the login of each name was stored, in milliseconds since 1970: a refresh does not change it, another login
    /// does. What cannot be read is left out.
    func logins() async throws(OAuthStorageError) -> [String: Int64]
    /// Makes sure, before anybody is asked to log in, that a login could be stored under this name.
    func check(_ name: String) async throws(OAuthStorageError)
    /// Stores a new login, in place of that of the same name if there is one; a dead one lives again. Returns when it
    /// would survive a crash of the machine.
    func save(_ credential: OAuthCredential, as name: String) async throws(OAuthStorageError)
    /// Stores what a refresh has given, if one of `predecessors` still stands there, in one step. Returns when it would
    /// survive a crash of the machine.
    ///
    /// - Returns: what stands there then: `credential`, or that of another login or process; nil if it was removed.
    func save(
        _ credential: OAuthCredential, as name: String, replacing predecessors: [OAuthCredential]
    ) async throws(OAuthStorageError) -> OAuthCredential?
    /// Notes that Qwen has refused `credential` for good; does nothing if another one stands there by now.
    func markDead(_ name: String, ifStill credential: OAuthCredential, explanation: String)
        async
        throws(OAuthStorageError)
}

/// A credential could not be read or written.
package struct OAuthStorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What happened and to which file, as a sentence without its full stop. Holds no secrets.
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Locks that exclude tasks of this process and other processes alike. One whose holder has died goes stale by itself:
/// it must be touched every ten seconds to be kept.
package protocol RefreshLock: Sendable {
    /// Waits for the lock until `deadline`, in milliseconds since 1970, at most; a cancelled task waits no longer.
    func acquire(_ name: RefreshLockName, until deadline: Int64) async -> RefreshLockOutcome
    /// Says that the holder lives. False if the lock was lost: another has it, or may.
    func touch(_ hold: RefreshLockHold) async -> Bool
    /// Does nothing if the lock was lost.
    func release(_ hold: RefreshLockHold) async
}

/// What a lock protects.
package enum RefreshLockName: Sendable, Hashable {
    /// A login: there is one at a time.
    case login
    /// The named credential, from when it is read to when its successor is saved.
    case credential(String)
}

/// A lock that is held.
package struct RefreshLockHold: Sendable, Hashable {
    package let name: RefreshLockName
    /// Tells this hold from any other, earlier or later: random, written into the lock.
    package let id: String
    /// The lock was taken over from a holder that had died.
    package let wasStale: Bool

    package init(name: RefreshLockName, id: String, wasStale: Bool = false) {
        self.name = name
        self.id = id
        self.wasStale = wasStale
    }
}

/// What came of the wish for a lock.
package enum RefreshLockOutcome: Sendable, Equatable {
    case acquired(RefreshLockHold)
    /// Another holds it and lives.
    case timedOut
    /// There can be no lock: the reason, as a sentence without its full stop.
    case unavailable(String)
}

extension RefreshLock {
    /// Keeps a lock from going stale until the task is cancelled.
    func heartbeat(_ hold: RefreshLockHold, _ clock: any OAuthClock) -> Task<Void, Never> {
        Task {
            while true {
                do { try await clock.sleep(until: clock.now + 3000) } catch { return }
                _ = await touch(hold)
            }
        }
    }
}

extension Duration {
    /// Rounded down, within what an Int64 of milliseconds since 1970 can be moved by.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(max(seconds, -1 << 40), 1 << 40) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
