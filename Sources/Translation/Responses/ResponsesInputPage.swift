package import JSON
package import NIOCore

/// A page of the items that a response was made of (`GET /v1/responses/{id}/input_items`).
package struct ResponsesInputPage: Sendable, Equatable {
    /// The items per page where the query says nothing, and the most that it can ask for.
    private static let usual = 20
    private static let most = 100

    private var limit = usual
    private var isAscending = false
    private var after: String?

    /// Reads the query of a request: `limit`, `order` (`desc`, the latest item first, or `asc`), `after`. Others are
    /// ignored: `include` names what OpenAI leaves out, and here nothing is.
    ///
    /// - Parameter query: what stands behind the question mark.
    package init(query: String) throws(InvalidRequest) {
        for (name, value) in ListPage.members(of: query) {
            guard let value else { continue }
            switch name {
            case "limit": limit = try ListPage.limit(value, most: Self.most)
            case "order":
                guard value == "asc" || value == "desc" else {
                    throw InvalidRequest("'order' must be 'asc' or 'desc'.", param: "order", code: "invalid_value")
                }
                isAscending = value == "asc"
            case "after":
                guard let id = ModelPath.id(value) else { throw Self.unknown(String(value)) }
                after = id
            default: break
            }
        }
    }

    /// Appends the page. It begins behind `after`, which must be one of the items.
    ///
    /// - Parameters:
    ///   - items: all of them, the oldest first.
    ///   - document: scratch storage.
    package func write(
        _ items: [StoredItem], document: inout JSONDocument, into output: inout ByteBuffer
    ) throws(InvalidRequest) {
        let ordered = isAscending ? items : items.reversed()
        var start = 0
        if let after {
            guard let place = ordered.firstIndex(where: { $0.id == after }) else { throw Self.unknown(after) }
            start = place + 1
        }
        let page = ordered[start..<min(start + limit, ordered.count)]
        output.writeStaticString("{\"object\":\"list\",\"data\":[")
        for (place, item) in page.enumerated() {
            if place > 0 { output.writeStaticString(",") }
            item.writeResource(document: &document, into: &output)
        }
        ListPage.writeEnd(
            hasMore: page.endIndex < ordered.count, first: page.first?.id, last: page.last?.id, into: &output)
    }

    private static func unknown(_ id: String) -> InvalidRequest {
        InvalidRequest("'after' names no item of the response: '\(InvalidRequest.shown(id))'.", param: "after")
    }
}

extension StoredItem {
    /// Writes the item with all that OpenAI's items have and that a client may leave out: an id, a type, a status, and
    /// content in parts.
    func writeResource(document: inout JSONDocument, into output: inout ByteBuffer) {
        guard (try? document.scan(text)) != nil, document.kind(of: document.root) == .object else {
            output.writeImmutableBuffer(text)
            return
        }
        let type = document.given(document.member("type", of: document.root))
        let isMessage = type.map { document.stringEquals($0, "message") } ?? true
        if isMessage, let content = document.member("content", of: document.root),
            document.kind(of: content) == .string
        {
            let isSpoken = document.member("role", of: document.root).map { document.stringEquals($0, "assistant") }
            document.replace(content, with: .bytes(Self.part(document.text(of: content), isSpoken: isSpoken ?? false)))
        }
        if let id { document.complete("id", .string(id)) }
        document.complete("type", .raw("\"message\""))
        if type.map({ document.stringEquals($0, "reasoning") }) != true {
            document.complete("status", .raw("\"completed\""))
        }
        // No two edits touch the same bytes, so this can't fail.
        if (try? document.write(into: &output)) == nil { output.writeImmutableBuffer(text) }
    }

    /// Content of one part.
    private static func part(_ text: ByteBuffer, isSpoken: Bool) -> ByteBuffer {
        var content = ByteBuffer()
        content.writeStaticString(isSpoken ? #"[{"type":"output_text","text":"# : #"[{"type":"input_text","text":"#)
        content.writeImmutableBuffer(text)
        content.writeStaticString(isSpoken ? #","annotations":[]}]"# : "}]")
        return content
    }
}

extension JSONDocument {
    /// Gives the root a member that it lacks, or that is null.
    fileprivate mutating func complete(_ name: StaticString, _ value: JSONFragment) {
        guard let node = member(name, of: root) else { return append("\(name)", value, to: root) }
        if isNull(node) { replace(node, with: value) }
    }
}
