/// A request that can't be translated: the client's fault, told in the words of its dialect.
package struct InvalidRequest: Error, Sendable, Equatable {
    /// A sentence that says what is wrong and what is expected.
    package var message: String
    /// The field that is wrong, as a path in the request (`messages[0].content`), or nil for the body as a whole.
    package var param: String?
    /// OpenAI's code for it, where there is one.
    package var code: String?

    package init(_ message: String, param: String? = nil, code: String? = nil) {
        self.message = message
        self.param = param
        self.code = code
    }

    /// What the client wrote, for a message: 64 bytes at most. Characters are no measure, for one can have any length.
    static func shown(_ text: String) -> String {
        text.utf8.count > 64 ? String(decoding: text.utf8.prefix(64), as: UTF8.self) + "…" : text
    }
}
