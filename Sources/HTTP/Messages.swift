/// The version of HTTP that a connection speaks.
package enum HTTPVersion: String, Sendable {
    case http1_0 = "HTTP/1.0"
    case http1_1 = "HTTP/1.1"
    case http2 = "HTTP/2"
}

/// One request-response exchange on a connection: HTTP/2's stream identifier, or the ordinal of the request on an
/// HTTP/1.1 connection (counted from 1).
package struct StreamID: Hashable, Sendable {
    package let rawValue: Int32
    package init(_ rawValue: Int32) { self.rawValue = rawValue }
}

/// A request's control data and fields (RFC 9110 §6.2), the same for both protocols.
///
/// In a request that an engine delivers `path` is in origin form (or `*`), `authority` is the one authority of the
/// request, and the hop-by-hop fields of HTTP/1.1 are still among `fields`: nobody forwards those as they are.
package struct RequestHead: Sendable, Equatable {
    package var method: String
    package var scheme: String
    package var authority: String
    /// Path and query.
    package var path: String
    package var fields: HeaderFields
    package var version: HTTPVersion

    package init(
        method: String, scheme: String = "https", authority: String, path: String,
        fields: HeaderFields = HeaderFields(), version: HTTPVersion = .http1_1
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.fields = fields
        self.version = version
    }
}

/// A final response's status and fields. Framing (`content-length`, `transfer-encoding`, `connection`) is the
/// engine's: `contentLength` says what is known of the body, and those fields never stand in `fields`.
package struct ResponseHead: Sendable, Equatable {
    package var status: Int
    package var fields: HeaderFields
    /// The body's length in bytes where it is known; nil streams it.
    package var contentLength: Int?

    package init(status: Int, fields: HeaderFields = HeaderFields(), contentLength: Int? = nil) {
        self.status = status
        self.fields = fields
        self.contentLength = contentLength
    }
}

/// A fault in a request that its sender can be told of with a status, before the exchange reaches the application.
package struct RequestFault: Error, Sendable, Equatable {
    /// 400, 408, 413, 414, 417, 431, 501 or 505.
    package var status: Int
    /// A sentence for the client: what is wrong and what to do.
    package var message: String
    package init(status: Int, message: String) {
        self.status = status
        self.message = message
    }
}

/// What an engine accepts from a peer. Sizes in bytes.
package struct HTTPLimits: Sendable {
    /// The decoded header list: name, value and 32 bytes a field (RFC 9113 §6.5.2). Past it: 431.
    package var headerListSize = 64 * 1024
    /// Header fields, without pseudo-fields. Past it: 431.
    package var headerCount = 100
    /// The request target. Past it: 414.
    package var targetLength = 8 * 1024
    /// HTTP/2 streams a peer may have open at once, those among them that were reset and whose work is not gone.
    package var concurrentStreams = 128
    /// HTTP/2: bytes of bodies that may wait for the peer of a connection, whatever its windows. A stream that goes
    /// past it, with more than 256 KiB of its own and others waiting as well, is reset with ENHANCE_YOUR_CALM.
    package var queuedBytes = 32 * 1024 * 1024
    /// HTTP/2 flow-control window of one stream.
    package var streamWindow = 64 * 1024 - 1
    /// HTTP/2 flow-control window of the connection.
    package var connectionWindow = 1024 * 1024
    /// HTTP/1.1: bytes that may wait unparsed while an earlier exchange is answered. Past it reading pauses.
    package var pipelinedBytes = 64 * 1024

    package init() {}
}
