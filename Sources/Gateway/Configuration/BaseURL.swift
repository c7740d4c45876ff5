import Qwen

/// Where an upstream API lives: an absolute `https` URL (RFC 3986, RFC 9110 §4.2.2) taken apart. Holds what a base URL
/// needs and nothing else: no user information, query or fragment.
package struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// The host's name in lower case, or its IP address; an IPv6 address without its brackets.
    package let host: String
    /// 1...65535; 443 where the URL names none.
    package let port: Int
    /// What goes before an endpoint's path: empty, or `/` and more, without a `/` at the end.
    package let path: String

    /// The URL's authority as `Host` and `:authority` carry it: the port is left out where it is 443.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == 443 ? host : "\(host):\(port)"
    }

    package var description: String { "https://\(authority)\(path)" }
}

extension BaseURL {
    /// - Throws: The fault of text that is no such URL.
    init(_ text: String) throws(ValueFault) {
        // One reader for all: what the configuration accepts is what requests can be sent to.
        do throws(HTTPSURL.Fault) {
            let url = try HTTPSURL(text)
            self.init(host: url.host, port: url.port, path: url.path)
        } catch {
            throw ValueFault(error.description)
        }
    }
}
