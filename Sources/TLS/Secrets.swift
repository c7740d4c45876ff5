internal import COpenSSL

/// Compares secrets in a time that depends on their lengths alone.
package func constantTimeEquals(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    guard left.count > 0 else { return true }
    return unsafe left.withUnsafeBufferPointer { left in
        unsafe right.withUnsafeBufferPointer { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}

/// Random bytes from OpenSSL's generator, fit for keys and tokens. Throws when it cannot be seeded.
package func secureRandomBytes(_ count: Int) throws(TLSError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(count, 0))
    clearErrorQueue()
    let result = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe RAND_bytes(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), CInt(clamping: buffer.count))
    }
    guard result == 1 else { throw .fromQueue(.internalFailure, "generating random bytes") }
    return bytes
}
