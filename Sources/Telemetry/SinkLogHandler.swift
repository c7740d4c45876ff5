package import Logging
internal import NIOCore

/// The handler behind every `Logger`: writes each event as one line, in the format of the sink, and hands it over at
/// once. Made for the control plane; a line costs a few microseconds.
///
///     LoggingSystem.bootstrap { _ in SinkLogHandler(sink: sink, redactor: redactor, logLevel: .info) }
package struct SinkLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let sink: LogSink
    private let redactor: SecretRedactor
    private let time: @Sendable () -> WallTime

    package init(
        sink: LogSink, redactor: SecretRedactor, logLevel: Logger.Level,
        time: @escaping @Sendable () -> WallTime = WallTime.now
    ) {
        self.sink = sink
        self.redactor = redactor
        self.logLevel = logLevel
        self.time = time
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata
        if let metadataProvider { fields.merge(metadataProvider.get()) { $1 } }
        if let metadata = event.metadata { fields.merge(metadata) { $1 } }
        var line = LineWriter(format: sink.format, secrets: redactor.matcher)
        line.begin(time(), level: event.level.rawValue, message: event.message.description)
        if let error = event.error { line.field("error", String(describing: error)) }
        line.fields(fields)
        line.end()
        unsafe line.bytes.withUnsafeBytes { unsafe sink.append($0, count: 1) }
    }
}
