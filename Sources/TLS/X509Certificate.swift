internal import COpenSSL

/// Owns one X509, which nothing changes once it was read.
@safe
final class X509Certificate: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_free(pointer)
    }

    /// All certificates of a PEM file, in its order; what is not a certificate is passed over.
    static func all(in file: PEMFile) throws(TLSError) -> [X509Certificate] {
        let bio = try PEMReader(file)
        var certificates: [X509Certificate] = []
        while true {
            clearErrorQueue()
            if let pointer = unsafe PEM_read_bio_X509(bio.pointer, nil, nil, nil) {
                unsafe certificates.append(X509Certificate(owning: pointer))
                continue
            }
            let error = ERR_peek_last_error()
            guard gw_ERR_get_lib(error) == ERR_LIB_PEM, gw_ERR_get_reason(error) == PEM_R_NO_START_LINE else {
                throw .fromQueue(.unusableCertificate, "\(file.name) has a certificate that cannot be read")
            }
            guard !certificates.isEmpty else {
                throw TLSError(
                    .unusableCertificate,
                    "\(file.name) holds no PEM certificate; it must begin with -----BEGIN CERTIFICATE-----")
            }
            return certificates
        }
    }
}
