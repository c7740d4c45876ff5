internal import COpenSSL
internal import Foundation
internal import TLS
internal import TestSupport
internal import Testing

/// What an operator can get wrong.
@Suite struct CertificateFileTests {
    private func failure(certificate: String, key: String) throws -> TLSError? {
        #expect(throws: TLSError.self) { try TLSServerContext(certificateChainFile: certificate, privateKeyFile: key) }
    }

    private func write(_ text: String) throws -> String {
        let path = try Fixture.certificates.get().directory + "/\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test func files() throws {
        let issued = try Fixture.server.get()
        let context = try TLSServerContext(
            certificateChainFile: issued.certificateFile, privateKeyFile: issued.privateKeyFile)
        try Link(context, Fixture.clientContext()).handshake()
    }

    @Test func oneFileForBoth() throws {
        let issued = try Fixture.server.get()
        let both = try write(String(decoding: issued.privateKey + issued.certificate, as: UTF8.self))
        let context = try TLSServerContext(certificateChainFile: both, privateKeyFile: both)
        try Link(context, Fixture.clientContext()).handshake()
    }

    @Test func mismatch() throws {
        let other = try Fixture.certificates.get().issue()
        let issued = try Fixture.server.get()
        let error = try failure(certificate: issued.certificateFile, key: other.privateKeyFile)
        #expect(error?.code == .keyMismatch)
        #expect(error?.reason.contains(issued.certificateFile) == true)
        #expect(error?.reason.contains(other.privateKeyFile) == true)
        let rsa = try Fixture.certificates.get().issue(key: .rsa2048)
        #expect(try failure(certificate: issued.certificateFile, key: rsa.privateKeyFile)?.code == .keyMismatch)
    }

    @Test func missing() throws {
        let issued = try Fixture.server.get()
        let error = try failure(certificate: "/nonexistent/server.pem", key: issued.privateKeyFile)
        #expect(error?.code == .unreadableFile)
        #expect(error?.reason == "cannot read /nonexistent/server.pem: No such file or directory")
    }

    @Test func aDirectory() throws {
        let issued = try Fixture.server.get()
        let directory = try Fixture.certificates.get().directory
        #expect(try failure(certificate: directory, key: issued.privateKeyFile)?.code == .unreadableFile)
    }

    @Test func notPEM() throws {
        let issued = try Fixture.server.get()
        let text = try write("hello")
        #expect(try failure(certificate: text, key: issued.privateKeyFile)?.code == .unusableCertificate)
        #expect(try failure(certificate: issued.certificateFile, key: text)?.code == .unusablePrivateKey)
        let damaged = try write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        #expect(try failure(certificate: damaged, key: issued.privateKeyFile)?.code == .unusableCertificate)
        #expect(throws: TLSError.self) { try TLSClientContext(additionalTrustFile: text) }
    }

    @Test func encryptedKey() throws {
        let issued = try Fixture.server.get()
        let key = try write(String(decoding: encrypted(issued.privateKey), as: UTF8.self))
        let error = try failure(certificate: issued.certificateFile, key: key)
        #expect(error?.code == .encryptedPrivateKey)
        #expect(error?.reason.contains(key) == true)
    }

    private func encrypted(_ pem: [UInt8]) throws -> [UInt8] {
        let input = unsafe try #require(unsafe BIO_new_mem_buf(pem, CInt(pem.count)))
        defer { unsafe BIO_free(input) }
        let key = unsafe try #require(unsafe PEM_read_bio_PrivateKey(input, nil, nil, nil))
        defer { unsafe EVP_PKEY_free(key) }
        let output = unsafe try #require(unsafe BIO_new(BIO_s_mem()))
        defer { unsafe BIO_free(output) }
        let passphrase = Array("secret".utf8)
        #expect(
            unsafe PEM_write_bio_PrivateKey(
                output, key, EVP_aes_128_cbc(), passphrase, CInt(passphrase.count), nil, nil) == 1)
        var data: UnsafeMutablePointer<CChar>?
        let count = unsafe gw_BIO_get_mem_data(output, &data)
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: count))
    }
}
