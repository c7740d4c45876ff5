internal import COpenSSL

/// The algorithms, fetched once for the process: each use would otherwise search OpenSSL's providers for them.
@safe
private enum Algorithm {
    nonisolated(unsafe) static let cipher: OpaquePointer? = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    nonisolated(unsafe) static let derivation: OpaquePointer? = unsafe EVP_KDF_fetch(nil, "SCRYPT", nil)
}

/// The bytes of a key for AES-256.
private let keySize = 32

/// A key for AES-256, derived from a secret with scrypt.
func deriveKey(
    from secret: VaultSecret, salt: [UInt8], _ parameters: ScryptParameters
) throws(SealedFault) -> SecretBytes {
    gw_ERR_clear_error()
    guard let context = unsafe EVP_KDF_CTX_new(Algorithm.derivation) else { throw .failed("making a scrypt context") }
    defer { unsafe EVP_KDF_CTX_free(context) }
    return try unsafe SecretBytes(count: keySize) { (key) throws(SealedFault) in
        let result = unsafe secret.withUnsafeBytes { secret in
            unsafe salt.withUnsafeBytes { salt in
                unsafe gw_EVP_KDF_derive_scrypt(
                    context, key.bytes, key.count, secret.baseAddress, secret.count, salt.baseAddress, salt.count,
                    parameters.n, UInt32(parameters.r), UInt32(parameters.p), parameters.memoryLimit)
            }
        }
        guard result == 1 else { throw .failed("deriving a key") }
    }
}

extension SealedFile {
    /// Seals a record under a key that was derived with these parameters and this salt. The nonce must never have been
    /// used with that key.
    init(
        sealing plaintext: [UInt8], name: String, key: SecretBytes, parameters: ScryptParameters, salt: [UInt8],
        nonce: [UInt8]
    ) throws(SealedFault) {
        // The header tells the size of the ciphertext, and must be complete before anything is sealed.
        self.init(
            parameters: parameters, salt: salt, nonce: nonce,
            sealed: [UInt8](repeating: 0, count: plaintext.count + Self.tagSize))
        let context = try CipherContext()
        let additional = header + Array(name.utf8)
        let succeeded = unsafe key.withUnsafeBytes { key in
            unsafe sealed.withUnsafeMutableBytes { output in
                unsafe EVP_EncryptInit_ex2(context.pointer, Algorithm.cipher, key.bytes, nonce, nil) == 1
                    && EVP_EncryptUpdate(
                        context.pointer, nil, &context.count, additional, CInt(clamping: additional.count)) == 1
                    && EVP_EncryptUpdate(
                        context.pointer, output.bytes, &context.count, plaintext, CInt(clamping: plaintext.count)) == 1
                    && EVP_EncryptFinal_ex(context.pointer, output.bytes, &context.count) == 1
                    && EVP_CIPHER_CTX_ctrl(
                        context.pointer, EVP_CTRL_AEAD_GET_TAG, CInt(Self.tagSize),
                        output.baseAddress?.advanced(by: plaintext.count)) == 1
            }
        }
        guard succeeded else { throw .failed("sealing") }
    }

    /// The record, if this key, this name, and nothing else sealed it. The caller wipes it.
    func open(name: String, key: SecretBytes) throws(SealedFault) -> [UInt8] {
        let size = sealed.count - Self.tagSize
        var tag = Array(sealed[size...])
        let context = try CipherContext()
        let additional = header + Array(name.utf8)
        var plaintext = [UInt8](repeating: 0, count: size)
        let (decrypted, verified) = unsafe key.withUnsafeBytes { key in
            let decrypted =
                unsafe EVP_DecryptInit_ex2(context.pointer, Algorithm.cipher, key.bytes, nonce, nil) == 1
                && EVP_DecryptUpdate(
                    context.pointer, nil, &context.count, additional, CInt(clamping: additional.count)) == 1
                && EVP_DecryptUpdate(context.pointer, &plaintext, &context.count, sealed, CInt(clamping: size)) == 1
                && EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_SET_TAG, CInt(Self.tagSize), &tag) == 1
            var rest: UInt8 = 0
            return unsafe (decrypted, decrypted && EVP_DecryptFinal_ex(context.pointer, &rest, &context.count) == 1)
        }
        guard verified else {
            plaintext.wipe()
            gw_ERR_clear_error()
            throw decrypted ? .unopenable : .failed("opening")
        }
        return plaintext
    }
}

/// An EVP_CIPHER_CTX, and a place for the counts that its functions give. Freeing it wipes its key schedule.
@safe
private final class CipherContext {
    let pointer: OpaquePointer
    var count: CInt = 0

    init() throws(SealedFault) {
        gw_ERR_clear_error()
        guard let pointer = unsafe EVP_CIPHER_CTX_new() else { throw .failed("making a cipher context") }
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_CIPHER_CTX_free(pointer) }
}

extension UnsafeRawBufferPointer {
    fileprivate var bytes: UnsafePointer<UInt8>? { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var bytes: UnsafeMutablePointer<UInt8>? { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
