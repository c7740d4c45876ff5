import NIOCore
import Telemetry
import Transport

/// A handler that has an exchange of the gateway: all of them.
protocol GatewayExchangeHandler: ExchangeHandler {
    var exchange: GatewayExchange { get }
}

/// A request that is under way, as it is at this moment.
struct LiveRequest: Sendable {
    /// How far it is.
    enum State: String, Sendable {
        /// Its body is on its way.
        case receiving
        /// Nothing has been sent to Qwen yet: it waits for a credential.
        case queued
        /// Qwen, or the gateway itself, works at it.
        case waiting
        /// Its answer is on its way.
        case answering
        /// Its answer is whole, and the client has not taken all of it.
        case sending
    }

    var requestID: String
    var client: String
    var key: String?
    var method: String
    /// The route's label, or the path that is none.
    var route: String
    var model: String?
    var httpVersion: String
    var credential: String?
    var attempts: Int?
    var isStreaming: Bool?
    var bytesIn: Int
    var bytesOut: Int
    var state: State
    var age: TimeAmount

    init(_ exchange: GatewayExchange, now: NIODeadline) {
        let server = exchange.server
        requestID = exchange.record.requestID
        client = exchange.record.client
        key = exchange.record.key
        method = exchange.record.method
        route = exchange.route?.label ?? exchange.record.path
        model = exchange.record.model
        httpVersion = exchange.record.httpVersion
        credential = exchange.record.credential
        attempts = exchange.record.attempts
        isStreaming = exchange.record.stream
        bytesIn = server.bytesIn
        bytesOut = server.bytesOut
        age = now - server.began
        if server.hasEnded {
            state = .sending
        } else if server.hasResponded {
            state = .answering
        } else if !server.requestEnded {
            state = .receiving
        } else {
            state = attempts == nil && exchange.route?.operation != nil ? .queued : .waiting
        }
    }
}

/// The requests that are under way.
struct LiveRequests: Sendable {
    /// How many are told of, at most.
    static let capacity = 100

    /// Those that have been under way for longest, oldest first.
    private(set) var requests: [LiveRequest] = []
    /// All of them.
    private(set) var count = 0

    init() {}

    /// Looks at those of one event loop. Costs nothing but this: nobody keeps a list for it.
    init(_ loop: ServerLoop, now: NIODeadline) {
        var exchanges: [ServerExchange] = []
        loop.forEachExchange { exchanges.append($0) }
        exchanges.sort { $0.began < $1.began }
        for server in exchanges {
            guard let exchange = (server.handler as? any GatewayExchangeHandler)?.exchange else { continue }
            // The console's own looks are nothing to look at.
            if case .consoleState = exchange.route { continue }
            count += 1
            if requests.count < Self.capacity { requests.append(LiveRequest(exchange, now: now)) }
        }
    }

    mutating func add(_ other: LiveRequests) {
        count += other.count
        requests += other.requests
        requests.sort { $0.age > $1.age }
        requests.removeLast(max(requests.count - Self.capacity, 0))
    }
}
