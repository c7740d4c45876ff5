internal import COpenSSL
internal import Glibc

extension X509Certificate {
    /// The names and addresses that it was issued for: those of subjectAltName (RFC 9525 §6.3: the subject's common name
    /// is none).
    var names: [CertificateName] {
        alternativeNames { type, value in
            switch type {
            case GEN_DNS: Self.text(value).map { .host($0.lowercased()) }
            case GEN_IPADD: .address(value)
            default: nil
            }
        }
    }

    /// What a client is called that presented it: the first DNS name, or else URI, or else email address of its
    /// subjectAltName, or else the subject's common name. Nil where there is none, or it is not 1 to 128 visible ASCII
    /// characters.
    var identity: String? {
        for wanted in [GEN_DNS, GEN_URI, GEN_EMAIL] {
            let found = alternativeNames { type, value in type == wanted ? value : nil }
            if let first = found.first { return Self.text(first) }
        }
        return commonName.flatMap(Self.text)
    }

    private var commonName: [UInt8]? {
        guard let subject = unsafe X509_get_subject_name(pointer) else { return nil }
        let index = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = unsafe X509_NAME_get_entry(subject, index) else { return nil }
        return unsafe X509_NAME_ENTRY_get_data(entry).map { unsafe Self.bytes($0) }
    }

    private func alternativeNames<Name>(_ body: (CInt, [UInt8]) -> Name?) -> [Name] {
        guard let found = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        var result: [Name] = []
        for index in 0..<max(0, unsafe gw_sk_GENERAL_NAME_num(names)) {
            var type: CInt = -1
            guard
                let name = unsafe gw_sk_GENERAL_NAME_value(names, index),
                let value = unsafe GENERAL_NAME_get0_value(name, &type),
                [GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD].contains(type)
            else { continue }
            let bytes = unsafe Self.bytes(value.assumingMemoryBound(to: ASN1_STRING.self))
            if let made = body(type, bytes) { result.append(made) }
        }
        return result
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        unsafe Array(
            UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: max(0, Int(ASN1_STRING_length(string)))))
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        guard (1...253).contains(bytes.count), bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The end of its validity in seconds since 1970; the far past where it cannot be read.
    var notAfter: Int64 {
        unsafe Self.seconds(X509_get0_notAfter(pointer)) ?? .min
    }

    /// A time of ASN.1 in seconds since 1970.
    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time = unsafe time else { return nil }
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(unsafe timegm(&parts))
    }

    /// Whether it is an authority's.
    var isAuthority: Bool {
        unsafe X509_check_ca(pointer) != 0
    }

    /// The kind of its key, in OpenSSL's numbers.
    var keyKind: CInt {
        unsafe X509_get0_pubkey(pointer).map { unsafe EVP_PKEY_get_base_id($0) } ?? 0
    }
}
