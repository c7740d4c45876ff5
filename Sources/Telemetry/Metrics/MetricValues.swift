internal import NIOCore

/// Values that only grow, and can be added to another loop's.
package struct MetricValues: Sendable {
    struct RequestLabels: Hashable, Sendable {
        var route: String
        var version: String
        var status: Int
        var key: String
    }

    struct ModelLabels: Hashable, Sendable {
        var operation: String
        var model: String
    }

    struct TokenLabels: Hashable, Sendable {
        var isInput: Bool
        var key: String
        var model: String
    }

    struct HandshakeLabels: Hashable, Sendable {
        var version: String
        var isResumed: Bool
    }

    /// What a value beyond the most that are told apart is called.
    private static let other = "other"
    private static let otherModel = ModelLabels(operation: other, model: other)

    var requests = CountTable(overflow: RequestLabels(route: other, version: other, status: 0, key: other))
    var outcomes = CountTable(overflow: other)
    var refusals = CountTable(capacity: 128, overflow: other)
    var durations = TimeTable(.requests, overflow: other)
    var firstBytes = TimeTable(.requests, overflow: other)
    var modelDurations = TimeTable(.requests, capacity: 64, overflow: otherModel)
    var firstTokens = TimeTable(.requests, capacity: 64, overflow: otherModel)
    var tokens = CountTable(overflow: TokenLabels(isInput: true, key: other, model: other))
    var chunkGaps = TimeHistogram(.gaps)
    var handshakes = CountTable(capacity: 16, overflow: HandshakeLabels(version: other, isResumed: false))
    var handshakeFailures = CountTable(capacity: 64, overflow: other)
    var acceptedConnections: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
    var upstreamErrors = CountTable(capacity: 64, overflow: other)
    var retries = [UInt64](repeating: 0, count: UpstreamRetry.allCases.count)
    var queueWaits = TimeHistogram(.requests)
    var loopLag = TimeHistogram(.gaps)

    package init() {}

    mutating func ended(_ record: borrowing AccessRecord, route: String, operation: GenAIOperation?) {
        let key = record.key ?? ""
        requests.add(
            RequestLabels(route: route, version: record.httpVersion, status: record.status ?? 0, key: key))
        outcomes.add(record.outcome.rawValue)
        if record.outcome == .rejected { refusals.add(record.refusal ?? record.errorCode ?? Self.other) }
        durations.record(route, nanoseconds: record.duration.nanoseconds)
        if let time = record.firstByteTime { firstBytes.record(route, nanoseconds: time.nanoseconds) }
        // The names of models that Qwen does not know are anything that clients think of.
        guard let operation, let model = record.model, record.upstreamStatus == 200 else { return }
        let labels = ModelLabels(operation: operation.rawValue, model: model)
        modelDurations.record(labels, nanoseconds: record.duration.nanoseconds)
        if record.stream == true, let time = record.firstByteTime {
            firstTokens.record(labels, nanoseconds: time.nanoseconds)
        }
        if let count = record.promptTokens {
            tokens.add(TokenLabels(isInput: true, key: key, model: model), UInt64(clamping: count))
        }
        if let count = record.completionTokens {
            tokens.add(TokenLabels(isInput: false, key: key, model: model), UInt64(clamping: count))
        }
    }

    package mutating func add(_ other: MetricValues) {
        requests.add(other.requests)
        outcomes.add(other.outcomes)
        refusals.add(other.refusals)
        durations.add(other.durations)
        firstBytes.add(other.firstBytes)
        modelDurations.add(other.modelDurations)
        firstTokens.add(other.firstTokens)
        tokens.add(other.tokens)
        chunkGaps.add(other.chunkGaps)
        handshakes.add(other.handshakes)
        handshakeFailures.add(other.handshakeFailures)
        acceptedConnections &+= other.acceptedConnections
        bytesReceived &+= other.bytesReceived
        bytesSent &+= other.bytesSent
        upstreamErrors.add(other.upstreamErrors)
        for index in retries.indices { retries[index] &+= other.retries[index] }
        queueWaits.add(other.queueWaits)
        loopLag.add(other.loopLag)
    }
}
