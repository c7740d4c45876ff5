import HTTP
internal import Synchronization

/// How many connections clients may have.
package struct ConnectionLimits: Sendable {
    /// Open at once.
    package var total = Int.max
    /// Open at once from one IPv4 address, or one IPv6 /64.
    package var perAddress = Int.max
    /// Between accept and the end of the TLS handshake, the PROXY protocol's header included.
    package var handshakes = Int.max
    package init() {}

    /// Connections past `total` that are accepted for no more than to be told when to come back. Over TLS nothing can
    /// be said before the handshake, which is the dearest part of a connection: so there are few of them, and past
    /// those a connection is reset at once.
    var reserve: Int { total == .max ? 0 : min(max(total / 16, 4), 256) }
}

/// Counts the connections of all event loops. They meet here when a connection opens, has finished its handshake and
/// closes, and never for a request.
package final class ConnectionLedger: Sendable {
    let limits: ConnectionLimits
    private let connections = Atomic<Int>(0)
    private let handshakes = Atomic<Int>(0)
    /// By subscriber. It has no more entries than there are connections.
    private let addresses = Mutex<[UInt64: Int]>([:])

    package init(_ limits: ConnectionLimits = ConnectionLimits()) {
        self.limits = limits
    }

    /// The connections that are open, those in the reserve included.
    package var openConnections: Int { connections.load(ordering: .relaxed) }
    package var handshakesInProgress: Int { handshakes.load(ordering: .relaxed) }
    /// Addresses that have a connection open; zero where they are not counted.
    package var countedAddresses: Int { addresses.withLock { $0.count } }

    /// What a new connection may do.
    enum Entry: Equatable {
        case served
        /// It is told to come back, and closed.
        case declined
        case refused(ConnectionFault.Reason)
    }

    /// Counts a connection that was accepted, as one in its handshake, unless it is refused.
    ///
    /// - Parameter makeRoom: called where all places are taken; closes a connection that nobody uses, if there is one.
    func enter(makeRoom: () -> Bool) -> Entry {
        guard handshakes.wrappingAdd(1, ordering: .relaxed).newValue <= limits.handshakes else {
            handshakes.wrappingSubtract(1, ordering: .relaxed)
            return .refused(.handshakeLimit)
        }
        let count = connections.wrappingAdd(1, ordering: .relaxed).newValue
        if count <= limits.total || makeRoom() { return .served }
        if count - limits.total <= limits.reserve { return .declined }
        connections.wrappingSubtract(1, ordering: .relaxed)
        handshakes.wrappingSubtract(1, ordering: .relaxed)
        return .refused(.connectionLimit)
    }

    func handshakeEnded() { handshakes.wrappingSubtract(1, ordering: .relaxed) }
    func leave() { connections.wrappingSubtract(1, ordering: .relaxed) }

    /// Counts a connection of an address; false, and nothing is counted, where it has as many as it may.
    func enter(from address: NetworkAddress) -> Bool {
        guard limits.perAddress != .max else { return true }
        return addresses.withLock { counts in
            let count = counts[address.subscriberNumber, default: 0]
            guard count < limits.perAddress else { return false }
            counts[address.subscriberNumber] = count + 1
            return true
        }
    }

    func leave(from address: NetworkAddress) {
        guard limits.perAddress != .max else { return }
        addresses.withLock { counts in
            guard let count = counts[address.subscriberNumber] else { return }
            counts[address.subscriberNumber] = count > 1 ? count - 1 : nil
        }
    }
}

/// What one connection has been counted as, so that it is taken out again once, whenever and however it ends.
struct ConnectionPlace {
    private let ledger: ConnectionLedger
    /// It is told to come back, and closed.
    let isDeclined: Bool
    private var isOpen = true
    private var isInHandshake = true
    private var address: NetworkAddress?

    init(_ ledger: ConnectionLedger, isDeclined: Bool) {
        self.ledger = ledger
        self.isDeclined = isDeclined
    }

    /// Counts it with its address, which is known from the start or from the PROXY protocol's header.
    mutating func count(_ address: NetworkAddress) -> Bool {
        guard self.address == nil, ledger.enter(from: address) else { return false }
        self.address = address
        return true
    }

    mutating func handshakeEnded() {
        guard isInHandshake else { return }
        isInHandshake = false
        ledger.handshakeEnded()
    }

    mutating func leave() {
        guard isOpen else { return }
        isOpen = false
        handshakeEnded()
        ledger.leave()
        if let address { ledger.leave(from: address) }
    }
}
