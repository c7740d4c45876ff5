/// What the requests of clients come to at a moment: values that only grow. The difference of two moments is what
/// happened between them.
package struct TrafficTotals: Sendable {
    /// Exchanges that have ended.
    package var requests: UInt64 = 0
    /// Of all exchanges those that were refused, or failed on whichever side but by the client's leaving.
    package var failures: UInt64 = 0
    package var tokensIn: UInt64 = 0
    package var tokensOut: UInt64 = 0
    /// Times from a request's head to the head of its answer.
    package var firstBytes = TimeHistogram(.requests)

    package init() {}

    package mutating func add(_ other: TrafficTotals) {
        requests &+= other.requests
        failures &+= other.failures
        tokensIn &+= other.tokensIn
        tokensOut &+= other.tokensOut
        firstBytes.add(other.firstBytes)
    }

    /// What has happened since.
    package func since(_ earlier: TrafficTotals) -> TrafficTotals {
        var difference = self
        difference.requests &-= earlier.requests
        difference.failures &-= earlier.failures
        difference.tokensIn &-= earlier.tokensIn
        difference.tokensOut &-= earlier.tokensOut
        difference.firstBytes.subtract(earlier.firstBytes)
        return difference
    }
}

extension MetricValues {
    /// Adds up what was counted.
    ///
    /// - Parameter counts: whether a route's exchanges are clients' requests.
    package func traffic(_ counts: (_ route: String) -> Bool) -> TrafficTotals {
        var totals = TrafficTotals()
        for (labels, count) in requests.entries where counts(labels.route) {
            totals.requests &+= count
        }
        for (outcome, count) in outcomes.entries
        where outcome != Outcome.completed.rawValue && outcome != Outcome.clientCancelled.rawValue {
            totals.failures &+= count
        }
        for (labels, count) in tokens.entries {
            if labels.isInput { totals.tokensIn &+= count } else { totals.tokensOut &+= count }
        }
        for (route, histogram) in firstBytes.entries where counts(route) {
            totals.firstBytes.add(histogram)
        }
        return totals
    }
}
