import Foundation
import Glibc
import NIOCore

@testable import Telemetry

/// A pipe for a sink to write to, and what came out of it.
final class LogPipe: @unchecked Sendable {
    let readEnd: Int32
    private(set) var writeEnd: Int32

    /// - Parameter capacity: The bytes that the pipe holds while nobody reads.
    init(capacity: Int32? = nil) {
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
        // 1031: F_SETPIPE_SZ.
        if let capacity { precondition(fcntl(writeEnd, 1031, capacity) >= 0) }
    }

    deinit {
        close(readEnd)
        closeWriteEnd()
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    /// Reads until the write end is closed.
    func readAll() -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(readEnd, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of a sink that is written to by `body`, at most as much as a pipe holds.
    static func capture(format: LogFormat = .json, _ body: (LogSink) -> Void) -> String {
        let pipe = LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: format, time: { .fixed })
        body(sink)
        sink.close(within: .seconds(30))
        pipe.closeWriteEnd()
        return pipe.readAll()
    }
}

extension LogSink {
    /// Appends one line.
    func append(line: String) {
        append(Array((line + "\n").utf8), count: 1)
    }
}

extension WallTime {
    /// 2026-08-05T12:34:56.789Z.
    static let fixed = WallTime(nanoseconds: 1_785_933_296_789_000_000)
}

/// A line as a JSON parser of another make reads it.
func parsed(_ line: some StringProtocol) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return object as? [String: Any] ?? [:]
}
