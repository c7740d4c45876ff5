/// What a request to an admin address without keys may call it: a page in the operator's browser can have any name
/// resolve to this machine (DNS rebinding), and would read what is meant for the operator.
enum AdminHost {
    static let explanation = """
        The admin address answers requests that name this machine only: use http://localhost or http://127.0.0.1 with \
        its port.
        """

    /// - Parameter authority: of the request, with or without a port.
    static func isAcceptable(_ authority: String) -> Bool {
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].utf8.allSatisfy(\.isASCIIDigit),
            host[..<colon].last == "]" || !host[..<colon].contains(":")
        {
            host = host[..<colon]
        }
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        return HostText.isLoopback(host.lowercased())
    }
}
