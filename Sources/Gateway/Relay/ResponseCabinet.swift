import Synchronization
import Translation

/// The responses that clients asked to be kept: one store for all event loops.
final class ResponseCabinet: Sendable {
    private let store = Mutex(ResponseStore())

    func withLock<Result: Sendable>(_ body: (inout ResponseStore) -> Result) -> Result {
        store.withLock { body(&$0) }
    }
}
