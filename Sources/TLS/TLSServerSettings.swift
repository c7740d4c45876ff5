/// What a listener's TLS is made of: an operator's decisions, and the files that a reload reads again.
package struct TLSServerSettings: Sendable, Equatable {
    /// Which versions are spoken.
    package var profile = TLSProfile.intermediate
    /// Certificates by their files; the first is the default. May be empty where there is a directory.
    package var certificates: [TLSCertificateFiles]
    /// A directory of certificates: see `CertificateDirectory`.
    package var certificateDirectory: String?
    /// What a client gets that asks for a host name of no certificate.
    package var unknownHost = UnknownHost.defaultCertificate
    /// OCSP responses (RFC 6960) in DER, each for one of the certificates.
    package var ocspFiles: [String] = []
    /// Keys of session tickets that instances share: see `TicketKeyFile`. Without it the keys are this process's own.
    package var ticketKeysFile: String?
    /// Whom clients' certificates are accepted from; nil asks for none.
    package var clientAuthentication: TLSClientAuthentication?
    /// Application protocols in the server's order of preference; where there is none, what clients offer is ignored.
    package var alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0]

    package init(certificates: [TLSCertificateFiles], certificateDirectory: String? = nil) {
        self.certificates = certificates
        self.certificateDirectory = certificateDirectory
    }
}

/// Mozilla's configurations, version 6.0. Key exchange groups that this OpenSSL lacks are left out.
package enum TLSProfile: String, Sendable, CaseIterable {
    /// TLS 1.2 and 1.3.
    case intermediate
    /// TLS 1.3 only.
    case modern
}

/// A certificate chain in PEM, the server's own certificate first, and its private key. Both may be in one file.
package struct TLSCertificateFiles: Sendable, Hashable {
    package var chain: String
    package var key: String

    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}

/// What becomes of a client that asks for a host name which no certificate carries. One that names none, or an
/// address, gets the default certificate.
package enum UnknownHost: String, Sendable, CaseIterable {
    /// It gets the default certificate, and its requests are served.
    case defaultCertificate = "default"
    /// Its handshake ends with the alert unrecognized_name (112); requests for such a name that come by another
    /// certificate's connection are misdirected.
    case reject
    /// It gets the default certificate, and its requests 421 Misdirected Request (RFC 9110 §15.5.20).
    case misdirected
}

/// How clients prove with a certificate who they are.
package struct TLSClientAuthentication: Sendable, Equatable {
    /// What becomes of a client without one.
    package enum Mode: String, Sendable, CaseIterable {
        /// Its handshake fails.
        case required
        /// It is served as if nobody had asked.
        case optional
    }

    /// PEM: each certificate in it, root or not, is trusted.
    package var authorityFile: String
    package var mode: Mode

    package init(authorityFile: String, mode: Mode) {
        self.authorityFile = authorityFile
        self.mode = mode
    }
}
