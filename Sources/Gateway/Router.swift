import HTTP

/// What a request asks for.
enum Route: Equatable {
    case root
    case health
    case chatCompletions

    /// The methods that the route answers, as `Allow` lists them.
    var allowedMethods: String {
        switch self {
        case .root, .health: "GET, HEAD"
        case .chatCompletions: "POST"
        }
    }

    func allows(_ method: String) -> Bool {
        switch self {
        case .root, .health: method == "GET" || method == "HEAD"
        case .chatCompletions: method == "POST"
        }
    }
}

/// Finds the route of a path. Clients build paths carelessly: a trailing slash and a doubled `/v1` are forgiven.
enum Router {
    /// The route and whether the path is one that needs a key, whether it exists or not.
    static func route(_ target: String) -> (route: Route?, needsKey: Bool) {
        switch path(of: target) {
        case "/": return (.root, false)
        case "/health": return (.health, false)
        case "/v1/chat/completions", "/v1/v1/chat/completions": return (.chatCompletions, true)
        case let other: return (nil, other == "/v1" || other.hasPrefix("/v1/"))
        }
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
