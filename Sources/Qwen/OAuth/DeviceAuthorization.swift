/// A login that the server has begun (RFC 8628 §3.2). Holds the device code, so it does not print itself.
struct DeviceAuthorization: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// A secret: who has it and the verifier gets the token.
    var deviceCode: String
    /// What the user compares or types; empty where the server gave none and its URL carries it.
    var userCode: String
    var verificationURI: String
    /// The same with the code in it.
    var verificationURIComplete: String
    /// How long the code is good for, in milliseconds.
    var lifetime: Int64
    /// How often the server wants to be asked at most, in milliseconds.
    var interval: Int64?

    var description: String { "[redacted]" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension DeviceAuthorization {
    /// How long a code is taken to live if the server does not say: as long as Qwen's were seen to at least.
    static let defaultLifetime: Int64 = 600_000
    /// However long the server says: nobody confirms a code an hour later, and nothing polls for longer.
    static let longestLifetime: Int64 = 3_600_000
    private static let longestInterval: Int64 = 60_000

    /// Nil without a device code or a place to confirm it: what is shown to a user is printable, and an https URL.
    init?(_ object: borrowing OAuthObject) {
        guard let deviceCode = object.word("device_code", longest: 4096) else { return nil }
        let userCode = object.word("user_code", longest: 64) ?? ""
        let plain = Self.https(object.word("verification_uri", longest: 1024))
        let complete = Self.https(object.word("verification_uri_complete", longest: 1024))
        guard let uri = plain ?? complete else { return nil }
        self.deviceCode = deviceCode
        self.userCode = userCode
        verificationURI = uri
        verificationURIComplete = complete ?? Self.complete(uri, userCode: userCode)
        lifetime = object.milliseconds("expires_in", longest: Self.longestLifetime) ?? Self.defaultLifetime
        interval = object.milliseconds("interval", longest: Self.longestInterval)
    }

    private static func https(_ text: String?) -> String? {
        text.flatMap { $0.lowercased().hasPrefix("https://") ? $0 : nil }
    }

    /// Qwen's page reads the code from the query.
    private static func complete(_ uri: String, userCode: String) -> String {
        guard !userCode.isEmpty, !uri.contains("#") else { return uri }
        return uri + (uri.contains("?") ? "&" : "?") + "user_code=" + FormEncoding.encodeComponent(userCode)
    }
}

extension OAuthAnswer {
    func deviceAuthorization() -> OAuthContent<DeviceAuthorization> {
        content { DeviceAuthorization($0) }
    }
}
