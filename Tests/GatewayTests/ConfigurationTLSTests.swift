import TLS
import Testing

@testable import Gateway

@Suite struct ConfigurationTLSTests {
    let directory = ConfigurationDirectory()

    @Test func certificatesSideBySide() throws {
        let configuration = try directory.load(["TLS_CERT_FILE": "/a.pem, b.pem", "TLS_KEY_FILE": "/a.key,/b.key"])
        #expect(
            configuration.tls.certificates == [
                .init(chain: "/a.pem", key: "/a.key"), .init(chain: directory.path + "/b.pem", key: "/b.key"),
            ])
        let problems = directory.problems(["TLS_CERT_FILE": "a.pem,b.pem"])
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("TLS_KEY_FILE names 1 files, and TLS_CERT_FILE 2") == true)
    }

    @Test func aDirectoryTakesThePlaceOfTheDefaultFiles() throws {
        let alone = try directory.load(["TLS_CERT_DIR": "live"]).tls
        #expect(alone.certificateDirectory == directory.path + "/live")
        #expect(alone.certificates.isEmpty)
        let both = try directory.load(["TLS_CERT_DIR": "/live", "TLS_CERT_FILE": "/a", "TLS_KEY_FILE": "/b"]).tls
        #expect(both.certificates == [.init(chain: "/a", key: "/b")])
    }

    @Test func everythingElse() throws {
        let configuration = try directory.load([
            "TLS_PROFILE": "modern", "TLS_UNKNOWN_HOST": "misdirected", "TLS_TICKET_KEYS_FILE": "/keys",
            "TLS_OCSP_FILE": "/a.ocsp,/b.ocsp", "TLS_CLIENT_CA_FILE": "/ca.pem", "HSTS_MAX_AGE": "0",
            "CORS_ALLOW_ORIGINS": "HTTPS://App.example:443,http://localhost:5173,http://[::1]:80",
        ])
        #expect(configuration.tls.profile == .modern)
        #expect(configuration.tls.unknownHost == .misdirected)
        #expect(configuration.tls.ticketKeysFile == "/keys")
        #expect(configuration.tls.ocspFiles == ["/a.ocsp", "/b.ocsp"])
        #expect(configuration.tls.clientAuthentication == .init(authorityFile: "/ca.pem", mode: .required))
        #expect(configuration.browsers.hstsMaxAge == 0)
        #expect(
            configuration.browsers.corsOrigins
                == .listed(["https://app.example", "http://localhost:5173", "http://[::1]"]))
    }

    @Test func askingForCertificatesNeedsAnAuthority() throws {
        let problems = directory.problems(["TLS_CLIENT_AUTH": "required"])
        #expect(problems.count == 1)
        #expect(problems.first?.contains("TLS_CLIENT_CA_FILE") == true)
        let optional = try directory.load(["TLS_CLIENT_AUTH": "optional", "TLS_CLIENT_CA_FILE": "/ca.pem"])
        #expect(optional.tls.clientAuthentication?.mode == .optional)
    }
}
