internal import COpenSSL
internal import Glibc

/// OpenSSL's memory: the heap, but for the blocks that hold one TLS record, of which each thread keeps a few at hand.
///
/// With SSL_MODE_RELEASE_BUFFERS a session that waits holds no such block: it takes one for each record that it reads or
/// writes. They are too large for the small-block caches of the heap, which would merge and split its free space each
/// time.
///
/// Every block comes from `malloc` and may go back by `free`, so it does not matter which thread frees it, or whether it
/// was taken before the installation.
enum RecordMemory {
    /// Sizes in bytes that count as a record: 2^14 bytes of content and what protects them (RFC 8446 §5.2).
    private static let sizes = 16 * 1024...18 * 1024
    /// What is allocated for all of them, so that any block serves any record.
    private static let blockSize = 18 * 1024
    /// The most blocks that a thread keeps.
    private static let mostKept = 8

    /// Whether OpenSSL uses this memory: not, when it had allocated before it was asked to. Asking is installing.
    static let isInstalled: Bool = {
        let hasKey = unsafe pthread_key_create(&key, { unsafe RecordMemory.drop($0) }) == 0
        guard hasKey else { return false }
        return unsafe CRYPTO_set_mem_functions(
            { size, _, _ in unsafe RecordMemory.allocate(size) },
            { block, size, _, _ in unsafe RecordMemory.reallocate(block, size) },
            { block, _, _ in unsafe RecordMemory.free(block) }) == 1
    }()

    /// Written once, before any thread reads it.
    nonisolated(unsafe) private static var key = pthread_key_t()

    /// The blocks that a thread keeps: each holds the address of the next in its first bytes, and the number of those
    /// that follow it after that.
    @unsafe private struct Link {
        var next: UnsafeMutableRawPointer?
        var following: Int
    }

    /// `malloc` for OpenSSL: nil for no bytes.
    static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard sizes.contains(size) else { return unsafe size > 0 ? malloc(size) : nil }
        guard let block = unsafe pthread_getspecific(key) else { return unsafe malloc(blockSize) }
        unsafe pthread_setspecific(key, block.load(as: Link.self).next)
        return unsafe block
    }

    /// `free` for OpenSSL.
    static func free(_ block: UnsafeMutableRawPointer?) {
        guard let block = unsafe block else { return }
        let size = unsafe malloc_usable_size(block)
        guard size >= blockSize, size < blockSize + 64 else { return unsafe Glibc.free(block) }
        let next = unsafe pthread_getspecific(key)
        let following = unsafe next.map { unsafe $0.load(as: Link.self).following + 1 } ?? 0
        guard following < mostKept else { return unsafe Glibc.free(block) }
        unsafe block.storeBytes(of: Link(next: next, following: following), as: Link.self)
        unsafe pthread_setspecific(key, block)
    }

    /// `realloc` for OpenSSL.
    static func reallocate(_ block: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let block = unsafe block else { return unsafe allocate(size) }
        guard size > 0 else {
            unsafe free(block)
            return nil
        }
        return unsafe realloc(block, size)
    }

    /// Frees what a thread that ends has kept.
    private static func drop(_ first: UnsafeMutableRawPointer?) {
        var block = unsafe first
        while let kept = unsafe block {
            unsafe block = kept.load(as: Link.self).next
            unsafe Glibc.free(kept)
        }
    }
}
