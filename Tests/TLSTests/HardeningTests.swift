internal import COpenSSL
internal import Foundation
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

/// What an attacker may try before and during the handshake.
@Suite struct HardeningTests {
    /// A handshake record with this content.
    private func record(_ content: [UInt8]) -> [UInt8] {
        [22, 3, 1, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
    }

    @Test func aHugeClientHelloIsRefusedByItsLength() throws {
        // client_hello(1) of 128 KiB: refused after its first four bytes, however they come.
        let header: [UInt8] = [1, 0x02, 0x00, 0x00]
        for bytes in [record(header + [3, 3]), header.flatMap { record([$0]) }] {
            let server = try TLSSession(server: Fixture.serverContext())
            #expect(server.feed(ByteBuffer(bytes: bytes)).error?.code == .messageTooLarge)
            let other = try TLSSession(server: Fixture.serverContext())
            let errors = bytes.compactMap { other.feed(ByteBuffer(bytes: [$0])).error }
            #expect(errors.first?.failureReason.rawValue == "message_too_large")
        }
    }

    @Test(arguments: [1, 2, 3, 17])
    func aClientHelloInFragmentsIsTaken(size: Int) throws {
        var hello = ByteBuffer()
        try TLSSession(client: Fixture.clientContext(), serverName: "localhost").start(into: &hello)
        let content = Array(hello.readableBytesView.dropFirst(5))
        let fragments = stride(from: 0, to: content.count, by: size).flatMap { start in
            record(Array(content[start..<min(start + size, content.count)]))
        }
        let server = try TLSSession(server: Fixture.serverContext())
        let (_, output, error) = server.feed(ByteBuffer(bytes: fragments))
        #expect(error == nil)
        // server_hello(2)
        #expect(Array(output.readableBytesView.prefix(6)).last == 2)
    }

    @Test func theHeartbeatIsUnknown() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        let client = try RawPeer(version: TLS1_2_VERSION)
        #expect(client.handshake(with: server).error == nil)
        // heartbeat(24), RFC 6520
        let (plaintext, output, error) = server.feed(ByteBuffer(bytes: [24, 3, 3, 0, 3, 1, 0x40, 0]))
        #expect(error != nil)
        #expect(plaintext.readableBytes == 0)
        #expect(output.readableBytes < 64)
    }

    @Test func anAlertIsNoBeginning() throws {
        let server = try TLSSession(server: Fixture.serverContext())
        // alert(21): warning(1), user_canceled(90)
        #expect(server.feed(ByteBuffer(bytes: [21, 3, 1, 0, 2, 1, 90])).error != nil)
    }

    @Test func earlyDataIsNeverOffered() throws {
        let client = try RawPeer(version: TLS1_3_VERSION)
        #expect(client.handshake(with: try TLSSession(server: Fixture.serverContext())).error == nil)
        _ = client.receive()
        let session = unsafe try #require(unsafe SSL_get1_session(client.ssl))
        defer { unsafe SSL_SESSION_free(session) }
        #expect(unsafe SSL_SESSION_has_ticket(session) == 1)
        #expect(unsafe SSL_SESSION_get_max_early_data(session) == 0)
    }

    @Test func keysAreNeverLogged() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/keys.log"
        unsafe setenv("SSLKEYLOGFILE", path, 1)
        defer { unsafe unsetenv("SSLKEYLOGFILE") }
        try Link(Fixture.serverContext(), Fixture.clientContext()).handshake()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func failuresHaveNames() throws {
        let none = try RawPeer(version: TLS1_2_VERSION, suites: "AES128-SHA")
        let server = try TLSSession(server: Fixture.serverContext())
        #expect(none.handshake(with: server).error?.failureReason.rawValue == "nothing_in_common")
        let plain = try TLSSession(server: Fixture.serverContext())
        #expect(plain.feed(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n")).error?.failureReason == .plainHTTP)
        let names = TLSFailureReason.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "_" } })
    }
}
