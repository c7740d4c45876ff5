import HTTP
import Telemetry

/// What a request asks for.
enum Route: Equatable {
    case root
    /// A file of the console's page.
    case console(ConsoleFile)
    /// What the page shows.
    case consoleState
    case health
    case detailedHealth
    case auth
    case metrics
    case chatCompletions
    case completions
    case responses
    /// A response that was stored, by its id.
    case storedResponse(String)
    /// What such a response was made of.
    case responseInput(String)
    case cancelResponse(String)
    case messages
    case countTokens
    case embeddings
    case models
    /// A model, by its id.
    case model(String)

    /// The methods that the route answers, as `Allow` lists them.
    var allowedMethods: String {
        switch self {
        case .root, .console, .consoleState, .health, .detailedHealth, .auth, .metrics, .models, .model,
            .responseInput:
            "GET, HEAD"
        case .storedResponse: "GET, HEAD, DELETE"
        case .chatCompletions, .completions, .responses, .messages, .countTokens, .embeddings, .cancelResponse: "POST"
        }
    }

    func allows(_ method: String) -> Bool {
        switch self {
        case .root, .console, .consoleState, .health, .detailedHealth, .auth, .metrics, .models, .model,
            .responseInput:
            method == "GET" || method == "HEAD"
        case .storedResponse: method == "GET" || method == "HEAD" || method == "DELETE"
        case .chatCompletions, .completions, .responses, .messages, .countTokens, .embeddings, .cancelResponse:
            method == "POST"
        }
    }

    /// How its errors look.
    var errorShape: ErrorShape {
        switch self {
        case .messages, .countTokens: .anthropic
        default: .openAI
        }
    }

    /// The path that it has in metrics, without what differs from request to request.
    var label: String {
        switch self {
        case .root: "/"
        case .console: "/console/{file}"
        case .consoleState: "/console/state"
        case .health: "/health"
        case .detailedHealth: "/health/detailed"
        case .auth: "/auth"
        case .metrics: "/metrics"
        case .chatCompletions: "/v1/chat/completions"
        case .completions: "/v1/completions"
        case .responses: "/v1/responses"
        case .storedResponse: "/v1/responses/{id}"
        case .responseInput: "/v1/responses/{id}/input_items"
        case .cancelResponse: "/v1/responses/{id}/cancel"
        case .messages: "/v1/messages"
        case .countTokens: "/v1/messages/count_tokens"
        case .embeddings: "/v1/embeddings"
        case .models: "/v1/models"
        case .model: "/v1/models/{id}"
        }
    }

    /// Whether a label is that of what operators ask for: no traffic of clients.
    static func isOperators(_ label: String) -> Bool {
        switch label {
        case "/", "/console/{file}", "/console/state", "/health", "/health/detailed", "/auth", "/metrics": true
        default: false
        }
    }

    /// What is asked of a model, if anything.
    var operation: GenAIOperation? {
        switch self {
        case .chatCompletions, .responses, .messages: .chat
        case .completions: .textCompletion
        case .embeddings: .embeddings
        default: nil
        }
    }
}

/// Who may ask for a path.
enum Access: Equatable {
    case everyone
    /// The bearer of a client key.
    case client
    /// The bearer of an administrator's key.
    case administrator
}

/// Finds the route of a path. Clients build paths carelessly: a trailing slash and a doubled `/v1` are forgiven.
enum Router {
    /// The route, and who may ask for the path, whether it exists or not.
    static func route(_ target: String) -> (route: Route?, access: Access) {
        // First the one that is asked for most.
        if target == "/v1/chat/completions" { return (.chatCompletions, .client) }
        let path = path(of: target)
        if path == "/v1" || path.hasPrefix("/v1/") {
            let rest = path.hasPrefix("/v1/v1/") ? path.dropFirst(6) : path.dropFirst(3)
            return (clientRoute(rest), .client)
        }
        switch path {
        case "/": return (.root, .everyone)
        case "/health": return (.health, .everyone)
        case "/health/detailed": return (.detailedHealth, .administrator)
        case "/auth": return (.auth, .administrator)
        case "/metrics": return (.metrics, .administrator)
        case "/console/state": return (.consoleState, .administrator)
        default: return (ConsoleFile(path: path).map(Route.console), .everyone)
        }
    }

    /// - Parameter path: what follows `/v1`.
    private static func clientRoute(_ path: Substring) -> Route? {
        switch path {
        case "/chat/completions": .chatCompletions
        case "/completions": .completions
        case "/responses": .responses
        case "/messages": .messages
        case "/messages/count_tokens": .countTokens
        case "/embeddings": .embeddings
        case "/models": .models
        default:
            // A model's id may hold slashes, and comes percent-encoded at times.
            if let id = identifier(path, after: "/models/") {
                .model(id)
            } else if let rest = identifier(path, after: "/responses/") {
                responseRoute(rest)
            } else {
                nil
            }
        }
    }

    /// - Parameter path: what follows `/responses/`.
    private static func responseRoute(_ path: String) -> Route? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let id = parts.first.map(String.init), !id.isEmpty else { return nil }
        switch parts.dropFirst() {
        case []: return .storedResponse(id)
        case ["input_items"]: return .responseInput(id)
        case ["cancel"]: return .cancelResponse(id)
        default: return nil
        }
    }

    private static func identifier(_ path: Substring, after prefix: String) -> String? {
        guard path.hasPrefix(prefix), path.count > prefix.count else { return nil }
        return decoded(path.dropFirst(prefix.count))
    }

    /// Without percent-encoding (RFC 3986 §2.1); nil where that is broken, or hides a control character.
    static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The route of a path on the admin address, which serves no client of Qwen.
    static func adminRoute(_ target: String) -> Route? {
        let (route, access) = route(target)
        return access == .client ? nil : route
    }

    /// The path of a target: without its query, without slashes at its end.
    static func path(of target: String) -> String {
        let bytes = target.utf8Span.span
        var hasQuery = false
        for index in bytes.indices where bytes[index] == UInt8(ascii: "?") { hasQuery = true }
        guard hasQuery || bytes.isEmpty || bytes[bytes.count - 1] == UInt8(ascii: "/") else { return target }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard let end = path.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return "/" }
        return String(path[...end]) ?? target
    }

    /// The query of a target, without its question mark; empty where there is none.
    static func query(of target: String) -> String {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) } ?? ""
    }
}
