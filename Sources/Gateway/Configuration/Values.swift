import Admission
import Translation

/// The values of variables: what each kind of text means, and what is wrong with it if it means nothing.
enum Values {
    static let noClientKeys = ValueFault(
        """
        is not set, and without a key no request would be served: make one with `qwen-gateway keys add NAME`, or set \
        one or more keys, separated by commas, or ALLOW_ANONYMOUS=true to serve everyone who can connect
        """)
    static let noWayIn = ValueFault(
        """
        is not set, and there is no other way into Qwen: set it, or set QWEN_CREDENTIALS_SECRET to keep keys and \
        logins sealed in QWEN_DIR (`qwen-gateway credentials add`, `qwen-gateway login`)
        """)
    /// The fewest characters of a secret that seals credentials.
    static let sealingSecretMinimum = 16
    /// Shorter client keys could be guessed.
    static let clientKeyMinimum = 16

    static func text(_ text: String) throws(ValueFault) -> String { text }
    static func optionalText(_ text: String) throws(ValueFault) -> String? { text }

    /// Booleans are spelled in one way only: what guards access must not depend on a guess.
    static func boolean(_ text: String) throws(ValueFault) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw ValueFault("is neither true nor false")
        }
    }

    /// One of the names of an enumeration, in any case.
    static func choice<T: RawRepresentable<String> & CaseIterable>(_ text: String) throws(ValueFault) -> T {
        if let value = T(rawValue: text.lowercased()) { return value }
        throw ValueFault("is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// `warn`, which the seed system understood, stays valid.
    static func logLevel(_ text: String) throws(ValueFault) -> GatewayConfiguration.LogLevel {
        text.lowercased() == "warn" ? .warning : try choice(text)
    }

    static func host(_ text: String) throws(ValueFault) -> String {
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let host = isBracketed ? String(text.dropFirst().dropLast()) : text
        guard HostText.isIPv6(host) || (!isBracketed && HostText.isNameOrIPv4(host)) else {
            throw ValueFault("is neither an IP address nor a host name")
        }
        return host
    }

    /// `8080`, or `:8080` as the seed system spelled it.
    static func port(_ text: String) throws(ValueFault) -> Int {
        try wholeNumber(text.hasPrefix(":") ? String(text.dropFirst()) : text, in: 0...65535)
    }

    static func workers(_ text: String) throws(ValueFault) -> Int {
        try wholeNumber(text, in: 1...256)
    }

    static func wholeNumber(_ text: String, in range: ClosedRange<Int>) throws(ValueFault) -> Int {
        guard text.utf8.allSatisfy(\.isASCIIDigit), let number = Int(text), range.contains(number) else {
            throw ValueFault("is not a whole number in \(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    /// A timeout cannot be turned off: what a peer can hold open must end.
    static func timeout(_ text: String) throws(ValueFault) -> Duration {
        let duration = try DurationText.parse(text)
        guard duration > .zero else { throw ValueFault("is zero; a timeout cannot be turned off") }
        return duration
    }

    static func bodySize(_ text: String) throws(ValueFault) -> Int {
        let bytes = try ByteCountText.parse(text)
        guard (1024...1024 * 1024 * 1024).contains(bytes) else { throw ValueFault("is not in 1KiB...1GiB") }
        return bytes
    }

    static func model(_ text: String) throws(ValueFault) -> String {
        guard text.utf8.count <= 256, !text.unicodeScalars.contains(where: isSpaceOrControl) else {
            throw ValueFault("has white space or control characters, or more than 256 bytes")
        }
        return text
    }

    private static func isSpaceOrControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
    }

    /// A secret that a header field carries.
    static func secret(_ text: String) throws(ValueFault) -> Secret {
        guard isVisibleASCII(text) else { throw ValueFault("has a space or a character that is not visible ASCII") }
        return Secret(text)
    }

    static func optionalSecret(_ text: String) throws(ValueFault) -> Secret? { try secret(text) }
    static func optionalURL(_ text: String) throws(ValueFault) -> BaseURL? { try BaseURL(text) }

    static func sealingSecret(_ text: String) throws(ValueFault) -> Secret? {
        guard text.utf8.count >= sealingSecretMinimum else {
            throw ValueFault("has fewer than \(sealingSecretMinimum) characters, and could be guessed")
        }
        return Secret(text)
    }

    /// `127.0.0.1:9901`, `[::1]:9901`, or `off`. What answers there asks for no key: the machine itself only.
    static func adminAddress(_ text: String) throws(ValueFault) -> GatewayConfiguration.AdminAddress? {
        if text.lowercased() == "off" { return nil }
        guard let colon = text.lastIndex(of: ":") else { throw ValueFault("is not of the form host:port") }
        let host = try host(String(text[..<colon]))
        let port = try port(String(text[text.index(after: colon)...]))
        return GatewayConfiguration.AdminAddress(host: host, port: port)
    }

    static func adminKeys(_ text: String) throws(ValueFault) -> [GatewayConfiguration.ClientKey] {
        try clientKeys(text).enumerated().map {
            .init(name: "admin-\($0.offset + 1)", key: $0.element.key, isAdmin: true)
        }
    }

    static func modelAliases(_ text: String) throws(ValueFault) -> ModelAliases {
        do throws(ModelAliases.Fault) {
            return try ModelAliases(parsing: text)
        } catch {
            throw ValueFault("can not be used: \(error.description)")
        }
    }

    /// Client keys, separated by commas or line ends.
    static func clientKeys(_ text: String) throws(ValueFault) -> [GatewayConfiguration.ClientKey] {
        let keys = text.split { $0 == "," || $0.isNewline }.map(\.trimmed).filter { !$0.isEmpty }
        guard !keys.isEmpty else { throw ValueFault("holds no key") }
        for (index, key) in keys.enumerated() {
            guard isVisibleASCII(String(key)) else {
                throw ValueFault("has a space or a character that is not visible ASCII in key \(index + 1)")
            }
            guard key.utf8.count >= clientKeyMinimum else {
                throw ValueFault("has fewer than \(clientKeyMinimum) characters in key \(index + 1)")
            }
            guard key.utf8.count <= ClientKeyText.longest else {
                throw ValueFault("has more than \(ClientKeyText.longest) characters in key \(index + 1)")
            }
            if let first = keys[..<index].firstIndex(of: key) {
                throw ValueFault("has the same key twice, as keys \(first + 1) and \(index + 1)")
            }
        }
        return keys.enumerated().map { .init(name: "env-\($0.offset + 1)", key: Secret(String($0.element))) }
    }

    private static func isVisibleASCII(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
