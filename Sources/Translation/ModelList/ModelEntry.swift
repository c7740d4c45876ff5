package import JSON
package import NIOCore

/// A model in a list of models.
package struct ModelEntry: Sendable, Equatable {
    package var id: String
    /// Seconds since 1970; 0 if it is not known.
    package var created: Int
    package var owner: String

    package init(id: String, created: Int = 0, owner: String) {
        self.id = id
        self.created = created
        self.owner = owner
    }
}

extension ModelEntry {
    /// Who owns what Qwen's providers don't say an owner of.
    package static let usualOwner = "qwen"
    private static let longestText = 256
    private static let mostEntries = 10_000
    /// 9999-12-31: what is later is no time.
    private static let latest = 253_402_300_799

    /// Reads a provider's answer to `GET /models`: an object whose `data` lists objects with an `id`. Entries that
    /// make no sense are left out, and so are repetitions.
    ///
    /// - Parameter document: scratch storage.
    /// - Returns: nil if the answer is no list, or there is not one model in it.
    package static func offered(_ answer: ByteBuffer, document: inout JSONDocument) -> [ModelEntry]? {
        guard (try? document.scan(answer)) != nil, let data = document.member("data", of: document.root) else {
            return nil
        }
        var entries: [ModelEntry] = []
        var seen: Set<String> = []
        for element in document.elements(of: data) {
            guard let id = text("id", of: element, in: document), seen.insert(id).inserted else { continue }
            let created = document.member("created", of: element).flatMap { document.integer($0) } ?? 0
            entries.append(
                ModelEntry(
                    id: id, created: (0...latest).contains(created) ? created : 0,
                    owner: text("owned_by", of: element, in: document) ?? usualOwner))
            if entries.count == mostEntries { break }
        }
        return entries.isEmpty ? nil : entries
    }

    /// A string that is fit to be shown; nil if it is missing, empty, very long, or holds control characters.
    private static func text(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) -> String? {
        guard let node = document.member(name, of: object), document.range(of: node).count <= longestText,
            let text = document.string(node), !text.isEmpty
        else { return nil }
        return text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F } ? text : nil
    }
}
