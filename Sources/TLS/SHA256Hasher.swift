internal import COpenSSL

/// A SHA-256 digest: 32 bytes in four words, so that it is compared and hashed without an allocation.
package struct SHA256Digest: Hashable, Sendable {
    // In the order of the bytes, in the machine's own endianness.
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// The number of bytes in a digest.
    package static let size = 32

    fileprivate init() {}

    /// A digest that was kept; nil unless it has 32 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        unsafe withUnsafeMutableBytes(of: &words) { unsafe $0.copyBytes(from: bytes) }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
    }

    package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        // Without a branch per word: the time taken tells nothing about where two digests differ.
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3) == 0
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    fileprivate mutating func withUnsafeStorage<Result>(_ body: (UnsafeMutablePointer<UInt8>?) -> Result) -> Result {
        unsafe withUnsafeMutableBytes(of: &words) { unsafe body($0.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
    }
}

/// Hashes with SHA-256 (FIPS 180-4). Owns one EVP_MD_CTX and reuses it, so a hash costs no allocation and no search
/// for the algorithm. Confined to one event loop or thread: make one where it is used.
@safe
package final class SHA256Hasher {
    private let context: OpaquePointer
    private let algorithm: OpaquePointer

    /// Throws only when OpenSSL has no SHA-256 or there is no memory.
    package init() throws(TLSError) {
        _ = RecordMemory.isInstalled
        clearErrorQueue()
        guard let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            throw .fromQueue(.internalFailure, "fetching SHA-256")
        }
        guard let context = unsafe EVP_MD_CTX_new() else {
            unsafe EVP_MD_free(algorithm)
            throw .fromQueue(.internalFailure, "making a digest context")
        }
        unsafe self.algorithm = algorithm
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
        unsafe EVP_MD_free(algorithm)
    }

    /// The digest of these bytes.
    package func hash(_ bytes: Span<UInt8>) throws(TLSError) -> SHA256Digest {
        var digest = SHA256Digest()
        clearErrorQueue()
        let succeeded = unsafe bytes.withUnsafeBufferPointer { input in
            unsafe EVP_DigestInit_ex2(context, algorithm, nil) == 1
                && EVP_DigestUpdate(context, input.baseAddress, input.count) == 1
                && digest.withUnsafeStorage { unsafe EVP_DigestFinal_ex(context, $0, nil) } == 1
        }
        guard succeeded else { throw .fromQueue(.internalFailure, "hashing") }
        return digest
    }
}
