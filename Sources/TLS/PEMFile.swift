internal import COpenSSL
internal import Glibc

/// The contents of a PEM file, and the name that errors call it by. Wiped from memory when it is done with, since it
/// may hold a private key.
@safe
final class PEMFile {
    let name: String
    private let storage: UnsafeMutableRawBufferPointer
    private let count: Int

    /// Certificates and keys are a few KiB, a bundle of roots a few hundred.
    private static let maximumSize = 4 << 20

    /// PEM from memory.
    init(name: String, bytes: [UInt8]) {
        self.name = name
        count = bytes.count
        unsafe storage = .allocate(byteCount: bytes.count, alignment: 1)
        unsafe storage.copyBytes(from: bytes)
    }

    /// Reads a file, which blocks: for the start and for reloads.
    init(path: String) throws(TLSError) {
        // One byte more than a file may have tells one that is too large. Pages that stay untouched cost nothing.
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.maximumSize + 1, alignment: 1)
        name = path
        unsafe self.storage = storage
        count = unsafe Self.read(path, into: storage)
        // `deinit` runs for a throw from here on: every stored property has its value.
        if count < 0 {
            throw TLSError(.unreadableFile, unsafe "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        if count > Self.maximumSize {
            throw TLSError(.unreadableFile, "cannot read \(path): larger than 4 MiB, not a PEM file")
        }
    }

    deinit {
        unsafe OPENSSL_cleanse(storage.baseAddress, max(count, 0))
        unsafe storage.deallocate()
    }

    /// Gives `body` the contents; they are valid during the call only.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(start: storage.baseAddress, count: max(count, 0)))
    }

    /// A copy of the contents: for what holds no private key.
    var bytes: [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: storage.baseAddress, count: max(count, 0)))
    }

    /// A BIO over the bytes, from the first; the caller frees it while this object lives.
    fileprivate func makeBIO() -> OpaquePointer? {
        unsafe BIO_new_mem_buf(storage.baseAddress, CInt(clamping: count))
    }

    /// Reads a file to its end or until the buffer is full; -1 with `errno` when that fails.
    private static func read(_ path: String, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return -1 }
        defer {
            let error = errno
            close(descriptor)
            errno = error
        }
        var count = 0
        while count < buffer.count {
            let read = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { return -1 }
            if read == 0 { break }
            count += read
        }
        return count
    }
}

/// Owns a BIO that reads a PEM file from its start.
@safe
struct PEMReader: ~Copyable {
    let pointer: OpaquePointer
    private let file: PEMFile

    init(_ file: PEMFile) throws(TLSError) {
        clearErrorQueue()
        guard let bio = unsafe file.makeBIO() else { throw .fromQueue(.internalFailure, "reading \(file.name)") }
        unsafe pointer = bio
        self.file = file
    }

    deinit {
        unsafe BIO_free(pointer)
    }
}
