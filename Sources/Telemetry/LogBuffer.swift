internal import NIOCore

/// Collects the lines of one event loop and hands them to the sink when 32 KiB have gathered or 100 ms have passed, so
/// that a line costs the loop neither a lock nor a system call.
///
/// The buffer has no timer of its own: its driver calls `tick` at `flushDue`.
struct LogBuffer: ~Copyable {
    /// Bytes that are handed over without waiting longer.
    static let sizeLimit = 32 * 1024
    /// How long a line waits at most.
    static let delay = TimeAmount.milliseconds(100)

    private let sink: LogSink
    private let redactor: SecretRedactor
    private var writer: LineWriter
    private var lineCount = 0

    /// When the lines must be handed over; nil while there are none.
    private(set) var flushDue: NIODeadline?

    init(sink: LogSink, redactor: SecretRedactor) {
        self.sink = sink
        self.redactor = redactor
        writer = LineWriter(format: sink.format, secrets: redactor.matcher)
    }

    /// Adds one line, which `write` writes.
    mutating func append(now: NIODeadline, _ write: (inout LineWriter) -> Void) {
        write(&writer)
        lineCount += 1
        if flushDue == nil { flushDue = now + Self.delay }
        if writer.bytes.count >= Self.sizeLimit { flush() } else { tick(now: now) }
    }

    /// Hands the lines over if it is time.
    mutating func tick(now: NIODeadline) {
        if let flushDue, flushDue <= now { flush() }
    }

    /// Hands the lines over. Secrets registered since the last time are searched for from here on: that costs one lock
    /// a batch and not one a line.
    mutating func flush() {
        flushDue = nil
        guard lineCount > 0 else { return }
        let lines = lineCount
        unsafe writer.bytes.withUnsafeBytes { unsafe sink.append($0, count: lines) }
        writer.clear()
        writer.secrets = redactor.matcher
        lineCount = 0
    }
}
