import HTTP

/// What a request asks for.
enum Route: Equatable {
    case root
    case health
    case detailedHealth
    case auth
    case chatCompletions

    /// The methods that the route answers, as `Allow` lists them.
    var allowedMethods: String {
        switch self {
        case .root, .health, .detailedHealth, .auth: "GET, HEAD"
        case .chatCompletions: "POST"
        }
    }

    func allows(_ method: String) -> Bool {
        switch self {
        case .root, .health, .detailedHealth, .auth: method == "GET" || method == "HEAD"
        case .chatCompletions: method == "POST"
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
        switch path(of: target) {
        case "/v1/chat/completions", "/v1/v1/chat/completions": return (.chatCompletions, .client)
        case "/": return (.root, .everyone)
        case "/health": return (.health, .everyone)
        case "/health/detailed": return (.detailedHealth, .administrator)
        case "/auth": return (.auth, .administrator)
        case let other: return (nil, other == "/v1" || other.hasPrefix("/v1/") ? .client : .everyone)
        }
    }

    /// The route of a path on the admin address, which serves no client of Qwen.
    static func adminRoute(_ target: String) -> Route? {
        let route = route(target).route
        return route == .chatCompletions ? nil : route
    }

    /// The path of a target: without its query, without slashes at its end.
    static func path(of target: String) -> String {
        let isPath = unsafe target.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe bytes.last != UInt8(ascii: "/") && !bytes.contains(UInt8(ascii: "?"))
        }
        if isPath == true { return target }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard let end = path.lastIndex(where: { $0 != UInt8(ascii: "/") }) else { return "/" }
        return String(path[...end]) ?? target
    }
}
