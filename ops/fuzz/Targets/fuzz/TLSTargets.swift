import NIOCore
import TLS
import TestSupport

/// Bytes of a peer into TLS sessions. What holds: a session that failed fails again in the same way, nobody who is no
/// party to the handshake establishes a session, and what comes out of one is what the peer has sealed, in its order.
enum TLSTargets {
    /// One authority and certificate for all inputs.
    private static let world: (server: TLSServerContext, client: TLSClientContext)? = {
        guard let certificates = try? TestCertificates(), let issued = try? certificates.issue() else { return nil }
        guard
            let server = try? TLSServerContext(
                certificateChain: issued.certificate, privateKey: issued.privateKey),
            let client = try? TLSClientContext(additionalTrustFile: certificates.authority.certificateFile)
        else { return nil }
        return (server, client)
    }()

    private static func makeServer() -> TLSSession {
        guard let world, let session = try? TLSSession(server: world.server) else { fatalError("no server session") }
        return session
    }

    private static func makeClient() -> TLSSession {
        guard let world, let session = try? TLSSession(client: world.client, serverName: "localhost") else {
            fatalError("no client session")
        }
        return session
    }

    /// Whatever comes in place of a client's handshake.
    static func server(_ input: [UInt8]) {
        for cut in [Cut.whole, .bytes, .random] {
            let session = makeServer()
            feed(session, cut.pieces(of: input))
            check(!session.isEstablished, "a session without a handshake")
        }
    }

    /// Whatever comes in place of a server's.
    static func client(_ input: [UInt8]) {
        for cut in [Cut.whole, .bytes, .random] {
            let session = makeClient()
            var hello = ByteBuffer()
            check((try? session.start(into: &hello)) != nil && hello.readableBytes > 0, "no ClientHello")
            feed(session, cut.pieces(of: input))
            check(!session.isEstablished, "a session without a handshake")
        }
    }

    private static func feed(_ session: TLSSession, _ pieces: [ArraySlice<UInt8>]) {
        var failure: TLSError?
        for piece in pieces {
            var (bytes, plaintext, output) = (ByteBuffer(bytes: piece), ByteBuffer(), ByteBuffer())
            do throws(TLSError) {
                try session.receive(&bytes, plaintext: &plaintext, output: &output)
                check(failure == nil, "a session that had failed goes on")
            } catch {
                check(failure == nil || failure == error, "another failure: \(error)")
                failure = error
            }
            check(bytes.readableBytes == 0, "bytes are left")
            check(plaintext.readableBytes == 0, "plaintext without a handshake")
        }
    }

    /// An input is a list of steps on a session that both sides have established: what to do, and so many bytes for it.
    static func records(_ input: [UInt8]) {
        let (client, server) = (makeClient(), makeServer())
        var (toServer, toClient, plaintext) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        check((try? client.start(into: &toServer)) != nil, "no ClientHello")
        while toServer.readableBytes > 0 || toClient.readableBytes > 0 {
            check(
                (try? server.receive(&toServer, plaintext: &plaintext, output: &toClient)) != nil
                    && (try? client.receive(&toClient, plaintext: &plaintext, output: &toServer)) != nil,
                "a handshake failed")
        }
        check(client.isEstablished && server.isEstablished, "a handshake came to no end")
        var (sent, received, last): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
        var isDamaged = false
        var failure: TLSError?
        var rest = input[...]
        while rest.count >= 2 {
            let (step, length) = (rest[rest.startIndex], Int(rest[rest.startIndex + 1]))
            let bytes = Array(rest.dropFirst(2).prefix(length))
            rest = rest.dropFirst(2 + bytes.count)
            var wire: [UInt8] = []
            switch step % 6 {
            case 0:
                // Sealed as it should be.
                var (data, record) = (ByteBuffer(bytes: bytes), ByteBuffer())
                guard (try? client.send(&data, into: &record)) != nil else { continue }
                wire = Array(record.readableBytesView)
                last = wire
                if !isDamaged { sent += bytes }
            case 1: (wire, isDamaged) = (bytes, isDamaged || !bytes.isEmpty)
            case 2:
                // A record with a header of its own.
                wire = [bytes.first ?? 23, 3, 3, 0, UInt8(max(bytes.count - 1, 0))] + bytes.dropFirst()
                isDamaged = true
            case 3:
                // The last one, with a few bits turned.
                wire = last
                for (index, byte) in bytes.enumerated() where index < wire.count { wire[index] ^= byte }
                isDamaged = isDamaged || !wire.isEmpty
            case 4: (wire, isDamaged) = (last, isDamaged || !last.isEmpty)
            default:
                var record = ByteBuffer()
                client.close(into: &record)
                wire = Array(record.readableBytesView)
                isDamaged = true
            }
            for piece in (step & 0x80 == 0 ? Cut.whole : .bytes).pieces(of: wire) {
                var (data, plaintext, output) = (ByteBuffer(bytes: piece), ByteBuffer(), ByteBuffer())
                do throws(TLSError) {
                    try server.receive(&data, plaintext: &plaintext, output: &output)
                    check(failure == nil, "a session that had failed goes on")
                } catch {
                    check(failure == nil || failure == error, "another failure: \(error)")
                    failure = error
                }
                check(data.readableBytes == 0, "bytes are left")
                received += plaintext.readableBytesView
            }
        }
        check(isDamaged ? sent.starts(with: received) : sent == received, "other bytes than were sent")
    }
}
