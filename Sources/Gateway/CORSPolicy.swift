import HTTP

/// Which web pages may call the gateway from a browser (the Fetch standard, "CORS protocol").
///
/// Off unless `CORS_ALLOW_ORIGINS` is set. Keys travel in fields that a page sets itself, so credentials in the sense of
/// CORS (cookies, certificates) are never allowed.
struct CORSPolicy: Sendable {
    /// Whose pages.
    enum Origins: Sendable, Equatable {
        /// Those of every origin, `null` included.
        case any
        /// In the form that browsers send.
        case listed(Set<String>)

        /// `*`, or origins separated by commas: `https://app.example.com,http://localhost:5173`.
        init?(parsing text: String) throws(ValueFault) {
            if text == "*" {
                self = .any
                return
            }
            var listed: Set<String> = []
            for item in text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed) {
                guard let origin = Self.normalized(item) else {
                    throw ValueFault("is neither * nor a list of origins like https://app.example.com, without paths")
                }
                listed.insert(origin)
            }
            self = .listed(listed)
        }

        /// Scheme, host and port, the way a browser writes them: in lower case, without the scheme's own port.
        static func normalized(_ text: Substring) -> String? {
            let text = text.lowercased()
            for (scheme, usual) in [("https://", ":443"), ("http://", ":80")] where text.hasPrefix(scheme) {
                var rest = text.dropFirst(scheme.count)
                if rest.hasSuffix(usual) { rest = rest.dropLast(usual.count) }
                let host: Substring
                if let colon = rest.lastIndex(of: ":"), rest.last != "]" {
                    let port = rest[rest.index(after: colon)...]
                    guard let number = UInt16(port), number > 0, port.utf8.allSatisfy(\.isASCIIDigit) else {
                        return nil
                    }
                    host = rest[..<colon]
                } else {
                    host = rest
                }
                let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
                let isHost =
                    isBracketed
                    ? HostText.isIPv6(String(host.dropFirst().dropLast())) : HostText.isNameOrIPv4(String(host))
                return isHost ? scheme + rest : nil
            }
            return nil
        }
    }

    private let origins: Origins
    /// What answers to each allowed origin carry, made once.
    private let fields: [String: HeaderFields]
    private let fieldsForAny: HeaderFields
    /// What answers to others carry: caches must not give them to allowed ones.
    private let fieldsForOthers: HeaderFields

    init(_ origins: Origins) {
        self.origins = origins
        var others = HeaderFields()
        others.append("vary", "origin")
        fieldsForOthers = others
        fieldsForAny = Self.answerFields(origin: "*")
        guard case .listed(let listed) = origins else {
            fields = [:]
            return
        }
        fields = Dictionary(
            uniqueKeysWithValues: listed.map { origin in
                var fields = Self.answerFields(origin: origin)
                fields.append(contentsOf: others)
                return (origin, fields)
            })
    }

    /// What an answer carries, whatever it is.
    ///
    /// - Parameter origin: the request's Origin field; nil where it has none.
    func answerFields(to origin: String?) -> HeaderFields {
        switch origins {
        case .any: origin == nil ? HeaderFields() : fieldsForAny
        case .listed: origin.flatMap { fields[$0] } ?? fieldsForOthers
        }
    }

    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .listed: fields[origin] != nil
        }
    }

    /// Whether a request is a browser's question if it may send another.
    static func isPreflight(_ head: RequestHead) -> Bool {
        head.method == "OPTIONS" && head.fields.firstIndex(of: "origin") != nil
            && head.fields.firstIndex(of: "access-control-request-method") != nil
    }

    /// What the answer to the question of an allowed origin carries beyond `answerFields`: it names those of the fields
    /// asked about that may be sent.
    static func preflightFields(requested: String?) -> HeaderFields {
        var fields = HeaderFields()
        fields.append("access-control-allow-methods", "GET, HEAD, POST, DELETE")
        let allowed = (requested ?? "").split(separator: ",").prefix(64).map(\.trimmed).filter(isAllowedField)
        if !allowed.isEmpty {
            fields.append("access-control-allow-headers", allowed.joined(separator: ", ").lowercased())
        }
        // The longest that any browser keeps an answer is a day, and Chromium's two hours.
        fields.append("access-control-max-age", "7200")
        return fields
    }

    /// Fields that the APIs' libraries send.
    private static let allowedFields: Set<String> = [
        "authorization", "content-type", "accept", "x-api-key", "x-request-id", "x-should-retry", "idempotency-key",
        "traceparent", "tracestate",
    ]
    private static let allowedPrefixes = ["openai-", "anthropic-", "x-stainless-"]

    private static func isAllowedField(_ name: Substring) -> Bool {
        guard name.utf8.count <= 64, name.utf8.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D }) else {
            return false
        }
        let name = name.lowercased()
        return allowedFields.contains(name) || allowedPrefixes.contains { name.hasPrefix($0) }
    }

    private static func answerFields(origin: String) -> HeaderFields {
        var fields = HeaderFields()
        fields.append("access-control-allow-origin", origin)
        fields.append(
            "access-control-expose-headers",
            """
            x-request-id, request-id, retry-after, x-should-retry, x-ratelimit-limit, x-ratelimit-remaining, \
            x-ratelimit-reset, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, \
            x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, \
            x-ratelimit-reset-tokens
            """)
        return fields
    }
}
