internal import COpenSSL

/// Owns one EVP_PKEY with a private key in it, which nothing changes once it was read.
@safe
final class PrivateKey: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    /// The first private key of a PEM file.
    init(_ file: PEMFile) throws(TLSError) {
        let bio = try PEMReader(file)
        clearErrorQueue()
        // OpenSSL asks for a passphrase only when the key is encrypted; the answer is to note it and refuse.
        var isEncrypted = false
        let key = unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
            unsafe PEM_read_bio_PrivateKey(
                bio.pointer, nil,
                { _, _, _, flag in
                    unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
                    return -1
                }, flag)
        }
        guard let key = unsafe key else {
            if isEncrypted {
                throw TLSError(
                    .encryptedPrivateKey,
                    "private key \(file.name) is encrypted; decrypt it with `openssl pkey -in \(file.name) -out FILE`")
            }
            let error = ERR_peek_last_error()
            if gw_ERR_get_lib(error) == ERR_LIB_PEM, gw_ERR_get_reason(error) == PEM_R_NO_START_LINE {
                throw TLSError(
                    .unusablePrivateKey,
                    "\(file.name) holds no PEM private key; it must begin with -----BEGIN PRIVATE KEY-----")
            }
            throw .fromQueue(.unusablePrivateKey, "\(file.name) has a private key that cannot be read")
        }
        unsafe pointer = key
    }

    deinit {
        unsafe EVP_PKEY_free(pointer)
    }
}
