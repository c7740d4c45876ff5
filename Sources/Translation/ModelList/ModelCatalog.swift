package import NIOCore

/// The models that clients are told of (`GET /v1/models`): the aliases first, then what the providers offer.
///
/// It is made when one of them changes, and then only read; the list of OpenAI's dialect is written once.
package struct ModelCatalog: Sendable {
    /// Who owns the aliases.
    private static let ownOwner = "qwen-gateway"

    package let entries: [ModelEntry]
    /// The whole list as OpenAI has it: `{"object":"list","data":[…]}`.
    package let list: ByteBuffer
    private let places: [String: Int]

    /// - Parameter offers: of each provider in use, what it offers: its own list, or what is known of it
    ///   (`KnownModels`). A model that several offer is listed once.
    package init(offers: [[ModelEntry]], aliases: ModelAliases = .none) {
        var entries: [ModelEntry] = []
        var places: [String: Int] = [:]
        func add(_ entry: ModelEntry) {
            guard places[entry.id] == nil else { return }
            places[entry.id] = entries.count
            entries.append(entry)
        }
        var created: [String: Int] = [:]
        for entry in offers.joined() where created[entry.id] == nil { created[entry.id] = entry.created }
        for alias in aliases.names {
            // It is as old as what it stands for.
            let target = ModelName(aliases.resolve(alias)).plain
            add(ModelEntry(id: alias, created: created[target] ?? 0, owner: Self.ownOwner))
        }
        for entry in offers.joined() { add(entry) }
        self.entries = entries
        self.places = places
        var list = ByteBuffer()
        list.writeStaticString("{\"object\":\"list\",\"data\":[")
        for (place, entry) in entries.enumerated() {
            if place > 0 { list.writeStaticString(",") }
            entry.write(into: &list)
        }
        list.writeStaticString("]}")
        self.list = list
    }

    /// The model with this id; nil if none is listed. An id may have a suffix that turns thinking on or off.
    package func entry(_ id: String) -> ModelEntry? {
        if let place = places[id] { return entries[place] }
        let name = ModelName(id)
        guard name.thinking != nil, let place = places[name.plain] else { return nil }
        var entry = entries[place]
        entry.id = id
        return entry
    }

    /// The models that a client may use, where those are not all.
    ///
    /// - Parameter isAllowed: asked for each id.
    package func only(_ isAllowed: (String) -> Bool) -> ModelCatalog {
        ModelCatalog(offers: [entries.filter { isAllowed($0.id) }])
    }

    func place(of id: String) -> Int? { places[id] }
}
