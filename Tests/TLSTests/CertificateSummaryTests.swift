import NIOCore
import TLS
import TestSupport
import Testing

struct CertificateSummaryTests {
    @Test func namesIssuerAndTimesAreTheCertificates() throws {
        let authority = try TestCertificates(authorityName: "An authority")
        let server = try authority.issue(
            names: ["example.com", "*.example.com"], addresses: ["192.0.2.1", "2001:db8::1"], validity: -3600..<7200)
        let context = try TLSServerContext(
            certificateChain: server.certificate, privateKey: server.privateKey)
        let summary = try #require(context.certificate)
        #expect(summary.names == ["example.com", "*.example.com", "192.0.2.1", "2001:db8::1"])
        #expect(summary.issuer == "An authority")
        #expect(summary.notAfter - summary.notBefore == 3600 + 7200)
    }

    @Test func aCertificateMayBeForAnAddressAlone() throws {
        let authority = try TestCertificates()
        let server = try authority.issue(names: [], addresses: ["127.0.0.1"])
        let context = try TLSServerContext(
            certificateChain: server.certificate, privateKey: server.privateKey)
        #expect(context.certificate?.names == ["127.0.0.1"])
    }
}
