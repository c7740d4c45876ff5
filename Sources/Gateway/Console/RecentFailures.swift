import NIOCore
import Telemetry

/// An exchange that was refused or has failed, as the operator is shown it: neither bodies nor secrets.
struct FailedExchange: Sendable {
    var time: WallTime
    var requestID: String
    var client: String
    /// The name of the client key.
    var key: String?
    var method: String
    /// The route's label, or the path where it leads nowhere.
    var path: String
    var model: String?
    /// Nil if the client left before one.
    var status: Int?
    var errorCode: String?
    /// Why the client was not let in, where that is finer.
    var reason: String?
    var outcome: Outcome
    var duration: TimeAmount
}

/// The last exchanges of one event loop that were refused or have failed.
struct RecentFailures: Sendable {
    static let capacity = 50
    /// Characters of a path or model that are kept.
    static let textLength = 120

    /// A ring: `next` is the place of the oldest once it is full.
    private var entries: [FailedExchange] = []
    private var next = 0

    var count: Int { entries.count }

    /// Takes note of an exchange that has ended, if that was no success. A client that leaves is no failure.
    mutating func note(_ record: borrowing AccessRecord, route: String?, _ redactor: SecretRedactor) {
        guard Self.isFailure(record.outcome, status: record.status) else { return }
        // Redacted before it is cut: half a secret would not be found.
        let failure = FailedExchange(
            time: record.time, requestID: record.requestID, client: record.client, key: record.key,
            method: record.method.prefixText(16),
            path: route ?? redactor.redact(record.path).prefixText(Self.textLength),
            model: record.model.map { redactor.redact($0).prefixText(Self.textLength) }, status: record.status,
            errorCode: record.errorCode, reason: record.refusal, outcome: record.outcome, duration: record.duration)
        if entries.count < Self.capacity {
            entries.append(failure)
        } else {
            entries[next] = failure
            next = (next + 1) % Self.capacity
        }
    }

    /// Newest first.
    var newestFirst: [FailedExchange] { Array((entries[next...] + entries[..<next]).reversed()) }

    private static func isFailure(_ outcome: Outcome, status: Int?) -> Bool {
        switch outcome {
        case .completed: (status ?? 0) >= 400
        case .clientCancelled: false
        default: true
        }
    }
}

extension String {
    /// The first characters, in storage of their own; an ellipsis tells that there were more.
    func prefixText(_ count: Int) -> String {
        guard utf8.count > count, let end = index(startIndex, offsetBy: count, limitedBy: endIndex), end < endIndex
        else { return self }
        return String(self[..<end]) + "…"
    }
}
