import TLS

/// `TLS_…`: what the public listener's TLS is made of.
enum TLSSettings {
    static func read(_ reader: inout SettingsReader) -> TLSServerSettings {
        let directory = reader.value(.tlsCertificateDirectory, fallback: nil, parse: Values.optionalText)
        let chains = reader.value(.tlsCertificateFile, fallback: [], parse: list)
        let keys = reader.value(.tlsKeyFile, fallback: [], parse: list)
        // A directory takes the place of the files that nobody named.
        let named = directory == nil || reader.isSet(.tlsCertificateFile) || reader.isSet(.tlsKeyFile)
        if named, !chains.isEmpty, !keys.isEmpty, chains.count != keys.count {
            reader.report(
                .tlsKeyFile,
                ValueFault("names \(keys.count) files, and TLS_CERT_FILE \(chains.count): a key for each certificate"))
        }
        var settings = TLSServerSettings(
            certificates: named
                ? zip(chains, keys).map { .init(chain: reader.path($0), key: reader.path($1)) } : [],
            certificateDirectory: directory.map(reader.path))
        settings.profile = reader.value(.tlsProfile, fallback: .intermediate, parse: Values.choice)
        settings.unknownHost = reader.value(.tlsUnknownHost, fallback: .defaultCertificate, parse: Values.choice)
        settings.ocspFiles = reader.value(.tlsOCSPFile, fallback: [], parse: list).map(reader.path)
        settings.ticketKeysFile = reader.value(.tlsTicketKeysFile, fallback: nil, parse: Values.optionalText)
            .map(reader.path)
        let authorities = reader.value(.tlsClientCAFile, fallback: nil, parse: Values.optionalText).map(reader.path)
        let mode: TLSClientAuthentication.Mode? = reader.value(
            .tlsClientAuth, fallback: nil, parse: { text throws(ValueFault) in try Values.choice(text) })
        if let authorities {
            settings.clientAuthentication = .init(authorityFile: authorities, mode: mode ?? .required)
        } else if mode != nil {
            reader.report(
                .tlsClientAuth, ValueFault("is set, but TLS_CLIENT_CA_FILE does not say whose certificates to accept"))
        }
        return settings
    }

    /// Paths, separated by commas.
    private static func list(_ text: String) throws(ValueFault) -> [String] {
        let items = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
        guard items.allSatisfy({ !$0.isEmpty }) else { throw ValueFault("has a comma too many") }
        return items
    }
}

/// What browsers are told.
package struct BrowserSettings: Sendable {
    /// `HSTS_MAX_AGE` in seconds; zero sends none.
    package var hstsMaxAge: Int
    /// `CORS_ALLOW_ORIGINS`: whose pages may call; nil for none.
    var corsOrigins: CORSPolicy.Origins?

    static func read(_ reader: inout SettingsReader) -> BrowserSettings {
        BrowserSettings(
            hstsMaxAge: reader.value(.hstsMaxAge, fallback: 0, parse: maxAge),
            corsOrigins: reader.value(
                .corsAllowOrigins, fallback: nil,
                parse: { text throws(ValueFault) in try CORSPolicy.Origins(parsing: text) }))
    }

    private static func maxAge(_ text: String) throws(ValueFault) -> Int {
        // Ten years: more is surely a mistake in the unit.
        try Values.wholeNumber(text, in: 0...315_360_000)
    }
}
