/// Keys of session tickets that instances share, so that a client resumes at any of them.
///
/// The file holds one to sixteen keys of 80 random bytes and nothing else, as nginx's `ssl_session_ticket_key` has
/// them: a name of 16, a MAC key of 32 and a cipher key of 32. The first seals, all of them open. Whoever can read it
/// can read the sessions of who resumes (TLS 1.2), so nobody but the owner and the group may.
struct TicketKeyFile: Sendable {
    let first: TicketKey
    let others: [TicketKey]

    private static let most = 16

    /// Reads the file, which blocks.
    init(path: String) throws(TLSError) {
        if let mode = FileMode.permissions(of: path), mode & 0o027 != 0 {
            throw TLSError(
                .unusableTicketKeys,
                "\(path) can be read or changed by other users of this machine; run `chmod 600 \(path)`")
        }
        let file = try PEMFile(path: path)
        let keys = unsafe file.withBytes { bytes in
            let isWhole = bytes.count % TicketKey.size == 0 && (1...Self.most).contains(bytes.count / TicketKey.size)
            guard isWhole else { return [TicketKey]() }
            return stride(from: 0, to: bytes.count, by: TicketKey.size).map { start in
                unsafe TicketKey(UnsafeRawBufferPointer(rebasing: bytes[start..<start + TicketKey.size]))
            }
        }
        guard let first = keys.first else {
            throw TLSError(
                .unusableTicketKeys,
                """
                \(path) does not hold 1 to \(Self.most) ticket keys of \(TicketKey.size) bytes; \
                `openssl rand \(TicketKey.size) > FILE` makes one
                """)
        }
        self.first = first
        others = Array(keys.dropFirst())
    }
}
