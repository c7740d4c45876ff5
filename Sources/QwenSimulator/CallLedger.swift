import Synchronization

/// The calls with one key, since the start or the last reset.
package struct KeyCalls: Sendable, Equatable {
    /// All calls, the refused ones included.
    package var calls = 0
    /// Calls that were refused for quota, concurrency or the refused share.
    package var refused = 0
    package var active = 0
    package init() {}
}

/// Keeps the books on which `AdmissionBehaviour` decides, over all event loops.
final class CallLedger: Sendable {
    /// What becomes of a call.
    enum Verdict: Equatable {
        /// It is answered; as on a good day if the behaviour no longer holds.
        case serve(asConfigured: Bool)
        case refuse(SimulatedError)
    }

    private let books = Mutex<[String: KeyCalls]>([:])

    /// Enters a call. One that is served is to be taken out again with `end`.
    func begin(_ key: String, _ admission: AdmissionBehaviour) -> Verdict {
        books.withLock { books in
            var calls = books[key] ?? KeyCalls()
            defer { books[key] = calls }
            let ordinal = calls.calls
            calls.calls += 1
            if let times = admission.times, ordinal >= times {
                calls.active += 1
                return .serve(asConfigured: false)
            }
            let refusal: String? =
                if let quota = admission.quota, ordinal >= quota {
                    "quota"
                } else if let concurrency = admission.concurrency, calls.active >= concurrency {
                    "concurrency"
                } else if admission.refuses(ordinal) {
                    admission.refusal
                } else {
                    nil
                }
            if let refusal, let error = SimulatedError.named(refusal) {
                calls.refused += 1
                return .refuse(error)
            }
            calls.active += 1
            return .serve(asConfigured: true)
        }
    }

    func end(_ key: String) {
        books.withLock { $0[key]?.active -= 1 }
    }

    func read() -> [String: KeyCalls] {
        books.withLock { $0 }
    }

    /// Begins to count anew; calls in progress stay in progress.
    func reset() {
        books.withLock { books in
            for (key, calls) in books { books[key] = KeyCalls(active: calls.active) }
        }
    }
}

extension KeyCalls {
    fileprivate init(active: Int) {
        self.active = active
    }
}
