internal import COpenSSL
internal import NIOCore
internal import Synchronization

/// The keys that session tickets are sealed with (RFC 5077 §4): the current one seals and opens, the one before it
/// still opens. Shared by all event loops.
@safe
final class TicketKeyRing: Sendable {
    /// How long a key seals new tickets.
    static let keyLifetime = TimeAmount.hours(12)

    private struct Keys {
        var current: TicketKey
        var previous: TicketKey?
        var rotated: NIODeadline
    }

    private let keys: Mutex<Keys>
    // Fetched once: each handshake would otherwise search OpenSSL's providers for it.
    nonisolated(unsafe) private let cipher: OpaquePointer

    init(now: NIODeadline) throws(TLSError) {
        clearErrorQueue()
        let first = try TicketKey()
        guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil) else {
            throw .fromQueue(.internalFailure, "fetching AES-256-CBC")
        }
        unsafe self.cipher = cipher
        keys = Mutex(Keys(current: first, previous: nil, rotated: now))
    }

    deinit {
        unsafe EVP_CIPHER_free(cipher)
    }

    /// Puts a fresh key in place of one that has been current for its lifetime.
    func rotate(now: NIODeadline) throws(TLSError) -> Bool {
        let fresh = try TicketKey()
        return keys.withLock { keys in
            guard now - keys.rotated >= Self.keyLifetime else { return false }
            keys = Keys(current: fresh, previous: keys.current, rotated: now)
            return true
        }
    }

    /// Prepares the contexts to seal a ticket, and says which key it was and which IV.
    fileprivate func seal(
        name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipherContext: OpaquePointer,
        macContext: OpaquePointer
    ) -> TicketDecision {
        let key = keys.withLock { $0.current }
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
        let (current, previous) = keys.withLock { ($0.current, $0.previous) }
        let key: TicketKey
        let decision: TicketDecision
        if unsafe current.isNamed(name) {
            // TLS 1.3 clients use a ticket once (RFC 8446 appendix C.4), so each needs the next.
            key = current
            decision = unsafe SSL_version(ssl) == TLS1_3_VERSION ? .proceedAndRenew : .proceed
        } else if let previous, unsafe previous.isNamed(name) {
            (key, decision) = (previous, .proceedAndRenew)
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
        let macContext = unsafe macContext, let context = unsafe SSL_get_SSL_CTX(ssl),
        let data = unsafe gw_SSL_CTX_get_app_data(context)
    else { return TicketDecision.failed.rawValue }
    let ring = unsafe Unmanaged<TicketKeyRing>.fromOpaque(data).takeUnretainedValue()
    let decision =
        unsafe isSealing == 1
        ? ring.seal(name: name, iv: iv, cipherContext: cipherContext, macContext: macContext)
        : ring.open(name: name, iv: iv, cipherContext: cipherContext, macContext: macContext, ssl: ssl)
    return decision.rawValue
}

/// One random key: a name that the ticket carries in the clear, a cipher key and a MAC key. Wiped when it is dropped.
@safe
private final class TicketKey: Sendable {
    static let nameSize = 16
    static let cipherKeySize = 32
    static let macKeySize = 32
    static let ivSize = 16

    nonisolated(unsafe) private let secret: UnsafeMutablePointer<UInt8>

    init() throws(TLSError) {
        unsafe secret = .allocate(capacity: Self.size)
        unsafe secret.initialize(repeating: 0, count: Self.size)
        guard unsafe RAND_priv_bytes(secret, CInt(Self.size)) == 1 else {
            throw .fromQueue(.internalFailure, "making a ticket key")
        }
    }

    deinit {
        unsafe OPENSSL_cleanse(secret, Self.size)
        unsafe secret.deallocate()
    }

    private static let size = nameSize + cipherKeySize + macKeySize

    var name: UnsafePointer<UInt8> { unsafe UnsafePointer(secret) }
    var cipherKey: UnsafePointer<UInt8> { unsafe name + Self.nameSize }
    private var macKey: UnsafePointer<UInt8> { unsafe cipherKey + Self.cipherKeySize }

    func isNamed(_ other: UnsafePointer<UInt8>) -> Bool {
        unsafe CRYPTO_memcmp(name, other, Self.nameSize) == 0
    }

    /// Starts HMAC-SHA-256 over a ticket.
    func startMAC(_ context: OpaquePointer) -> Bool {
        unsafe gw_EVP_MAC_init_sha256(context, macKey, Self.macKeySize) == 1
    }
}
