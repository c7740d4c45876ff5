internal import COpenSSL
internal import Foundation

/// A certificate authority made for one test run, and the certificates it issues: as PEM in memory and as files in a
/// temporary directory, which is removed with this object or at exit.
@safe
package final class TestCertificates: Sendable {
    /// A certificate and its private key.
    package struct Issued: Sendable {
        package let certificate: [UInt8]
        package let privateKey: [UInt8]
        package let certificateFile: String
        package let privateKeyFile: String
    }

    package enum Key: Sendable {
        case ecdsaP256
        case rsa2048
    }

    /// What went wrong while making one.
    package struct Failure: Error {
        package let step: String
    }

    /// The authority's own certificate.
    package let authority: Issued
    /// Where the files are.
    package var directory: String { temporary.path }

    private let temporary: TemporaryDirectory

    nonisolated(unsafe) private let authorityCertificate: OpaquePointer
    nonisolated(unsafe) private let authorityKey: OpaquePointer

    /// Makes the authority (ECDSA P-256, valid for a day).
    package init(authorityName: String = "qwen-gateway test authority") throws {
        let directory = try TemporaryDirectory()
        self.temporary = directory
        let key = unsafe try Self.makeKey(.ecdsaP256)
        let certificate = unsafe try Self.makeCertificate(
            subject: authorityName, key: key, issuer: nil, issuerKey: key, validity: -3600..<86400,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        unsafe authorityKey = key
        unsafe authorityCertificate = certificate
        authority = unsafe try Self.write(certificate, key, name: "ca", in: directory.path)
    }

    deinit {
        unsafe X509_free(authorityCertificate)
        unsafe EVP_PKEY_free(authorityKey)
    }

    /// A certificate for these DNS names and IP addresses, a server's unless told otherwise. `validity` is in seconds
    /// from now; `others` are further alternative names, as OpenSSL writes them.
    package func issue(
        names: [String] = ["localhost"], addresses: [String] = ["127.0.0.1", "::1"], key kind: Key = .ecdsaP256,
        validity: Range<Int> = -3600..<86400, usage: String = "serverAuth", others: [String] = [],
        subject: String? = nil
    ) throws -> Issued {
        let key = unsafe try Self.makeKey(kind)
        defer { unsafe EVP_PKEY_free(key) }
        let alternatives = names.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" } + others
        let certificate = unsafe try Self.makeCertificate(
            subject: subject ?? names.first ?? addresses.first ?? "test", key: key, issuer: authorityCertificate,
            issuerKey: authorityKey, validity: validity,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, usage), (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid"),
            ] + (alternatives.isEmpty ? [] : [(NID_subject_alt_name, alternatives.joined(separator: ","))]))
        defer { unsafe X509_free(certificate) }
        return unsafe try Self.write(certificate, key, name: UUID().uuidString, in: directory)
    }

    /// An OCSP response in DER that says that a certificate is good (or revoked), valid for so many seconds from now.
    package func statusResponse(for issued: Issued, isGood: Bool = true, until end: Int = 3600) throws -> [UInt8] {
        guard
            let bio = unsafe BIO_new_mem_buf(issued.certificate, CInt(issued.certificate.count)),
            let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil),
            let basic = unsafe OCSP_BASICRESP_new(),
            let identifier = unsafe OCSP_cert_to_id(EVP_sha1(), certificate, authorityCertificate)
        else { throw Failure(step: "OCSP response") }
        defer {
            unsafe OCSP_CERTID_free(identifier)
            unsafe OCSP_BASICRESP_free(basic)
            unsafe X509_free(certificate)
            unsafe BIO_free(bio)
        }
        let (this, next) = unsafe (X509_gmtime_adj(nil, -3600), X509_gmtime_adj(nil, end))
        defer {
            unsafe ASN1_TIME_free(this)
            unsafe ASN1_TIME_free(next)
        }
        guard
            unsafe OCSP_basic_add1_status(
                basic, identifier, isGood ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED, 0, isGood ? nil : this,
                this, next) != nil,
            unsafe OCSP_basic_sign(basic, authorityCertificate, authorityKey, EVP_sha256(), nil, 0) == 1,
            let response = unsafe OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)
        else { throw Failure(step: "OCSP response") }
        defer { unsafe OCSP_RESPONSE_free(response) }
        var bytes = [UInt8](repeating: 0, count: max(0, Int(unsafe i2d_OCSP_RESPONSE(response, nil))))
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            _ = unsafe i2d_OCSP_RESPONSE(response, &start)
        }
        return bytes
    }

    private static func makeKey(_ kind: Key) throws -> OpaquePointer {
        let key = unsafe kind == .ecdsaP256 ? gw_EVP_EC_gen("P-256") : gw_EVP_RSA_gen(2048)
        guard let key = unsafe key else { throw Failure(step: "generating a key") }
        return unsafe key
    }

    private static func makeCertificate(
        subject: String, key: OpaquePointer, issuer: OpaquePointer?, issuerKey: OpaquePointer, validity: Range<Int>,
        extensions: [(identifier: CInt, value: String)]
    ) throws -> OpaquePointer {
        guard let certificate = unsafe X509_new() else { throw Failure(step: "making a certificate") }
        var isFinished = false
        defer { if !isFinished { unsafe X509_free(certificate) } }

        let name = unsafe X509_get_subject_name(certificate)
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), UInt64.random(in: 1...(1 << 62)))
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), validity.lowerBound)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), validity.upperBound)
        guard
            unsafe X509_set_pubkey(certificate, key) == 1,
            unsafe X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, subject, -1, -1, 0) == 1,
            unsafe X509_set_issuer_name(certificate, issuer.map { unsafe X509_get_subject_name($0) } ?? name) == 1
        else { throw Failure(step: "naming \(subject)") }

        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer ?? certificate, certificate, nil, nil, 0)
        unsafe gw_X509V3_set_ctx_nodb(&context)
        for (identifier, value) in extensions {
            guard let made = unsafe X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
                throw Failure(step: "extension \(value)")
            }
            defer { unsafe X509_EXTENSION_free(made) }
            guard unsafe X509_add_ext(certificate, made, -1) == 1 else { throw Failure(step: "extension \(value)") }
        }
        guard unsafe X509_sign(certificate, issuerKey, EVP_sha256()) > 0 else { throw Failure(step: "signing") }
        isFinished = true
        return unsafe certificate
    }

    private static func write(
        _ certificate: OpaquePointer, _ key: OpaquePointer, name: String, in directory: String
    ) throws -> Issued {
        let issued = unsafe Issued(
            certificate: try pem { unsafe PEM_write_bio_X509($0, certificate) },
            privateKey: try pem { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) },
            certificateFile: "\(directory)/\(name).pem", privateKeyFile: "\(directory)/\(name).key")
        try Data(issued.certificate).write(to: URL(filePath: issued.certificateFile))
        try Data(issued.privateKey).write(to: URL(filePath: issued.privateKeyFile))
        return issued
    }

    private static func pem(_ write: (OpaquePointer) -> CInt) throws -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw Failure(step: "writing PEM") }
        defer { unsafe BIO_free(bio) }
        guard unsafe write(bio) == 1 else { throw Failure(step: "writing PEM") }
        var data: UnsafeMutablePointer<CChar>?
        let count = unsafe gw_BIO_get_mem_data(bio, &data)
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: count))
    }
}
