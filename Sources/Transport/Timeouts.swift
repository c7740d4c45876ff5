package import NIOCore

/// How long a client may take. Kept to within a second.
package struct ServerTimeouts: Sendable {
    /// From the TCP connection to the end of the TLS handshake.
    package var handshake: TimeAmount = .seconds(10)
    /// From the first byte of a request to its last.
    package var request: TimeAmount = .seconds(30)
    /// Without a request on a connection.
    package var keepAlive: TimeAmount = .seconds(75)
    /// Without a byte taken by a client for which something is queued. Never the length of a stream.
    package var stalledWrite: TimeAmount = .seconds(30)
    package init() {}
}

/// How long Qwen may take. Kept to within a second.
package struct ClientTimeouts: Sendable {
    /// Name resolution and TCP connection.
    package var connect: TimeAmount = .seconds(10)
    /// TLS handshake.
    package var handshake: TimeAmount = .seconds(10)
    /// From the request's last byte to the response's first.
    package var firstByte: TimeAmount = .seconds(600)
    /// Between two bytes of a response.
    package var idle: TimeAmount = .seconds(300)
    /// How long an unused connection is kept.
    package var keepAlive: TimeAmount = .seconds(50)
    package init() {}
}
