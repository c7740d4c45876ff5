import Foundation
import NIOCore
import Synchronization
import Telemetry

/// Reads a log as it is written, through a pipe.
final class LogCollector: Sendable {
    private let pipe = Pipe()
    private let collected = Mutex(Data())
    private let sink = Mutex<LogSink?>(nil)

    init() {
        pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { $0.append(data) }
        }
    }

    var writeDescriptor: Int32 { pipe.fileHandleForWriting.fileDescriptor }

    var text: String { collected.withLock { String(decoding: $0, as: UTF8.self) } }

    var lines: [Substring] { text.split(separator: "\n") }

    func attach(_ sink: LogSink) {
        self.sink.withLock { $0 = sink }
    }

    func close() {
        _ = sink.withLock { $0?.close(within: .seconds(2)) }
        try? pipe.fileHandleForWriting.close()
        pipe.fileHandleForReading.readabilityHandler = nil
    }
}
