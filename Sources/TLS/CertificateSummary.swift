internal import COpenSSL
internal import Glibc

/// What an operator wants to know of a certificate.
package struct CertificateSummary: Sendable, Equatable {
    /// The DNS names and addresses that it is for (subjectAltName, RFC 5280 §4.2.1.6), in its order.
    package var names: [String]
    /// The common name of its issuer, or the issuer's organization; empty where it has neither.
    package var issuer: String
    /// Seconds since 1970.
    package var notBefore: Int64
    package var notAfter: Int64
}

extension TLSServerContext {
    /// The server's own certificate.
    package var certificate: CertificateSummary? {
        guard let certificate = unsafe SSL_CTX_get0_certificate(context.pointer) else { return nil }
        return CertificateSummary(certificate)
    }
}

extension CertificateSummary {
    /// - Parameter certificate: is borrowed.
    @safe
    init?(_ certificate: OpaquePointer) {
        guard let notBefore = unsafe X509Certificate.seconds(X509_get0_notBefore(certificate)),
            let notAfter = unsafe X509Certificate.seconds(X509_get0_notAfter(certificate))
        else { return nil }
        self.notBefore = notBefore
        self.notAfter = notAfter
        names = unsafe Self.names(certificate)
        issuer = unsafe Self.issuer(certificate)
    }

    private static func names(_ certificate: OpaquePointer) -> [String] {
        clearErrorQueue()
        guard let extensionValue = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
            return []
        }
        let list = OpaquePointer(extensionValue)
        defer { unsafe GENERAL_NAMES_free(list) }
        var names: [String] = []
        for index in 0..<max(0, unsafe OPENSSL_sk_num(list)) {
            guard let entry = unsafe OPENSSL_sk_value(list, index) else { continue }
            var type: CInt = 0
            let name = unsafe entry.assumingMemoryBound(to: GENERAL_NAME.self)
            guard let value = unsafe GENERAL_NAME_get0_value(name, &type) else { continue }
            guard type == GEN_DNS || type == GEN_IPADD else { continue }
            let bytes = unsafe bytes(of: value.assumingMemoryBound(to: ASN1_STRING.self))
            if type == GEN_DNS {
                names.append(String(decoding: bytes, as: UTF8.self))
            } else if let address = address(bytes) {
                names.append(address)
            }
        }
        return names
    }

    private static func issuer(_ certificate: OpaquePointer) -> String {
        guard let name = unsafe X509_get_issuer_name(certificate) else { return "" }
        for part in [NID_commonName, NID_organizationName] {
            let index = unsafe X509_NAME_get_index_by_NID(name, part, -1)
            guard index >= 0, let entry = unsafe X509_NAME_get_entry(name, index),
                let value = unsafe X509_NAME_ENTRY_get_data(entry)
            else { continue }
            return unsafe String(decoding: bytes(of: value), as: UTF8.self)
        }
        return ""
    }

    private static func bytes(of string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        let count = unsafe Int(ASN1_STRING_length(string))
        guard let start = unsafe ASN1_STRING_get0_data(string), count > 0 else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// An address of 4 or 16 bytes as it is written.
    private static func address(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
