internal import COpenSSL

/// A certificate chain with its private key, read and found to belong together. Immutable; contexts share it.
@safe
final class ServerCertificate: Sendable {
    let files: TLSCertificateFiles
    /// The server's own certificate.
    let leaf: X509Certificate
    /// What is sent after it.
    let issuers: [X509Certificate]
    private let key: PrivateKey
    let names: [CertificateName]
    /// The kind of its key: a context holds one certificate of each.
    let keyKind: CInt
    let facts: TLSCertificateFacts

    /// Reads a pair of files, which blocks.
    convenience init(_ files: TLSCertificateFiles) throws(TLSError) {
        try self.init(files, chain: PEMFile(path: files.chain), key: PEMFile(path: files.key))
    }

    init(_ files: TLSCertificateFiles, chain: PEMFile, key keyFile: PEMFile) throws(TLSError) {
        let certificates = try X509Certificate.all(in: chain)
        key = try PrivateKey(keyFile)
        guard let leaf = certificates.first else {
            throw TLSError(.unusableCertificate, "\(chain.name) holds no certificate")
        }
        clearErrorQueue()
        guard unsafe X509_check_private_key(leaf.pointer, key.pointer) == 1 else {
            throw TLSError(
                .keyMismatch,
                """
                private key \(keyFile.name) does not match certificate \(chain.name); the server's own certificate \
                must be the first in the file
                """)
        }
        self.files = files
        self.leaf = leaf
        issuers = Array(certificates.dropFirst())
        names = leaf.names
        keyKind = leaf.keyKind
        guard let summary = unsafe CertificateSummary(leaf.pointer) else {
            throw TLSError(.unusableCertificate, "certificate \(chain.name) has no times of validity")
        }
        facts = TLSCertificateFacts(file: chain.name, summary: summary, keyKind: Self.name(ofKind: leaf.keyKind))
        // Whether OpenSSL will have it is known only once a context was asked to: too weak a key is refused.
        try use(in: SSLContext(.server))
    }

    /// Adds it to a context.
    func use(in context: SSLContext) throws(TLSError) {
        clearErrorQueue()
        guard unsafe SSL_CTX_use_certificate(context.pointer, leaf.pointer) == 1 else {
            throw .fromQueue(.unusableCertificate, "certificate \(facts.file) cannot be used")
        }
        guard unsafe SSL_CTX_use_PrivateKey(context.pointer, key.pointer) == 1 else {
            throw .fromQueue(.unusablePrivateKey, "private key \(files.key) cannot be used")
        }
        // They go to the chain of the certificate that was added last.
        for issuer in issuers {
            guard unsafe gw_SSL_CTX_add1_chain_cert(context.pointer, issuer.pointer) == 1 else {
                throw .fromQueue(.unusableCertificate, "a certificate after the first in \(facts.file) cannot be used")
            }
        }
    }

    private static func name(ofKind kind: CInt) -> String {
        switch kind {
        case EVP_PKEY_EC: "ECDSA"
        case EVP_PKEY_RSA: "RSA"
        case EVP_PKEY_ED25519: "Ed25519"
        default: "other"
        }
    }
}

/// What there is to know of a server's certificate, for logs and metrics.
package struct TLSCertificateFacts: Sendable, Equatable {
    /// Where it was read.
    package let file: String
    /// Its names, and its validity in seconds since 1970.
    package let summary: CertificateSummary
    /// "ECDSA", "RSA", "Ed25519" or "other".
    package let keyKind: String
}
