import JSON
import NIOCore

/// One element of a delta's `tool_calls`: a piece of a call.
struct ToolCallPiece {
    let node: JSONNode
    private(set) var index: JSONNode?
    private(set) var id: JSONNode?
    private(set) var type: JSONNode?
    private(set) var function: JSONNode?
    private(set) var name: JSONNode?
    private(set) var arguments: JSONNode?

    init(_ node: JSONNode, in document: borrowing JSONDocument) {
        self.node = node
        for member in document.members(of: node) {
            if document.isNamed(member, "index") {
                index = member.value
            } else if document.isNamed(member, "id") {
                id = member.value
            } else if document.isNamed(member, "type") {
                type = member.value
            } else if document.isNamed(member, "function") {
                function = member.value
            }
        }
        guard let function else { return }
        for member in document.members(of: function) {
            if document.isNamed(member, "name") {
                name = member.value
            } else if document.isNamed(member, "arguments") {
                arguments = member.value
            }
        }
    }
}

/// Which call each piece belongs to.
///
/// Qwen's index says so, but for some servings: one index may be used again by a call with a new id and a name, an id
/// may come after the beginning, or with every piece, and an index may be missing. Calls are numbered so that each has
/// an index of its own in its choice, Qwen's where that is free.
struct ToolCallSlots: Sendable {
    /// Pieces of further calls are left as they are.
    static let mostCalls = 256

    struct Slot: Sendable {
        let choice: Int
        /// The index that the client sees.
        let index: Int
        /// Id and name as JSON strings, once they are known.
        var id: ByteBuffer?
        var name: ByteBuffer?
        /// The index that Qwen uses now for this call; nil when another call has taken it.
        var current: Int?
        var arguments = ArgumentsProgress()
    }

    /// Where a piece belongs, and what of it is news.
    struct Place: Equatable {
        /// In `slots`.
        let slot: Int
        let announcesID: Bool
        let announcesName: Bool
        /// The call was whole: what comes under its id is sent for the second time.
        let isReplay: Bool
    }

    private(set) var slots: [Slot] = []

    /// Finds the call of a piece, or begins one. nil if there are too many.
    mutating func place(_ piece: ToolCallPiece, choice: Int, in document: borrowing JSONDocument) -> Place? {
        let id = Self.word(piece.id, in: document)
        let name = Self.word(piece.name, in: document)
        let index = piece.index.flatMap { document.integer($0) }
        guard let slot = find(id, name, index, choice) ?? begin(index, choice) else { return nil }
        var announcesID = false
        if let id, slots[slot].id == nil {
            slots[slot].id = Self.copy(id)
            announcesID = true
        }
        var announcesName = false
        if let name, slots[slot].name != name {
            if slots[slot].name == nil { slots[slot].name = Self.copy(name) }
            announcesName = true
        }
        let isReplay = slots[slot].arguments.isWhole && id != nil && !announcesID
        if let arguments = piece.arguments {
            slots[slot].arguments.take(RawText.body(of: arguments, in: document))
        }
        return Place(slot: slot, announcesID: announcesID, announcesName: announcesName, isReplay: isReplay)
    }

    private mutating func find(_ id: ByteBuffer?, _ name: ByteBuffer?, _ index: Int?, _ choice: Int) -> Int? {
        let current = slots.lastIndex { $0.choice == choice && (index == nil || $0.current == index) }
        guard let id else { return current }
        if let current {
            guard let known = slots[current].id else { return current }
            // Some servings make up an id for each piece: a new call brings its name along.
            if known == id || (name == nil && index != nil) { return current }
        }
        if let known = slots.lastIndex(where: { $0.choice == choice && $0.id == id }) {
            if let current { slots[current].current = nil }
            slots[known].current = index
            return known
        }
        if let current { slots[current].current = nil }
        return nil
    }

    private mutating func begin(_ index: Int?, _ choice: Int) -> Int? {
        guard slots.count < Self.mostCalls else { return nil }
        var free = 0
        var isTaken = index.map { $0 < 0 } ?? true
        for slot in slots where slot.choice == choice {
            free = max(free, slot.index &+ 1)
            isTaken = isTaken || slot.index == index
        }
        slots.append(Slot(choice: choice, index: isTaken ? max(free, 0) : index ?? 0, current: index))
        return slots.count - 1
    }

    /// The text of a string, unless it is empty.
    private static func word(_ node: JSONNode?, in document: borrowing JSONDocument) -> ByteBuffer? {
        guard let node, document.kind(of: node) == .string, !document.stringEquals(node, "") else { return nil }
        return document.text(of: node)
    }

    private static func copy(_ text: ByteBuffer) -> ByteBuffer {
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(text)
        return copy
    }
}

extension ToolCallSlots {
    /// Edits a piece so that every client can put it together: the call's own index, its id and its name once and
    /// never empty, arguments that are a string and come once.
    mutating func clean(_ piece: ToolCallPiece, choice: Int, in document: inout JSONDocument) {
        guard document.kind(of: piece.node) == .object,
            let place = place(piece, choice: choice, in: document)
        else { return }
        let index = slots[place.slot].index
        if let given = piece.index {
            if document.integer(given) != index { document.replace(given, with: .integer(index)) }
        } else {
            document.prepend("index", .integer(index), to: piece.node)
        }
        if let id = piece.id, !place.announcesID { document.remove(id, from: piece.node) }
        if let type = piece.type, document.isNull(type) || document.stringEquals(type, "") {
            document.remove(type, from: piece.node)
        }
        guard let function = piece.function else { return }
        if let name = piece.name, !place.announcesName { document.remove(name, from: function) }
        if let arguments = piece.arguments, document.isNull(arguments) || place.isReplay {
            document.replace(arguments, with: .raw("\"\""))
        }
    }
}
