import HTTP
import NIOCore

/// How far a connection is, with the instants that its deadlines count from: total times, which no trickle of bytes
/// puts off.
struct ConnectionStage {
    /// A deadline of a connection as a whole.
    enum Deadline: Equatable {
        case proxyHeader, handshake, firstRequest, requestHead, keepAlive

        /// Why the connection ends; nil where that is nobody's fault.
        var reason: ConnectionFault.Reason? {
            switch self {
            case .proxyHeader: .proxyHeaderTimeout
            case .handshake: .handshakeTimeout
            case .firstRequest: .silent
            case .requestHead: .headerTimeout
            case .keepAlive: nil
            }
        }
    }

    /// When TCP connected.
    let opened: NIODeadline
    /// The PROXY protocol's header is not whole.
    var awaitsProxyHeader = false
    /// When HTTP could begin; nil before the handshake is done.
    var established: NIODeadline?
    /// A byte of HTTP has come.
    var hasBegun = false
    /// When the first byte of a head came that is not whole.
    var headBegan: NIODeadline?
    /// When the last exchange ended; nil while one is open.
    var idleSince: NIODeadline?

    /// The deadline that has passed, if one has.
    func overdue(_ now: NIODeadline, _ timeouts: ServerTimeouts) -> Deadline? {
        guard let established else {
            if awaitsProxyHeader, now - opened >= timeouts.proxyHeader { return .proxyHeader }
            return now - opened >= timeouts.handshake ? .handshake : nil
        }
        if let headBegan { return now - headBegan >= timeouts.requestHead ? .requestHead : nil }
        guard let idleSince else { return nil }
        if !hasBegun { return now - established >= min(timeouts.requestHead, timeouts.keepAlive) ? .firstRequest : nil }
        return now - idleSince >= timeouts.keepAlive ? .keepAlive : nil
    }
}

/// How fast one exchange's request arrives and its response is taken. Neither has a total deadline: a large body and a
/// long stream are as welcome as short ones.
struct ExchangePace {
    private var body = PaceWatch()
    private var response = PaceWatch()

    /// How an exchange looks at one moment.
    struct Facts {
        /// Bytes of the request's body that came.
        var received: Int
        /// More of the body is to come, and nothing on our side holds it up.
        var awaitsBody: Bool
        /// Bytes of the response that wait for the client, and those that have gone.
        var queued: Int
        var sent: Int
        /// The bytes that wait, wait for the client to open its window.
        var isWindowClosed: Bool
    }

    /// What the client is too slow with, if it is.
    mutating func fault(_ facts: Facts, _ now: NIODeadline, _ timeouts: ServerTimeouts) -> ConnectionFault.Reason? {
        let isSlowBody = body.isTooSlow(
            pending: facts.awaitsBody ? .max : 0, progress: facts.received, now: now, limit: timeouts.body)
        let isSlowReader = response.isTooSlow(
            pending: facts.queued, progress: facts.sent, now: now, limit: timeouts.response)
        if isSlowReader { return facts.isWindowClosed ? .zeroWindow : .slowReader }
        return isSlowBody ? .slowBody : nil
    }
}
