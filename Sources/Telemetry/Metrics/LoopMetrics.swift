package import NIOCore

/// What one event loop has counted. Nothing is shared: the values of all loops are added when they are read.
package final class LoopMetrics {
    package private(set) var values = MetricValues()

    package init() {}

    /// An exchange has ended.
    package func ended(_ record: borrowing AccessRecord, route: String, operation: GenAIOperation?) {
        values.ended(record, route: route, operation: operation)
    }

    /// A piece of an answer came so long after the one before it.
    package func chunkGap(_ time: TimeAmount) {
        values.chunkGaps.record(nanoseconds: time.nanoseconds)
    }

    /// A request was refused, or a connection ended, for what its client did. `reason` is one of a fixed set.
    package func refused(_ reason: String) {
        values.refusals.add(reason)
    }

    /// A TLS handshake was completed. `version` is as OpenSSL names it.
    package func handshake(version: String, isResumed: Bool) {
        values.handshakes.add(.init(version: version, isResumed: isResumed))
    }

    /// A TLS handshake failed. `reason` is one of a fixed set.
    package func handshakeFailed(_ reason: String) {
        values.handshakeFailures.add(reason)
    }

    package func connectionAccepted() {
        values.acceptedConnections &+= 1
    }

    /// Bytes of a client's connection, as the network carries them.
    package func bytes(received: Int, sent: Int) {
        values.bytesReceived &+= UInt64(clamping: received)
        values.bytesSent &+= UInt64(clamping: sent)
    }

    /// Qwen was called and the call failed. `error` is one of a fixed set.
    package func upstreamFailed(_ error: String) {
        values.upstreamErrors.add(error)
    }

    /// A request is sent to Qwen again.
    package func retried(_ reason: UpstreamRetry) {
        values.retries[reason.rawValue] &+= 1
    }

    /// A request has waited so long for a credential.
    package func queueWait(_ time: TimeAmount) {
        values.queueWaits.record(nanoseconds: time.nanoseconds)
    }

    /// The loop came so much later to a timer than it was due.
    package func lag(_ time: TimeAmount) {
        values.loopLag.record(nanoseconds: time.nanoseconds)
    }
}

/// What is asked of a model, in the words of OpenTelemetry's `gen_ai.operation.name`.
package enum GenAIOperation: String, Sendable {
    case chat
    case textCompletion = "text_completion"
    case embeddings
}

/// Why a request is sent to Qwen again.
package enum UpstreamRetry: Int, Sendable, CaseIterable {
    /// The same credential, after a pause.
    case later
    case otherCredential
    /// After the token was renewed.
    case renewedToken
    /// No connection could be made.
    case connection

    var text: String {
        switch self {
        case .later: "later"
        case .otherCredential: "other_credential"
        case .renewedToken: "renewed_token"
        case .connection: "connection"
        }
    }
}
