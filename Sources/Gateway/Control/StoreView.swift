import NIOCore
import Qwen
import Vault

/// What the gateway has seen of the store: which records it has loaded, and which it could not, why, and when it tries
/// those again.
///
/// A record that cannot be read may be readable a moment later, without having changed: after a disk that was full of
/// errors, a mode that was mended, a guard that was let go.
struct StoreView: Sendable {
    private struct Failure: Sendable {
        var signature: VaultSignature
        var reason: String
        var count: Int
        var again: NIODeadline
    }

    private var loaded: [String: VaultSignature] = [:]
    private var failures: [String: Failure] = [:]

    private static let longestWait = TimeAmount.seconds(60)

    /// Takes note of all that is in the store now.
    ///
    /// - Returns: the names to be loaded, sorted: those that are new or changed, and those whose next try is due.
    mutating func look(_ found: [String: VaultSignature], now: NIODeadline) -> [String] {
        loaded = loaded.filter { found[$0.key] != nil }
        failures = failures.filter { found[$0.key] != nil }
        return found.filter { name, signature in
            if let failure = failures[name] { return failure.signature != signature || failure.again <= now }
            return loaded[name] != signature
        }.keys.sorted()
    }

    /// A record was loaded that had this signature before.
    mutating func succeeded(_ name: String, _ signature: VaultSignature) {
        failures[name] = nil
        loaded[name] = signature
    }

    /// A record could not be loaded.
    ///
    /// - Returns: whether that is news, for the log: it is not while the reason stays the same.
    mutating func failed(_ name: String, _ signature: VaultSignature, reason: String, now: NIODeadline) -> Bool {
        let before = failures[name]
        let count = before?.signature == signature ? (before?.count ?? 0) + 1 : 1
        let wait = min(TimeAmount.seconds(1 << Int64(min(count - 1, 6))), Self.longestWait)
        failures[name] = Failure(signature: signature, reason: reason, count: count, again: now + wait)
        return before?.reason != reason
    }

    /// What is in the store and cannot be used, with the reasons, sorted by name.
    var unreadable: [(name: String, reason: String)] {
        failures.sorted { $0.key < $1.key }.map { ($0.key, $0.value.reason) }
    }
}
