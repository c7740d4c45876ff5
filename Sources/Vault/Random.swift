internal import COpenSSL

/// Random bytes from OpenSSL's generator, fit for keys, salts and nonces.
func randomBytes(_ count: Int) throws(SealedFault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    gw_ERR_clear_error()
    guard unsafe RAND_bytes(&bytes, CInt(clamping: count)) == 1 else {
        throw .failed("making random bytes")
    }
    return bytes
}

/// A random UUID (RFC 9562 §5.4) in its usual text, for the file that is named.
func randomUUID(for path: String) throws(VaultError) -> String {
    var bytes: [UInt8]
    do throws(SealedFault) {
        bytes = try randomBytes(16)
    } catch {
        throw VaultError(error, path: path)
    }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    var text = ""
    for (index, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(index) { text += "-" }
        if byte < 16 { text += "0" }
        text += String(byte, radix: 16)
    }
    return text
}
