import HTTP

/// The fields that tell browsers to be careful, on every answer to a client: made once, appended as a block, and on
/// HTTP/2 a byte each from the second answer on.
struct SecurityFields: Sendable {
    /// For connections that have no name which a browser could remember: see `ServerConnection.hasPublicName`.
    let usual: HeaderFields
    /// The same with Strict-Transport-Security (RFC 6797).
    let named: HeaderFields

    /// How many fields there are at most, and their bytes.
    static let fieldCount = 4
    static let byteCount = 192

    /// - Parameter hstsMaxAge: in seconds; zero sends no Strict-Transport-Security.
    init(hstsMaxAge: Int) {
        var fields = HeaderFields()
        // JSON must not be taken for a page, nor be framed by one; nobody needs to know where it was called from.
        fields.append("x-content-type-options", "nosniff")
        fields.append("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        fields.append("referrer-policy", "no-referrer")
        usual = fields
        if hstsMaxAge > 0 { fields.append("strict-transport-security", "max-age=\(hstsMaxAge)") }
        named = fields
    }
}
