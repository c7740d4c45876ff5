internal import NIOCore
internal import TLS
internal import TestSupport

/// One authority, server certificate and pair of contexts for all tests that need no others.
enum Fixture {
    static let certificates = Result { try TestCertificates() }
    static let server = Result { try certificates.get().issue() }

    static func serverContext(alpn: [ApplicationProtocol] = [.http2, .http1, .http1_0]) throws -> TLSServerContext {
        let issued = try server.get()
        return try TLSServerContext(
            certificateChain: issued.certificate, privateKey: issued.privateKey, alpn: alpn)
    }

    static func serverContext(_ issued: TestCertificates.Issued) throws -> TLSServerContext {
        try TLSServerContext(certificateChain: issued.certificate, privateKey: issued.privateKey)
    }

    static func clientContext(alpn: [ApplicationProtocol] = [.http2, .http1]) throws -> TLSClientContext {
        try TLSClientContext(additionalTrustFile: certificates.get().authority.certificateFile, alpn: alpn)
    }
}

extension TLSSession {
    /// Gives a server these bytes; what it decrypted, what it answers, and what it threw.
    func feed(
        _ bytes: ByteBuffer, now: NIODeadline = .uptimeNanoseconds(0)
    ) -> (plaintext: ByteBuffer, output: ByteBuffer, error: TLSError?) {
        var (bytes, plaintext, output) = (bytes, ByteBuffer(), ByteBuffer())
        do throws(TLSError) {
            try receive(&bytes, plaintext: &plaintext, output: &output, now: now)
            return (plaintext, output, nil)
        } catch {
            return (plaintext, output, error)
        }
    }
}

extension RawPeer {
    /// Runs the handshake with a server; what the server threw, if it failed, and its last answer.
    func handshake(with server: TLSSession) -> (error: TLSError?, answer: ByteBuffer) {
        var answer = ByteBuffer()
        for _ in 0..<10 {
            let isDone = handshake()
            let flight = takeOutput()
            if flight.readableBytes == 0, isDone { break }
            let (_, output, error) = server.feed(flight)
            answer = output
            if let error { return (error, answer) }
            deliver(output)
        }
        return (nil, answer)
    }
}
