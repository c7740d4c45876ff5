import JSON
import NIOCore

/// What the pages of lists have in common, OpenAI's and Anthropic's: how their queries are read, and how they end.
enum ListPage {
    /// The members of a query, in its order. Names and values are as they are written; the value is nil where there is
    /// no equals sign.
    ///
    /// - Parameter query: what stands behind the question mark.
    static func members(of query: String) -> [(name: Substring, value: Substring?)] {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (parts[0], parts.count == 2 ? parts[1] : nil)
        }
    }

    /// The value of `limit`.
    static func limit(_ text: Substring, most: Int) throws(InvalidRequest) -> Int {
        guard let number = Int(text), (1...most).contains(number) else {
            throw InvalidRequest("'limit' must be an integer from 1 to \(most).", param: "limit")
        }
        return number
    }

    /// Appends what follows the items of `data`: the end of the list, whether there is more, and the ids of the page's
    /// first and last item.
    static func writeEnd(hasMore: Bool, first: String?, last: String?, into output: inout ByteBuffer) {
        output.writeStaticString(hasMore ? "],\"has_more\":true" : "],\"has_more\":false")
        for (name, id) in [(",\"first_id\":" as StaticString, first), (",\"last_id\":", last)] {
            output.writeStaticString(name)
            if let id {
                JSONWriter.writeString(id, into: &output)
            } else {
                output.writeStaticString("null")
            }
        }
        output.writeStaticString("}")
    }
}
