import HTTP
import NIOCore
import Transport

/// Answers with the console's files. They hold no data: those the page asks `/console/state` for.
enum ConsolePage {
    /// Whether a request for `/` is answered with the page: only who prefers HTML to JSON gets it, so that programs,
    /// which say `*/*` or nothing, have the JSON (RFC 9110 §12.5.1).
    static func isWanted(by fields: HeaderFields) -> Bool {
        let accepted = AcceptedMedia(fields)
        return accepted.weight(of: "text", "html") > accepted.weight(of: "application", "json")
    }

    static func answer(
        _ exchange: GatewayExchange, _ head: RequestHead, _ file: ConsoleFile
    ) -> any ExchangeHandler {
        var fields = HeaderFields()
        fields.reserve(fields: 12, bytes: 768)
        fields.append("etag", file.tag)
        // Kept by browsers, and asked for each time: a gateway of another version has other files.
        fields.append("cache-control", "no-cache")
        if file == .page { fields.append("vary", "Accept") }
        fields.append("content-security-policy", securityPolicy)
        fields.append("x-content-type-options", "nosniff")
        fields.append("x-frame-options", "DENY")
        fields.append("referrer-policy", "no-referrer")
        fields.append("cross-origin-resource-policy", "same-origin")
        if matches(head.fields, file.tag) {
            exchange.respondNotModified(fields)
        } else {
            var body = ByteBuffer()
            body.writeStaticString(file.text)
            exchange.respond(200, contentType: file.contentType, body: body, fields)
        }
        return AnsweredExchange(exchange)
    }

    /// Nothing but what the gateway itself serves, no markup made of text, no frame around it, no form that is sent.
    private static let securityPolicy: StaticString = """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
        trusted-types 'none'
        """

    /// Whether the client has the file as it is (If-None-Match, RFC 9110 §13.1.2).
    private static func matches(_ fields: HeaderFields, _ tag: StaticString) -> Bool {
        guard let given = fields["if-none-match"] else { return false }
        let tag = tag.description
        return given.split(separator: ",").contains { element in
            let candidate = element.drop { $0 == " " }.prefix { $0 != " " }
            return candidate == "*" || candidate == tag || candidate == "W/\(tag)"
        }
    }
}
