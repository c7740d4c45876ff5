internal import COpenSSL
internal import NIOCore
internal import Synchronization

/// The keys that session tickets are sealed with (RFC 5077 §4): the first seals and opens, the others still open.
/// Shared by all event loops, and by the contexts that follow one another.
///
/// The keys are the process's own, and turn every `keyLifetime`; or they come from a file that instances share, and who
/// writes that file turns them.
@safe
final class TicketKeyRing: Sendable {
    /// How long a key of the process's own seals new tickets.
    static let keyLifetime = TimeAmount.hours(12)

    private struct Keys {
        var sealing: TicketKey
        var opening: [TicketKey]
        /// When `sealing` came; nil for keys of a file.
        var rotated: NIODeadline?
    }

    private let keys: Mutex<Keys>
    // Fetched once: each handshake would otherwise search OpenSSL's providers for it.
    nonisolated(unsafe) private let cipher: OpaquePointer

    /// Begins with the keys of a file, or else with one of its own.
    init(_ file: TicketKeyFile?, now: NIODeadline) throws(TLSError) {
        clearErrorQueue()
        let first: Keys
        if let file {
            first = Keys(sealing: file.first, opening: file.others)
        } else {
            first = Keys(sealing: try TicketKey(), opening: [], rotated: now)
        }
        guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil) else {
            throw .fromQueue(.internalFailure, "fetching AES-256-CBC")
        }
        unsafe self.cipher = cipher
        keys = Mutex(first)
    }

    deinit {
        unsafe EVP_CIPHER_free(cipher)
    }

    /// Puts a fresh key in place of one that has been current for its lifetime. Keys of a file stay.
    func rotate(now: NIODeadline) throws(TLSError) -> Bool {
        let fresh = try TicketKey()
        return keys.withLock { keys in
            guard let rotated = keys.rotated, now - rotated >= Self.keyLifetime else { return false }
            keys = Keys(sealing: fresh, opening: [keys.sealing], rotated: now)
            return true
        }
    }

    /// Takes over the keys of a file.
    func replace(with file: TicketKeyFile) {
        keys.withLock { $0 = Keys(sealing: file.first, opening: file.others) }
    }

    /// Prepares the contexts to seal a ticket, and says which key it was and which IV.
    fileprivate func seal(
        name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipherContext: OpaquePointer,
        macContext: OpaquePointer
    ) -> TicketDecision {
        let key = keys.withLock { $0.sealing }
        guard
            unsafe RAND_bytes(iv, CInt(TicketKey.ivSize)) == 1,
            unsafe EVP_EncryptInit_ex(cipherContext, cipher, nil, key.cipherKey, iv) == 1,
            unsafe key.startMAC(macContext)
        else { return .failed }
        unsafe name.update(from: key.name, count: TicketKey.nameSize)
        return .proceed
    }

    /// Prepares the contexts to open a ticket that was sealed with the named key.
    fileprivate func open(
        name: UnsafePointer<UInt8>, iv: UnsafePointer<UInt8>, cipherContext: OpaquePointer, macContext: OpaquePointer,
        ssl: OpaquePointer
    ) -> TicketDecision {
        let (current, others) = keys.withLock { ($0.sealing, $0.opening) }
        let key: TicketKey
        let decision: TicketDecision
        if unsafe current.isNamed(name) {
            // TLS 1.3 clients use a ticket once (RFC 8446 appendix C.4), so each needs the next.
            key = current
            decision = unsafe SSL_version(ssl) == TLS1_3_VERSION ? .proceedAndRenew : .proceed
        } else if let older = others.first(where: { unsafe $0.isNamed(name) }) {
            (key, decision) = (older, .proceedAndRenew)
        } else {
            return .unknownKey
        }
        guard
            unsafe EVP_DecryptInit_ex(cipherContext, cipher, nil, key.cipherKey, iv) == 1,
            unsafe key.startMAC(macContext)
        else { return .failed }
        return decision
    }
}

/// What OpenSSL is told about a ticket, in its own numbers.
private enum TicketDecision: CInt {
    case failed = -1
    /// The handshake goes on in full, or without a new ticket.
    case unknownKey = 0
    case proceed = 1
    case proceedAndRenew = 2
}

/// OpenSSL's question for a key, asked for every ticket that is made or presented.
func useTicketKey(
    ssl: OpaquePointer?, name: UnsafeMutablePointer<UInt8>?, iv: UnsafeMutablePointer<UInt8>?,
    cipherContext: OpaquePointer?, macContext: OpaquePointer?, isSealing: CInt
) -> CInt {
    guard
        let ssl = unsafe ssl, let name = unsafe name, let iv = unsafe iv, let cipherContext = unsafe cipherContext,
        let macContext = unsafe macContext, let ring = unsafe ServerState.of(ssl)?.ticketKeys
    else { return TicketDecision.failed.rawValue }
    let decision =
        unsafe isSealing == 1
        ? ring.seal(name: name, iv: iv, cipherContext: cipherContext, macContext: macContext)
        : ring.open(name: name, iv: iv, cipherContext: cipherContext, macContext: macContext, ssl: ssl)
    return decision.rawValue
}

/// One key: a name that the ticket carries in the clear, a MAC key and a cipher key. Wiped when it is dropped.
@safe
final class TicketKey: Sendable {
    static let nameSize = 16
    static let macKeySize = 32
    static let cipherKeySize = 32
    static let ivSize = 16
    static let size = nameSize + macKeySize + cipherKeySize

    /// Name, MAC key and cipher key, in this order.
    nonisolated(unsafe) private let secret: UnsafeMutablePointer<UInt8>

    /// A random key.
    init() throws(TLSError) {
        unsafe secret = .allocate(capacity: Self.size)
        unsafe secret.initialize(repeating: 0, count: Self.size)
        guard unsafe RAND_priv_bytes(secret, CInt(Self.size)) == 1 else {
            throw .fromQueue(.internalFailure, "making a ticket key")
        }
    }

    /// A key that was kept, of `size` bytes; what is missing is zero.
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe secret = .allocate(capacity: Self.size)
        unsafe secret.initialize(repeating: 0, count: Self.size)
        for index in 0..<min(bytes.count, Self.size) { unsafe secret[index] = bytes[index] }
    }

    deinit {
        unsafe OPENSSL_cleanse(secret, Self.size)
        unsafe secret.deallocate()
    }

    var name: UnsafePointer<UInt8> { unsafe UnsafePointer(secret) }
    private var macKey: UnsafePointer<UInt8> { unsafe name + Self.nameSize }
    var cipherKey: UnsafePointer<UInt8> { unsafe macKey + Self.macKeySize }

    func isNamed(_ other: UnsafePointer<UInt8>) -> Bool {
        unsafe CRYPTO_memcmp(name, other, Self.nameSize) == 0
    }

    /// Starts HMAC-SHA-256 over a ticket.
    func startMAC(_ context: OpaquePointer) -> Bool {
        unsafe gw_EVP_MAC_init_sha256(context, macKey, Self.macKeySize) == 1
    }
}
