/// The `anthropic-version` header, which every request of this dialect has.
package enum MessagesVersion {
    /// What the header may say. The first version had another form of stream and is long out of use. The last one,
    /// which Anthropic's libraries send since October 2026, has the answers of the one before: it differs in what it
    /// refuses (`temperature`, `top_p`, `top_k`, documents of the assistant's, citations of the user's). Qwen can
    /// honour the first three, so that they are taken with every version.
    package static let supported: [String] = ["2023-01-01", "2023-06-01", "2026-10-21"]

    /// The version that answers are given in.
    package static let current = "2026-10-21"

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
                "anthropic-version: \"\(InvalidRequest.shown(version))\" is not a valid version; use \"\(current)\"",
                param: "anthropic-version")
        }
    }
}
