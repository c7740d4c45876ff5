internal import COpenSSL
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

@Suite struct OCSPTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/server.ocsp" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func settings(withIssuer: Bool = false) throws -> TLSServerSettings {
        let issued = try Fixture.server.get()
        var chain = issued.certificateFile
        if withIssuer {
            chain = "\(directory.path)/chain.pem"
            try write(issued.certificate + Fixture.certificates.get().authority.certificate, to: chain)
        }
        var settings = TLSServerSettings(certificates: [.init(chain: chain, key: issued.privateKeyFile)])
        settings.ocspFiles = [path]
        return settings
    }

    /// What a client that asks for the status is sent.
    private func stapled(_ context: TLSServerContext, asks: Bool = true) throws -> [UInt8] {
        let client = try RawPeer(version: TLS1_3_VERSION)
        if asks { unsafe gw_SSL_request_ocsp(client.ssl) }
        #expect(client.handshake(with: try TLSSession(server: context)).error == nil)
        var response: UnsafePointer<UInt8>?
        let count = unsafe gw_SSL_get_tlsext_status_ocsp_resp(client.ssl, &response)
        return unsafe Array(UnsafeBufferPointer(start: response, count: max(0, count)))
    }

    @Test(arguments: [false, true])
    func theResponseGoesToWhoAsks(withIssuer: Bool) throws {
        let response = try Fixture.certificates.get().statusResponse(for: Fixture.server.get())
        try write(response, to: path)
        let context = try TLSServerContext(settings(withIssuer: withIssuer))
        #expect(try stapled(context) == response)
        #expect(try stapled(context, asks: false).isEmpty)
        #expect(context.report.warnings.isEmpty)
    }

    @Test func anExpiredResponseIsNotSent() throws {
        try write(Fixture.certificates.get().statusResponse(for: Fixture.server.get(), until: -60), to: path)
        let context = try TLSServerContext(settings())
        #expect(try stapled(context).isEmpty)
        #expect(context.report.warnings.contains { $0.contains("OCSP") })
    }

    @Test func otherResponsesAreRefused() throws {
        let certificates = try Fixture.certificates.get()
        let wrong: [[UInt8]] = try [
            certificates.statusResponse(for: certificates.issue()),
            certificates.statusResponse(for: Fixture.server.get(), isGood: false), [1, 2, 3], [],
        ]
        for bytes in wrong {
            try write(bytes, to: path)
            let error = #expect(throws: TLSError.self) { try TLSServerContext(settings()) }
            #expect(error?.code == .unusableOCSPResponse)
            #expect(error?.reason.contains(path) == true)
        }
        // A renewed certificate does not wait for its response.
        try write(certificates.statusResponse(for: Fixture.server.get()), to: path)
        let context = try TLSServerContext(settings())
        try write([], to: path)
        let renewed = try TLSServerContext(settings(), replacing: context)
        #expect(renewed.report.problems.map(\.code) == [.unusableOCSPResponse])
        #expect(try stapled(renewed).isEmpty)
    }
}
