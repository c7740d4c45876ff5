internal import Dispatch
internal import Glibc
package import NIOCore
internal import Synchronization

/// Owns the log's output, a file descriptor, and the one queue that writes to it.
///
/// Any thread hands over whole lines and goes on at once: a reader of the log that stalls holds up the writer, never an
/// event loop. Lines wait in a bounded backlog; past it they are dropped and counted, and one line tells the
/// number as soon as the log flows again. The process must ignore SIGPIPE.
package final class LogSink: Sendable {
    /// Bytes that may wait to be written.
    package static let backlogLimit = 8 * 1024 * 1024
    /// A drained backlog larger than this gives its memory back.
    private static let keptCapacity = 256 * 1024

    private struct State {
        /// Lines not yet taken by the writer.
        var pending: [UInt8] = []
        /// The writer's last batch, empty: its memory is used again.
        var spare: [UInt8] = []
        /// Bytes that the writer has taken and not yet written.
        var inFlight = 0
        /// Lines dropped since the last report.
        var lost = 0
        var isWriterScheduled = false
        /// Nobody reads any more, or the sink was closed.
        var isClosed = false

        var backlog: Int { pending.count + inFlight }

        /// Whether the caller must start the writer, which is not running.
        mutating func scheduleWriter() -> Bool {
            defer { isWriterScheduled = true }
            return !isWriterScheduled
        }
    }

    private let descriptor: Int32
    /// How every line is written.
    package let format: LogFormat
    private let limit: Int
    private let time: @Sendable () -> WallTime
    private let state = Mutex(State())
    private let writer = DispatchQueue(label: "log")

    /// - Parameters:
    ///   - descriptor: Written to with write(2), and not closed. Best a blocking one; both kinds work.
    ///   - format: How every line is written.
    ///   - backlogLimit: Bytes that may wait.
    ///   - time: The time for the line that reports lost ones.
    package init(
        descriptor: Int32 = 1, format: LogFormat, backlogLimit: Int = LogSink.backlogLimit,
        time: @escaping @Sendable () -> WallTime = WallTime.now
    ) {
        self.descriptor = descriptor
        self.format = format
        self.limit = backlogLimit
        self.time = time
    }

    /// Hands over `count` whole lines, each with its line end. Never blocks; drops them where the backlog is full.
    package func append(_ lines: [UInt8], count: Int) {
        unsafe lines.withUnsafeBytes { unsafe append($0, count: count) }
    }

    /// The same from memory that need not outlive the call.
    func append(_ lines: UnsafeRawBufferPointer, count: Int) {
        let mustSchedule = state.withLock { state in
            guard !state.isClosed else { return false }
            // Having lost lines, the log resumes at half the limit: one report a gap and not one a line.
            let room = (state.lost > 0 ? limit / 2 : limit) - state.backlog
            guard lines.count <= room else {
                state.lost += count
                return false
            }
            reportLoss(&state)
            unsafe state.pending.append(contentsOf: lines)
            return state.scheduleWriter()
        }
        if mustSchedule { writer.async { self.drain() } }
    }

    /// Waits until what was handed over before is written, at most for `limit`.
    /// - Returns: Whether it is.
    @discardableResult
    package func flush(within limit: TimeAmount) -> Bool {
        let written = DispatchSemaphore(value: 0)
        writer.async { written.signal() }
        return written.wait(timeout: .now() + .nanoseconds(Int(limit.nanoseconds))) == .success
    }

    /// Takes no more lines, and waits until those it has are written, at most for `limit`. A reader that stalls
    /// longer than that does not keep the process from ending.
    /// - Returns: Whether all was written.
    @discardableResult
    package func close(within limit: TimeAmount) -> Bool {
        state.withLock { $0.isClosed = true }
        return flush(within: limit)
    }

    /// Writes until nothing is pending. Runs on the writer's queue.
    private func drain() {
        var batch: [UInt8] = []
        while takeBatch(&batch) {
            guard write(batch) else {
                return state.withLock { state in
                    state.isClosed = true
                    state.pending = []
                    state.inFlight = 0
                }
            }
        }
    }

    /// Swaps an empty batch for the pending lines. False, with the memory given back, if there are none.
    private func takeBatch(_ batch: inout [UInt8]) -> Bool {
        if batch.capacity > Self.keptCapacity { batch = [] } else { batch.removeAll(keepingCapacity: true) }
        return state.withLock { state in
            if state.backlog == 0 { reportLoss(&state) }
            guard state.pending.count > 0 else {
                state.spare = batch
                state.isWriterScheduled = false
                return false
            }
            if batch.capacity == 0 { swap(&batch, &state.spare) }
            swap(&batch, &state.pending)
            state.inFlight = batch.count
            return true
        }
    }

    /// Writes a batch, however often that blocks.
    /// - Returns: False when nothing more can ever be written.
    private func write(_ batch: [UInt8]) -> Bool {
        var rest = batch[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
                state.withLock { $0.inFlight -= written }
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: waitUntilWritable()
            case EPIPE, EBADF, EINVAL: return false
            default:
                // A full disk or a failing device is a slow reader: lines wait, then are dropped and counted.
                poll(nil, 0, 1000)
            }
        }
        return true
    }

    private func waitUntilWritable() {
        var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&event, 1, -1)
    }

    private func reportLoss(_ state: inout State) {
        guard state.lost > 0 else { return }
        var line = LineWriter(format: format, secrets: SecretMatcher([]))
        line.begin(time(), level: "warning", message: "log lines lost")
        line.field("lines", state.lost)
        line.end()
        unsafe line.bytes.withUnsafeBytes { unsafe state.pending.append(contentsOf: $0) }
        state.lost = 0
    }
}
