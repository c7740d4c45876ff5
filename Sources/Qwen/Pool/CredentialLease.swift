package import NIOCore

/// One call's use of a credential: counted as in flight from its making until it is told how the call ended, or let
/// go. It belongs to the event loop that the call runs on.
package final class CredentialLease {
    package let credential: PooledCredential
    /// What the call is sent with.
    package let provider: QwenProvider
    /// The number of the token in `provider`.
    package let generation: Int
    private let began: NIODeadline
    private var isOpen = true
    private var isAccepted = false

    init(_ credential: PooledCredential, _ provider: QwenProvider, generation: Int, now: NIODeadline) {
        self.credential = credential
        self.provider = provider
        self.generation = generation
        began = now
        credential.began()
    }

    deinit { if isOpen { credential.ended() } }

    private var call: CredentialHealth.Call { CredentialHealth.Call(began: began, generation: generation) }

    /// Qwen has begun to answer with what was asked for: the credential is good.
    package func accepted(now: NIODeadline) {
        guard isOpen, !isAccepted else { return }
        isAccepted = true
        credential.accepted(call, now: now)
    }

    /// The answer is whole.
    package func succeeded(now: NIODeadline) {
        guard isOpen else { return }
        accepted(now: now)
        credential.countSuccess()
        release()
    }

    /// Qwen has answered with an error.
    ///
    /// - Parameter unixTime: seconds since 1970-01-01T00:00:00Z.
    /// - Returns: the error as what it turns out to be, which is what the client is told.
    package func failed(_ fault: QwenFault, now: NIODeadline, unixTime: Int64) -> QwenFault {
        guard isOpen else { return fault }
        release()
        return credential.refused(fault, call, now: now, unixTime: unixTime)
    }

    /// The call ended in a way that tells nothing of the credential: the client left, or a connection broke.
    package func release() {
        guard isOpen else { return }
        isOpen = false
        credential.ended()
    }

    /// Whether a refusal of its token is a reason to renew that, which it is not while the credential rests: then the
    /// account is what is refused. To be asked after `failed`.
    package func canRefresh(now: NIODeadline) -> Bool {
        credential.access == .oauth && credential.closed(now) == nil
    }
}
