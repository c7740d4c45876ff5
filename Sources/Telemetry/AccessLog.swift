package import NIOCore

/// The access log of one event loop: one line for each exchange, in the format of the sink.
///
/// Lives on its loop. The driver calls `tick` at `flushDue`, and `flush` before the loop ends.
package final class AccessLog {
    private var buffer: LogBuffer

    /// - Parameters:
    ///   - sink: Takes the lines; shared by all loops.
    ///   - redactor: Secrets that a client may have put where they do not belong, such as its key into the path.
    package init(sink: LogSink, redactor: SecretRedactor) {
        buffer = LogBuffer(sink: sink, redactor: redactor)
    }

    /// When `tick` must be called at the latest; nil while no line waits.
    package var flushDue: NIODeadline? { buffer.flushDue }

    /// Logs an exchange.
    package func append(_ record: borrowing AccessRecord, now: NIODeadline) {
        buffer.append(now: now) { $0.write(record) }
    }

    /// Hands the waiting lines to the sink if it is time.
    package func tick(now: NIODeadline) {
        buffer.tick(now: now)
    }

    /// Hands the waiting lines to the sink.
    package func flush() {
        buffer.flush()
    }
}
