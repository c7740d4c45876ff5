package import TLS

/// What is looked up of a TLS session once for all requests of its connection.
struct TLSNotes {
    /// The authority that was found to be a certificate's: requests of a connection are mostly for one.
    var knownAuthority: String?
    /// Whether the client asked for a host name that browsers remember HSTS for.
    var hasPublicName: Bool?
    /// Why the session failed.
    var failure: TLSFailureReason?
}

extension ServerConnection {
    /// "TLSv1.3", once the handshake is done.
    package var tlsVersion: String? { tlsSession?.version }
    /// The cipher suite's registered name.
    package var tlsCipher: String? { tlsSession?.cipher }
    /// The group of the key exchange.
    package var tlsGroup: String? { tlsSession?.group }
    /// The host name that the client asked for (SNI).
    package var tlsServerName: String? { tlsSession?.serverName }
    /// Whether the handshake took up an earlier session.
    package var tlsWasResumed: Bool? { tlsSession?.wasResumed }
    /// Who the client has proved to be with a certificate.
    package var clientCertificateName: String? { tlsSession?.clientCertificateName }
    /// Why the TLS session failed, in the handshake or later; nil if it did not.
    package var tlsFailure: TLSFailureReason? { tlsNotes.failure }

    /// Whether requests for this authority belong here. On a listener that serves any name, and without TLS, all do.
    package func serves(authority: String) -> Bool {
        guard let tlsSession, tlsSession.requiresKnownNames, tlsNotes.knownAuthority != authority else { return true }
        guard tlsSession.carries(authority: authority) else { return false }
        tlsNotes.knownAuthority = authority
        return true
    }

    /// Whether the client asked in TLS for a host name other than `localhost`: RFC 6797 §8.1.1 knows no addresses, and
    /// to make a browser use HTTPS for all of a developer's own machine would break more than it mends.
    package var hasPublicName: Bool {
        if let known = tlsNotes.hasPublicName { return known }
        guard let tlsSession else { return false }
        let name = tlsSession.serverName?.lowercased()
        let isPublic = name.map { $0 != "localhost" && !$0.hasSuffix(".localhost") && !Self.isAddress($0) } ?? false
        tlsNotes.hasPublicName = isPublic
        return isPublic
    }

    private static func isAddress(_ name: String) -> Bool {
        name.utf8.contains(UInt8(ascii: ":")) || name.utf8.last.map { (0x30...0x39).contains($0) } ?? true
    }
}
