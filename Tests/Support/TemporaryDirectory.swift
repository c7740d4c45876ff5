internal import Foundation
internal import Synchronization

/// A new directory for files of a test; removed with this object or, since what tests keep in statics is never freed,
/// when the process exits.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "qwen-gateway-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        _ = removalAtExit
        _ = existing.withLock { $0.insert(path) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        _ = existing.withLock { $0.remove(path) }
    }
}

private let existing = Mutex<Set<String>>([])

private let removalAtExit: Void = {
    atexit {
        for path in existing.withLock({ $0 }) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}()
