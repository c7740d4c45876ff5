/// An application protocol that TLS can negotiate (ALPN, RFC 7301); the raw value is its registered identifier.
package enum ApplicationProtocol: String, Sendable {
    /// HTTP/1.1 (RFC 9112).
    case http1 = "http/1.1"
    /// HTTP/1.0 (RFC 1945), for clients that offer nothing newer: the HTTP/1.1 engine speaks it.
    case http1_0 = "http/1.0"
    /// HTTP/2 over TLS (RFC 9113).
    case http2 = "h2"

    /// The protocol whose identifier these bytes are; nil for any other.
    init?(identifier: UnsafeRawBufferPointer) {
        for known in [Self.http2, .http1, .http1_0] where unsafe known.rawValue.utf8.elementsEqual(identifier) {
            self = known
            return
        }
        return nil
    }

    /// The protocols as the wire has them: each identifier after its length in one byte (RFC 7301 §3.1).
    static func wireFormat(of protocols: [ApplicationProtocol]) -> [UInt8] {
        protocols.flatMap { known in [UInt8(known.rawValue.utf8.count)] + known.rawValue.utf8 }
    }
}
