internal import COpenSSL

/// The TLS library that is loaded.
package enum TLSLibrary {
    /// "3.0.19".
    package static var version: String {
        guard let text = unsafe OpenSSL_version(OPENSSL_VERSION_STRING) else { return "unknown" }
        return unsafe String(cString: text)
    }
}
