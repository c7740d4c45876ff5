/// What tells one response from all others, and its items from theirs.
package struct ResponsesIdentity: Sendable, Equatable {
    /// The random part of all ids: letters and digits, at most 48 of them, so that the ids of items stay below the 64
    /// characters that OpenAI allows.
    package let token: String
    /// Seconds since 1970.
    package let created: Int
    /// The model's name as the client is to see it.
    package let model: String

    package init(token: String, created: Int, model: String) {
        self.token = token
        self.created = created
        self.model = model
    }

    /// `resp_…`
    package var responseID: String { "resp_\(token)" }

    func itemID(_ kind: ResponsesItem.Kind, _ index: Int) -> String {
        switch kind {
        case .reasoning: "rs_\(token)_\(index)"
        case .message: "msg_\(token)_\(index)"
        case .call: "fc_\(token)_\(index)"
        }
    }
}
