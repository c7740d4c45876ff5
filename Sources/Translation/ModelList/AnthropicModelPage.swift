import JSON
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
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "limit":
                guard let number = Int(parts[1]), (1...Self.most).contains(number) else {
                    throw InvalidRequest("'limit' must be an integer from 1 to \(Self.most).", param: "limit")
                }
                limit = number
            case "after_id": after = try Self.id(parts[1], "after_id")
            case "before_id": before = try Self.id(parts[1], "before_id")
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
        output.writeStaticString(hasMore ? "],\"has_more\":true" : "],\"has_more\":false")
        for (name, entry) in [(",\"first_id\":" as StaticString, page.first), (",\"last_id\":", page.last)] {
            output.writeStaticString(name)
            if let entry {
                JSONWriter.writeString(entry.id, into: &output)
            } else {
                output.writeStaticString("null")
            }
        }
        output.writeStaticString("}")
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
