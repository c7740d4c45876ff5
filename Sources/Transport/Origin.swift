/// A server that is called: scheme `https`, host and port.
package struct Origin: Sendable, Hashable {
    /// A DNS name, an IPv4 address, or an IPv6 address without brackets.
    package var host: String
    package var port: Int

    package init(host: String, port: Int = 443) {
        self.host = host
        self.port = port
    }

    /// The value of `:authority` and Host (RFC 9110 §7.2): the port only where it is not the scheme's.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == 443 ? name : "\(name):\(port)"
    }
}
