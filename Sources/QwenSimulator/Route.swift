/// What a request is for, by its method and path.
enum Route: Equatable {
    case chat
    case embeddings
    case models
    case model(String)
    case deviceCode
    case token
    /// The page on which a person decides on a login; with the query.
    case loginPage(String)
    /// Below `/simulator`; with the query.
    case control(Substring)
    /// The counters alone, under the path that older tools know.
    case counters
    /// The path is known, the method is not.
    case wrongMethod
    case unknown

    init(method: String, target: String) {
        let end = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        let path = target[..<end]
        if path.hasSuffix("/chat/completions") {
            self = method == "POST" ? .chat : .wrongMethod
        } else if path.hasPrefix("/simulator") {
            self = .control(target.dropFirst("/simulator".count))
        } else if path == "/_simulator/stats" {
            self = method == "GET" ? .counters : .wrongMethod
        } else if path == "/api/v1/oauth2/device/code" {
            self = method == "POST" ? .deviceCode : .wrongMethod
        } else if path == "/api/v1/oauth2/token" {
            self = method == "POST" ? .token : .wrongMethod
        } else if path == "/authorize" {
            self = method == "GET" ? .loginPage(String(target[end...].dropFirst())) : .wrongMethod
        } else if path.hasSuffix("/embeddings") {
            self = method == "POST" ? .embeddings : .wrongMethod
        } else if path.hasSuffix("/models") {
            self = method == "GET" ? .models : .wrongMethod
        } else if let slash = path.lastIndex(of: "/"), path[..<slash].hasSuffix("/models") {
            self = method == "GET" ? .model(String(path[slash...].dropFirst())) : .wrongMethod
        } else {
            self = .unknown
        }
    }

    /// Whether a key is needed, where keys are.
    var needsKey: Bool {
        switch self {
        case .chat, .embeddings, .models, .model: true
        default: false
        }
    }

    /// Whether it is recorded: what controls the simulator is not.
    var isRecorded: Bool {
        switch self {
        case .control, .counters: false
        default: true
        }
    }
}
