package import NIOCore

/// How long a client may take. Kept to within a second.
package struct ServerTimeouts: Sendable {
    /// From the TCP connection to the end of the PROXY protocol's header. Room for one lost packet.
    package var proxyHeader: TimeAmount = .seconds(5)
    /// From the TCP connection to the end of the TLS handshake.
    package var handshake: TimeAmount = .seconds(10)
    /// From the first byte of a request's head to its last, and from the handshake to the first byte of the first.
    package var requestHead: TimeAmount = .seconds(10)
    /// How fast a request's body must come.
    package var body = MinimumPace(rate: 500, grace: .seconds(30))
    /// How fast a client must take what waits for it. Time counts while bytes wait and never for a stream that has
    /// nothing to say: the length of a stream has no limit. A closed window is a pace of zero.
    package var response = MinimumPace(rate: 500, grace: .seconds(30))
    /// Without a request on a connection.
    package var keepAlive: TimeAmount = .seconds(75)
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
