internal import Glibc

/// A small text file that the configuration refers to, read whole.
struct TextFile {
    /// Larger files are not what was meant.
    static let sizeLimit = 1024 * 1024

    let text: String
    /// Whether others than the file's owner may read it.
    let isReadableByOthers: Bool

    /// - Throws: Why the file cannot be read. Its content is not in the fault.
    init(path: String) throws(ValueFault) {
        // Not blocking: to open a FIFO would wait for its writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system("cannot be opened") }
        defer { close(descriptor) }

        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system("cannot be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw ValueFault("is not a regular file") }
        isReadableByOthers = status.st_mode & (S_IRGRP | S_IROTH) != 0

        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system("cannot be read")
            }
            bytes += chunk.prefix(count)
            guard bytes.count <= Self.sizeLimit else { throw ValueFault("is larger than 1 MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw ValueFault("is not UTF-8 text") }
        self.text = text
    }
}

extension ValueFault {
    /// The fault of a system call that has just failed.
    fileprivate static func system(_ phrase: String) -> ValueFault {
        ValueFault("\(phrase): \(unsafe String(cString: strerror(errno)))")
    }
}
