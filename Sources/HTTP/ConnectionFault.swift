/// What ends a connection before its time, the peer's fault or a limit: what the engine has still to say of it (GOAWAY,
/// an alert) is in its output, and then the connection closes.
package struct ConnectionFault: Error, Sendable, Equatable {
    /// What kind of fault it was, for counting: the raw values are labels of metrics and stay as they are.
    package enum Reason: String, Sendable, CaseIterable {
        /// The TLS handshake failed.
        case tlsHandshake = "tls_handshake"
        /// The TLS session broke later on.
        case tls = "tls"
        /// The peer broke HTTP's rules (RFC 9112, RFC 9113).
        case protocolError = "protocol_error"
        /// Too many streams that the client opened and reset (CVE-2023-44487).
        case rapidReset = "rapid_reset"
        /// Too many streams that a fault of the client's made us reset (CVE-2025-8671).
        case forcedResets = "forced_resets"
        /// Too many streams opened past SETTINGS_MAX_CONCURRENT_STREAMS.
        case refusedStreams = "refused_streams"
        /// Too many frames that move no exchange on (CVE-2019-9512, -9515, -9518).
        case idleFrames = "idle_frames"
        /// Too many WINDOW_UPDATE frames, for DATA that was not sent or sent in crumbs (CVE-2019-9511).
        case windowUpdates = "window_updates"
        /// Too many DATA frames of a few bytes.
        case tinyData = "tiny_data"
        /// A header section far over the limits after decoding, or too many over them (CVE-2026-49975).
        case headerBomb = "header_bomb"
        /// A header section in too many CONTINUATION frames (CVE-2024-27316).
        case continuationFlood = "continuation_flood"
        /// Too many frames wait for a peer that does not read what it asks for (CVE-2019-9512).
        case outputFlood = "output_flood"
        /// The TLS handshake did not end in time, whatever trickled in.
        case handshakeTimeout = "handshake_timeout"
        /// Nothing came after the handshake.
        case silent = "silent"
        /// A request's head, or HTTP/2's preface, did not become whole in time.
        case headerTimeout = "header_timeout"
        /// A request's body came more slowly than it may.
        case slowBody = "slow_body"
        /// The client took what waits for it more slowly than it may.
        case slowReader = "slow_reader"
        /// The client kept a flow-control window closed that bytes wait for.
        case zeroWindow = "zero_window"
        /// The PROXY protocol's header is malformed.
        case proxyHeader = "proxy_header"
        /// The PROXY protocol's header did not become whole in time.
        case proxyHeaderTimeout = "proxy_header_timeout"
        /// A connection past a trusted proxy to a listener that expects the PROXY protocol.
        case untrustedProxy = "untrusted_proxy"
        /// As many connections are open as may be.
        case connectionLimit = "connection_limit"
        /// The client's address has as many connections open as it may.
        case addressLimit = "address_limit"
        /// As many TLS handshakes are in progress as may be.
        case handshakeLimit = "handshake_limit"
        /// The process, or the system, has no file descriptor left: accepting pauses.
        case noDescriptors = "no_descriptors"
        /// The bytes that are held for clients have reached their limit.
        case memoryBudget = "memory_budget"
        /// A fault of ours.
        case internalError = "internal_error"
    }

    package var reason: Reason
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}
