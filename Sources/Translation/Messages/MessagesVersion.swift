/// The `anthropic-version` header, which every request of this dialect has.
package enum MessagesVersion {
    /// What the header may say. The first version had another form of stream and is long out of use; the second is the
    /// last one so far.
    package static let supported: [String] = ["2023-01-01", "2023-06-01"]

    /// The version that answers are given in.
    package static let current = "2023-06-01"

    package static func isSupported(_ version: String) -> Bool {
        supported.contains(version)
    }

    /// Throws what Anthropic says of a header that is missing or names no version.
    package static func check(_ version: String?) throws(InvalidRequest) {
        guard let version, !version.isEmpty else {
            throw InvalidRequest("anthropic-version: header is required", param: "anthropic-version")
        }
        guard isSupported(version) else {
            throw InvalidRequest(
                "anthropic-version: \"\(version.prefix(32))\" is not a valid version; use \"\(current)\"",
                param: "anthropic-version")
        }
    }
}
