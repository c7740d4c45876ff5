internal import Glibc

/// Reads what a server's context is made of. Where a file cannot be used that could before, what was read then goes on.
struct ServerFilesLoader {
    private let previous: TLSServerContext?
    private var problems: [TLSError] = []
    private var warnings: [String] = []

    init(previous: TLSServerContext?) {
        self.previous = previous
    }

    /// Says once all was read what there is to say.
    func report(_ certificates: [ServerCertificate], _ staples: [Int: OCSPStaple]) -> TLSServerReport {
        var report = TLSServerReport(problems: problems, warnings: warnings)
        let now = Int64(time(nil))
        for certificate in certificates {
            let facts = certificate.facts
            if facts.summary.notAfter <= now { report.warnings.append("the certificate \(facts.file) has expired") }
            if facts.summary.notBefore > now {
                report.warnings.append("the certificate \(facts.file) is not valid yet")
            }
            if facts.summary.names.isEmpty {
                report.warnings.append("the certificate \(facts.file) carries no name that clients could accept")
            }
        }
        for (index, staple) in staples.sorted(by: { $0.key < $1.key }) where staple.isExpired(at: now) {
            let file = certificates[index].facts.file
            report.warnings.append("the OCSP response for \(file) has expired and is not sent")
        }
        return report
    }

    mutating func certificates(_ settings: TLSServerSettings) throws(TLSError) -> [ServerCertificate] {
        var found: [ServerCertificate] = []
        for files in settings.certificates {
            if let certificate = try certificate(files) { found.append(certificate) }
        }
        guard let path = settings.certificateDirectory else { return found }
        let pairs: [TLSCertificateFiles]
        do {
            pairs = try CertificateDirectory(path: path).pairs
        } catch {
            guard let previous else { throw error }
            problems.append(error)
            return previous.certificates
        }
        for files in pairs where !settings.certificates.contains(files) {
            guard let certificate = try certificate(files) else { continue }
            if certificate.leaf.isAuthority {
                warnings.append("\(files.chain) in \(path) is an authority's certificate and left aside")
            } else {
                found.append(certificate)
            }
        }
        if found.isEmpty {
            let error = TLSError(
                .unusableCertificate,
                "the directory \(path) holds no certificate; it takes NAME.pem with NAME.key, or NAME/fullchain.pem with NAME/privkey.pem"
            )
            guard let previous else { throw error }
            problems.append(error)
            return previous.certificates
        }
        return found
    }

    /// The pair's certificate, or the one that was read of it before.
    private mutating func certificate(_ files: TLSCertificateFiles) throws(TLSError) -> ServerCertificate? {
        do {
            return try ServerCertificate(files)
        } catch {
            guard let previous else { throw error }
            problems.append(error)
            return previous.certificates.first { $0.files == files }
        }
    }

    mutating func authorities(_ settings: TLSServerSettings) throws(TLSError) -> ClientAuthorities? {
        guard let wanted = settings.clientAuthentication else { return nil }
        do {
            let authorities = try ClientAuthorities(wanted)
            try authorities.use(in: SSLContext(.server))
            return authorities
        } catch {
            guard let known = previous?.authorities else { throw error }
            problems.append(error)
            return known
        }
    }

    mutating func staples(
        _ settings: TLSServerSettings, _ certificates: [ServerCertificate]
    ) throws(TLSError) -> [Int: OCSPStaple] {
        var found: [Int: OCSPStaple] = [:]
        for path in settings.ocspFiles {
            do {
                let (staple, index) = try OCSPStaple.load(path: path, for: certificates)
                found[index] = staple
            } catch {
                // No client is worse off without a response: a renewed certificate waits for none.
                guard previous != nil else { throw error }
                problems.append(error)
            }
        }
        return found
    }

    mutating func ticketKeys(_ settings: TLSServerSettings) throws(TLSError) -> TicketKeyFile? {
        guard let path = settings.ticketKeysFile else { return nil }
        do {
            return try TicketKeyFile(path: path)
        } catch {
            guard previous != nil else { throw error }
            problems.append(error)
            return nil
        }
    }
}

/// What the reading of a server's files had to say, beside what failed as a whole.
package struct TLSServerReport: Sendable {
    /// Files that cannot be used; what was read of them before is still in force.
    package var problems: [TLSError] = []
    /// What is allowed but hardly meant: a sentence each.
    package var warnings: [String] = []
}
