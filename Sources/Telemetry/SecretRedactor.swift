internal import Synchronization

/// The secrets that the process holds, kept so that none of them reaches the log by accident: the client keys, the
/// keys and tokens for Qwen. Nothing should log a secret in the first place; this is the second line of defence.
///
/// A secret is found as it is, not in an encoded form. May be used from any thread.
package final class SecretRedactor: Sendable {
    /// Passing secrets remembered; past it the oldest is forgotten, as with tokens that were refreshed long ago.
    package static let capacity = 256
    /// Shorter secrets are not registered: they would be found in text that has nothing to do with them.
    package static let minimumLength = 8

    private struct State {
        var lasting: [[UInt8]] = []
        var passing: [[UInt8]] = []
        var forms: [SecretForm] = []
        var matcher = SecretMatcher([])

        mutating func rebuild() {
            matcher = SecretMatcher(lasting + passing, forms: forms)
        }
    }

    private let state = Mutex(State())

    /// - Parameter secrets: lasting ones.
    package init(_ secrets: [String] = []) {
        register(secrets, isLasting: true)
    }

    /// Takes in secrets that must not be logged from now on.
    ///
    /// - Parameter isLasting: they are never forgotten: keys, of which there are as many as the operator has set up.
    package func register(_ secrets: [String], isLasting: Bool = false) {
        state.withLock { state in
            for secret in secrets.map({ Array($0.utf8) }) where secret.count >= Self.minimumLength {
                if state.lasting.contains(secret) { continue }
                state.passing.removeAll { $0 == secret }
                if isLasting { state.lasting.append(secret) } else { state.passing.append(secret) }
            }
            state.passing.removeFirst(max(state.passing.count - Self.capacity, 0))
            state.rebuild()
        }
    }

    /// Takes in a form that secrets have which nobody here knows, such as keys of which only digests are kept.
    package func register(_ form: SecretForm) {
        state.withLock { state in
            guard form.prefix.count >= 4, !state.forms.contains(form) else { return }
            state.forms.append(form)
            state.rebuild()
        }
    }

    /// The text with every registered secret in it replaced by `[redacted]`.
    package func redact(_ text: String) -> String {
        matcher.redact(text)
    }

    /// The secrets as they are now, for a search without the lock.
    var matcher: SecretMatcher {
        state.withLock { $0.matcher }
    }
}
