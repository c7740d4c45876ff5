package import NIOCore

/// A page of the list of models as Anthropic has it, for clients that send `anthropic-version`.
package struct AnthropicModelPage: Sendable, Equatable {
    /// The models per page where the query says nothing, and the most that it can ask for.
    private static let usual = 20
    private static let most = 1_000

    private var after: String?
    private var before: String?
    private var limit = usual

    package init() {}

    /// Reads the query of a request: `limit`, `after_id`, `before_id`. Others are ignored.
    ///
    /// - Parameter query: what stands behind the question mark.
    package init(query: String) throws(InvalidRequest) {
        for (name, value) in ListPage.members(of: query) {
            guard let value else { continue }
            switch name {
            case "limit": limit = try ListPage.limit(value, most: Self.most)
            case "after_id": after = try Self.id(value, "after_id")
            case "before_id": before = try Self.id(value, "before_id")
            default: break
            }
        }
    }

    private static func id(_ text: Substring, _ name: String) throws(InvalidRequest) -> String {
        guard let id = ModelPath.id(text) else {
            throw InvalidRequest("'\(name)' is not the id of a model.", param: name)
        }
        return id
    }

    /// Appends the page. It begins behind `after_id`, or ends in front of `before_id`; `has_more` tells of models
    /// beyond it in the same direction.
    ///
    /// An id that is not (or no more) listed is refused.
    package func write(_ catalog: ModelCatalog, into output: inout ByteBuffer) throws(InvalidRequest) {
        let range = try range(in: catalog)
        let page = catalog.entries[range]
        output.writeStaticString("{\"data\":[")
        for (place, entry) in page.enumerated() {
            if place > 0 { output.writeStaticString(",") }
            entry.writeAnthropic(into: &output)
        }
        let hasMore = before == nil ? range.upperBound < catalog.entries.count : range.lowerBound > 0
        ListPage.writeEnd(hasMore: hasMore, first: page.first?.id, last: page.last?.id, into: &output)
    }

    private func range(in catalog: ModelCatalog) throws(InvalidRequest) -> Range<Int> {
        let count = catalog.entries.count
        if let before {
            guard let end = catalog.place(of: before) else { throw Self.unknown(before, "before_id") }
            return max(0, end - limit)..<end
        }
        guard let after else { return 0..<min(limit, count) }
        guard let place = catalog.place(of: after) else { throw Self.unknown(after, "after_id") }
        return place + 1..<min(place + 1 + limit, count)
    }

    private static func unknown(_ id: String, _ name: String) -> InvalidRequest {
        InvalidRequest("'\(name)' names no listed model: '\(id.prefix(128))'.", param: name)
    }
}
