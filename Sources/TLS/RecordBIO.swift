internal import COpenSSL
internal import NIOCore

/// The transport below one TLS session: a BIO that reads straight from the ciphertext that has arrived and writes
/// straight into the buffer that will be sent, so that each record is copied once on its way in and once on its way out.
///
/// The session swaps the caller's buffers in for the length of one call and back out after it; between calls both are
/// empty and cost nothing.
@safe
final class RecordBIO {
    /// Ciphertext that OpenSSL has not read yet.
    var input = ByteBuffer()
    /// Records that OpenSSL has written.
    var output = ByteBuffer()

    private let bio: OpaquePointer

    init() throws(TLSError) {
        clearErrorQueue()
        guard let method = unsafe recordMethod.pointer, let bio = unsafe BIO_new(method) else {
            throw .fromQueue(.internalFailure, "making a BIO")
        }
        unsafe self.bio = bio
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
    }

    deinit {
        // Should the session outlive this object, its calls find no buffers.
        unsafe BIO_set_data(bio, nil)
        unsafe BIO_free(bio)
    }

    /// Makes this the transport of a session, which takes references of its own.
    func attach(to ssl: OpaquePointer) {
        unsafe BIO_up_ref(bio)
        // One reference stands for both directions when they are the same BIO.
        unsafe SSL_set_bio(ssl, bio, bio)
    }

    @inline(__always)
    fileprivate func read(into destination: UnsafeMutableRawPointer, capacity: Int) -> Int {
        unsafe input.readWithUnsafeReadableBytes { source in
            let count = min(capacity, source.count)
            if count > 0, let base = source.baseAddress {
                unsafe destination.copyMemory(from: base, byteCount: count)
            }
            return count
        }
    }

    @inline(__always)
    fileprivate func write(_ bytes: UnsafeRawBufferPointer) {
        unsafe output.writeBytes(bytes)
    }
}

/// The BIO_METHOD of every RecordBIO, made once and never freed.
@safe
private struct RecordMethod: @unchecked Sendable {
    /// nil only when there was no memory for it.
    let pointer: OpaquePointer?

    init() {
        unsafe pointer = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ByteBuffer")
        guard let pointer = unsafe pointer else { return }
        unsafe BIO_meth_set_read_ex(pointer) { bio, destination, capacity, count in
            guard let bio = unsafe bio, let destination = unsafe destination,
                let owner = unsafe RecordMethod.owner(of: bio)
            else { return 0 }
            let read = unsafe owner.read(into: destination, capacity: capacity)
            unsafe count?.pointee = read
            if read == 0 {
                unsafe gw_BIO_set_retry_read(bio)
                return 0
            }
            return 1
        }
        unsafe BIO_meth_set_write_ex(pointer) { bio, source, length, count in
            guard let bio = unsafe bio, let owner = unsafe RecordMethod.owner(of: bio) else { return 0 }
            unsafe owner.write(UnsafeRawBufferPointer(start: source, count: length))
            unsafe count?.pointee = length
            return 1
        }
        unsafe BIO_meth_set_ctrl(pointer) { _, command, _, _ in
            // Flushing has nothing to do; every other request is one that this BIO does not know.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
    }

    /// The RecordBIO behind a BIO. Clears the retry flags on the way, as every read and write must.
    @inline(__always)
    private static func owner(of bio: OpaquePointer) -> RecordBIO? {
        unsafe gw_BIO_clear_retry_flags(bio)
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<RecordBIO>.fromOpaque(data).takeUnretainedValue()
    }
}

private let recordMethod = RecordMethod()
