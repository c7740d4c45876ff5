internal import COpenSSL

/// A fixed number of secret bytes outside of Swift's collections, which copy as they please. Wiped when it is dropped.
@safe
final class SecretBytes: Sendable {
    // Written only before `init` returns.
    nonisolated(unsafe) private let storage: UnsafeMutableRawBufferPointer

    /// Zeros, for `fill` to write the secret over. What `fill` throws drops, and so wipes, them.
    init<Failure: Error>(count: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        unsafe storage = .allocate(byteCount: count, alignment: 16)
        unsafe storage.initializeMemory(as: UInt8.self, repeating: 0)
        try unsafe fill(storage)
    }

    deinit {
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(storage))
    }
}

extension [UInt8] {
    /// Overwrites bytes that were secret with zeros, in a way that is not optimised away, and empties the array. An
    /// array that shares its storage with another is copied first, as on every write to it: wipe the only one.
    package mutating func wipe() {
        unsafe withUnsafeMutableBytes { unsafe wipeMemory($0) }
        self = []
    }
}

/// Overwrites memory that held a secret with zeros, in a way that is not optimised away.
package func wipeMemory(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    unsafe OPENSSL_cleanse(start, memory.count)
}
