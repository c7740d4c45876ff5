internal import NIOCore
internal import TLS

/// A client's and a server's session, joined in memory.
final class Link {
    let client: TLSSession
    let server: TLSSession
    /// What each side has decrypted.
    var clientReceived = ByteBuffer()
    var serverReceived = ByteBuffer()
    /// How many bytes are delivered at a time; nil for all that there are.
    var pieceSize: Int?

    private var toServer = ByteBuffer()
    private var toClient = ByteBuffer()

    init(client: TLSSession, server: TLSSession, pieceSize: Int? = nil) {
        self.client = client
        self.server = server
        self.pieceSize = pieceSize
    }

    convenience init(
        _ serverContext: TLSServerContext, _ clientContext: TLSClientContext, name: String = "localhost",
        store: TLSResumptionStore? = nil, pieceSize: Int? = nil
    ) throws {
        try self.init(
            client: TLSSession(client: clientContext, serverName: name, resuming: store),
            server: TLSSession(server: serverContext), pieceSize: pieceSize)
    }

    /// Runs the handshake, with the tickets that follow it.
    func handshake() throws {
        try client.start(into: &toServer)
        try pump()
    }

    func sendFromClient(_ bytes: ByteBuffer) throws {
        var bytes = bytes
        try client.send(&bytes, into: &toServer)
        try pump()
    }

    func sendFromServer(_ bytes: ByteBuffer) throws {
        var bytes = bytes
        try server.send(&bytes, into: &toClient)
        try pump()
    }

    func closeClient() throws {
        client.close(into: &toServer)
        try pump()
    }

    func closeServer() throws {
        server.close(into: &toClient)
        try pump()
    }

    /// Delivers until both directions are empty. Throws what a session throws, after the other side has its alert.
    func pump() throws {
        var failure: TLSError?
        while toServer.readableBytes > 0 || toClient.readableBytes > 0 {
            do throws(TLSError) {
                if var piece = take(from: &toServer) {
                    try server.receive(&piece, plaintext: &serverReceived, output: &toClient)
                    assert(piece.readableBytes == 0)
                }
                if var piece = take(from: &toClient) {
                    try client.receive(&piece, plaintext: &clientReceived, output: &toServer)
                    assert(piece.readableBytes == 0)
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func take(from buffer: inout ByteBuffer) -> ByteBuffer? {
        guard buffer.readableBytes > 0 else { return nil }
        let piece = buffer.readSlice(length: min(buffer.readableBytes, pieceSize ?? .max))
        if buffer.readableBytes == 0 { buffer.clear() }
        return piece
    }
}
