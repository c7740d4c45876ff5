internal import COpenSSL

/// Owns one SSL_SESSION: what a client needs to resume an earlier session with the same server (RFC 8446 §2.2).
@safe
final class TLSResumption {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe SSL_SESSION_free(pointer)
    }

    /// Tickets of TLS 1.3 are used once, so that two connections cannot be linked by them (RFC 8446 appendix C.4).
    var isSingleUse: Bool {
        unsafe SSL_SESSION_get_protocol_version(pointer) >= TLS1_3_VERSION
    }

    var isResumable: Bool {
        unsafe SSL_SESSION_is_resumable(pointer) == 1
    }
}

/// The sessions that a client may resume, by server name. Confined to one event loop, as the connections that use it.
///
/// A resumed session keeps the verdict on the certificate that its first handshake reached, so what one context
/// verified is never given to another.
package final class TLSResumptionStore {
    private struct Entry {
        let context: TLSClientContext
        let resumption: TLSResumption
    }

    /// The newest last.
    private var entries: [String: [Entry]] = [:]
    private let limitPerServer: Int

    /// Keeps at most so many sessions for each server, dropping the oldest.
    package init(limitPerServer: Int = 4) {
        self.limitPerServer = max(1, limitPerServer)
    }

    /// How many sessions are kept for a server.
    package func count(for serverName: String) -> Int {
        entries[serverName]?.count ?? 0
    }

    /// Forgets every session.
    package func removeAll() {
        entries.removeAll()
    }

    func insert(_ resumption: TLSResumption, for serverName: String, context: TLSClientContext) {
        var known = entries.removeValue(forKey: serverName) ?? []
        if known.count >= limitPerServer {
            known.removeFirst(known.count - limitPerServer + 1)
        }
        known.append(Entry(context: context, resumption: resumption))
        entries[serverName] = known
    }

    /// The newest session with a server that can be resumed; what cannot is forgotten.
    func take(for serverName: String, context: TLSClientContext) -> TLSResumption? {
        while let entry = entries[serverName]?.last {
            let isUsable = entry.context === context && entry.resumption.isResumable
            if !isUsable || entry.resumption.isSingleUse {
                entries[serverName]?.removeLast()
            }
            if isUsable { return entry.resumption }
        }
        return nil
    }
}
