internal import COpenSSL
internal import Glibc

/// An OCSP response (RFC 6960) that goes out with a certificate whose status a client asks for (RFC 6066 §8).
struct OCSPStaple: Sendable {
    /// DER.
    let response: [UInt8]
    /// When the authority will know more, in seconds since 1970; from then on the response is not sent.
    let nextUpdate: Int64?

    /// Reads a response and finds the certificate that it is about; blocks.
    ///
    /// - Throws: when it cannot be read, is about none of the certificates, or says that one is not good.
    static func load(
        path: String, for certificates: [ServerCertificate]
    ) throws(TLSError) -> (staple: OCSPStaple, index: Int) {
        let bytes = try PEMFile(path: path).bytes
        guard let basic = try? BasicResponse(bytes) else {
            throw TLSError(
                .unusableOCSPResponse,
                "\(path) is no successful OCSP response in DER, as `openssl ocsp -respout FILE` writes it")
        }
        for (index, certificate) in certificates.enumerated() {
            guard let found = basic.status(of: certificate) else { continue }
            guard found.isGood else {
                throw TLSError(
                    .unusableOCSPResponse, "\(path) says that the certificate \(certificate.facts.file) is not good")
            }
            return (OCSPStaple(response: bytes, nextUpdate: found.nextUpdate), index)
        }
        throw TLSError(.unusableOCSPResponse, "the OCSP response \(path) is about none of the server's certificates")
    }

    func isExpired(at now: Int64) -> Bool {
        nextUpdate.map { $0 <= now } ?? false
    }
}

/// Owns an OCSP_BASICRESP.
@safe
private struct BasicResponse: ~Copyable {
    private let pointer: OpaquePointer

    struct Unreadable: Error {}

    init(_ bytes: [UInt8]) throws(Unreadable) {
        clearErrorQueue()
        let response = unsafe bytes.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &start, buffer.count)
        }
        guard let response = unsafe response else { throw Unreadable() }
        defer { unsafe OCSP_RESPONSE_free(response) }
        guard
            unsafe OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = unsafe OCSP_response_get1_basic(response)
        else { throw Unreadable() }
        unsafe pointer = basic
    }

    deinit {
        unsafe OCSP_BASICRESP_free(pointer)
    }

    /// What it says about a certificate; nil where it is about others.
    func status(of certificate: ServerCertificate) -> (isGood: Bool, nextUpdate: Int64?)? {
        for index in 0..<max(0, unsafe OCSP_resp_count(pointer)) {
            guard let single = unsafe OCSP_resp_get0(pointer, index), unsafe Self.isAbout(single, certificate) else {
                continue
            }
            var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            let status = unsafe OCSP_single_get0_status(single, nil, nil, nil, &next)
            return unsafe (status == V_OCSP_CERTSTATUS_GOOD, X509Certificate.seconds(next))
        }
        return nil
    }

    private static func isAbout(_ single: OpaquePointer, _ certificate: ServerCertificate) -> Bool {
        guard let identifier = unsafe OCSP_SINGLERESP_get0_id(single) else {
            return false
        }
        var (nameHash, digest): (UnsafeMutablePointer<ASN1_OCTET_STRING>?, OpaquePointer?)
        unsafe (nameHash, digest) = (nil, nil)
        var serial: UnsafeMutablePointer<ASN1_INTEGER>?
        guard
            unsafe OCSP_id_get0_info(&nameHash, &digest, nil, &serial, identifier) == 1,
            let algorithm = unsafe EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(digest)))
        else { return false }
        // With the issuer at hand its key counts, too.
        if let issuer = certificate.issuers.first {
            let expected = unsafe OCSP_cert_to_id(algorithm, certificate.leaf.pointer, issuer.pointer)
            guard let expected = unsafe expected else { return false }
            defer { unsafe OCSP_CERTID_free(expected) }
            return unsafe OCSP_id_cmp(expected, identifier) == 0
        }
        var hash = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard
            unsafe ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate.leaf.pointer)) == 0,
            unsafe X509_NAME_digest(X509_get_issuer_name(certificate.leaf.pointer), algorithm, &hash, &length) == 1,
            let nameHash = unsafe nameHash
        else { return false }
        let given = unsafe UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(nameHash), count: max(0, Int(ASN1_STRING_length(nameHash))))
        return unsafe given.elementsEqual(hash.prefix(Int(length)))
    }
}
