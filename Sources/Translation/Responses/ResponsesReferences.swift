import JSON
package import NIOCore

/// What a request refers to that must be looked up in the store.
package struct ResponsesReferences: Sendable, Equatable {
    /// The response whose conversation is continued. Its instructions are not: they count for one response.
    package let previousResponseID: String?
    /// The ids of items that the input names instead of repeating them (`item_reference`).
    package let itemIDs: [String]

    package var isEmpty: Bool { previousResponseID == nil && itemIDs.isEmpty }

    init(_ options: ResponsesOptions, in document: borrowing JSONDocument) throws(InvalidRequest) {
        if let id = options.previousResponseID, document.stringEquals(id, "") {
            throw InvalidRequest(
                "Invalid 'previous_response_id': empty string.", param: "previous_response_id", code: "empty_string")
        }
        previousResponseID = options.previousResponseID.flatMap { document.string($0) }
        var ids: [String] = []
        if let input = options.input {
            for item in document.elements(of: input) {
                if let id = Self.referenced(item, in: document), let id = document.string(id) { ids.append(id) }
            }
        }
        itemIDs = ids
    }

    /// The id's node, if the item is a reference: it says so, or has an id and nothing that says what it is.
    static func referenced(_ item: JSONNode, in document: borrowing JSONDocument) -> JSONNode? {
        guard let id = document.member("id", of: item), document.kind(of: id) == .string else { return nil }
        if let type = ResponsesReader.given("type", of: item, in: document) {
            return document.stringEquals(type, "item_reference") ? id : nil
        }
        return document.member("role", of: item) == nil ? id : nil
    }

    static func itemNotFound(
        _ id: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) -> InvalidRequest {
        InvalidRequest(
            "Item with id '\(ResponsesReader.shown(id, in: document))' not found. Items are kept when 'store' is "
                + "true; send the item itself instead.", param: "\(path).id", code: "item_not_found")
    }

    static func responseNotFound(_ id: String) -> InvalidRequest {
        let shown = String(decoding: id.utf8.prefix(64), as: UTF8.self)
        return InvalidRequest(
            "Previous response with id '\(shown)' not found. Responses are kept when 'store' is true, for a while.",
            param: "previous_response_id", code: "previous_response_not_found")
    }
}

/// What the store has for a request's references.
package struct ResolvedReferences: Sendable {
    /// All items of the conversation so far, inputs and outputs, the oldest first.
    package var history: [StoredItem] = []
    /// Items by their id.
    package var items: [String: ByteBuffer] = [:]

    package init() {}
}
